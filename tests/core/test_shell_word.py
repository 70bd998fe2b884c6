"""What is printed for a person to copy means the same file in the shell."""

import os
import subprocess

import pytest

from gateway.core.shell_word import shell_word


@pytest.mark.parametrize(
    "name",
    [
        "a.csv",
        "a b.csv",
        "it's",
        "a\nb.csv",
        "\x1b[2Jx'\\",
        "tab\t1",
        "ä\u200b",
        os.fsdecode(b"\xe4\xff\x01"),
        "",
        "~",
        "$HOME",
    ],
)
def test_a_word_that_is_copied_into_a_shell_is_the_text(name: str) -> None:
    word = shell_word(name)
    assert word.isprintable()
    said = subprocess.run(["bash", "-c", f"printf %s {word}"], stdout=subprocess.PIPE, check=True)
    assert os.fsdecode(said.stdout) == name
