"""What the command line says before any verb is known."""

import pytest

from gateway.cli.main import main


def test_the_version_is_printed_without_a_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out.split()[0]) == (0, "gateway")
