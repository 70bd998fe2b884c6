"""Ctrl-C, and the end of the input, at each question of each verb: one line says that nothing was written."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import Site
from tests.cli.terminal import CTRL_C, CTRL_D, Terminal


@dataclass(frozen=True)
class Asked:
    """A verb, the question that it stops at, what is answered before, and how it ends when nobody goes on."""

    words: tuple[str, ...]
    question: str
    said: str = "cancelled; nothing was written"
    code: int = 130
    before: tuple[tuple[str, str], ...] = ()


ASKED = {
    "trust": Asked(("trust", "acme"), "Is this the fingerprint", "not trusted, nothing was written", 20),
    "user add": Asked(("user", "add", "partner", "--write"), "Password: "),
    "user add, again": Asked(
        ("user", "add", "partner", "--write"), "Repeat for confirmation: ", before=(("Password: ", "correct horse\n"),)
    ),
    "user hash": Asked(("user", "hash"), "Password: "),
    "job new": Asked(("job", "new"), "What is made (distribution) [distribution]: "),
    "channel new": Asked(("channel", "new"), "Name: "),
    "channel new, later": Asked(("channel", "new"), "Description", before=(("Name", "books\n"),)),
    "schedulers set": Asked(("schedulers", "set"), "Hours (1-24) [1]: "),
}


def files(root: Path) -> Mapping[str, bytes]:
    """All that a verb could have written, but for the ledger that some look into."""
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file() and "var" not in path.parts}


@pytest.mark.parametrize("keys", [CTRL_C, CTRL_D], ids=["Ctrl-C", "Ctrl-D"])
@pytest.mark.parametrize("verb", ASKED)
def test_who_goes_away_at_a_question_is_told_that_nothing_was_written(site: Site, verb: str, keys: str) -> None:
    asked = ASKED[verb]
    site.config.write_text(
        "\n".join(line for line in site.config.read_text().splitlines() if not line.startswith("host_key")) + "\n"
    )
    before = files(site.root)
    with closing(Terminal(*asked.words, folder=site.root)) as terminal:
        for question, answer in asked.before:
            terminal.until(question)
            terminal.press(answer)
        terminal.until(asked.question)
        code = terminal.leave(keys, asked.said)
    assert (code, terminal.shown.count(asked.said)) == (asked.code, 1), terminal.shown
    assert "Traceback" not in terminal.shown
    assert "Aborted" not in terminal.shown
    assert files(site.root) == before
