"""What the command line says before any verb is known."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from gateway.cli.main import application, main
from gateway.cli.verbs import VERBS


def test_the_version_is_printed_without_a_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out.split()[0]) == (0, "gateway")


def test_help_is_folded_by_the_terminal_alone_and_names_arguments_as_messages_do() -> None:
    for name in VERBS:
        verb = typer.main.get_command(application(name)).commands[name]  # type: ignore[attr-defined]
        for command in getattr(verb, "commands", {name: verb}).values():
            paragraphs = (command.help or "").split("\n\n")
            assert "" not in paragraphs, (name, command.name)
            assert not [one for one in paragraphs if "\n" in one], (name, command.name)
            named = [one for one in command.params if one.param_type_name == "argument"]
            assert [one.name for one in named if one.metavar is None] == [], (name, command.name)


def test_a_switch_shows_no_value_in_help(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["history", "--help"], ["job", "runs", "--help"], ["--help"]):
        with pytest.raises(SystemExit):
            main(words)
        out = capsys.readouterr().out
        switches = [line.strip("│ ") for line in out.splitlines() if line.strip("│ ").startswith(("--json", "--help"))]
        assert switches, words
        assert [line for line in switches if "<" in line or "BOOL" in line.upper()] == [], words
    assert "--version" in out


def test_an_option_without_its_value_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["status", "--config"])
    assert (ended.value.code, "--config: nothing stands behind it" in capsys.readouterr().err) == (2, True)


def test_checking_a_script_imports_nothing_that_only_runs_need(tmp_path: Path) -> None:
    (tmp_path / "actions").mkdir()
    (tmp_path / "actions" / "copy.act").write_text("LCOPY -DEL in/* out/\n")
    (tmp_path / "gateway.toml").write_text("")
    told = f"import sys; sys.argv[1:] = ['--config', {str(tmp_path / 'gateway.toml')!r}, 'check']\n"
    told += "from gateway.cli.main import main\ntry:\n    main()\nfinally:\n    print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=tmp_path)
    loaded = {name.partition(".")[0] for name in ran.stdout.splitlines()[-1].split()}
    assert loaded & {"sqlalchemy", "asyncssh", "pyftpdlib", "watchdog", "rich", "structlog", "alembic"} == set()
    assert "lark" in loaded


def test_a_configuration_that_is_not_there_is_told_with_what_named_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_CONFIG_OPTION", "")
    monkeypatch.setenv("GATEWAY_CONFIG", "nix.toml")
    assert "that GATEWAY_CONFIG names does not exist" in _said("status")
    assert "that --config names does not exist" in _said("status", "--config", "other.toml")


def _said(*arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return str(ended.value.__cause__)


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("schedulers show | true", 0, ""),
        ("schedulers show > /dev/full", 1, "gateway: the output can't be written: No space left on device\n"),
        ("status >&- 2>&- <&-", 0, ""),
    ],
)
def test_output_that_nobody_takes_is_no_fault(tmp_path: Path, line: str, code: int, said: str) -> None:
    (tmp_path / "gateway.toml").write_text("")
    command = f"set -o pipefail; {sys.executable} -m gateway --config gateway.toml {line}"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (code, said)
