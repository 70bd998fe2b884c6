"""`gateway fmt`: in place, in one step, comments kept, nothing touched that is not understood."""

import os
from pathlib import Path

import pytest

from gateway.cli.fmt import format_files
from gateway.cli.main import main
from gateway.core.errors import NotThere

ROUGH = "@endpoint acme\n# why\nput -del *.csv /in/\n"
USUAL = "@endpoint  acme\n# why\nPUT -DEL *.csv /in/\n"


def ran(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["fmt", *words])
    return int(ended.value.code or 0)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "a.act"
    path.write_text(ROUGH)
    path.chmod(0o640)
    return path


def test_a_script_is_brought_into_its_usual_form(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(str(script)) == 0
    assert script.read_text() == USUAL
    assert script.stat().st_mode & 0o777 == 0o640
    assert capsys.readouterr().out == f"changed {script}\n"
    assert os.listdir(script.parent) == ["a.act"]


def test_a_script_in_its_usual_form_is_not_written(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script.write_text(USUAL)
    before = script.stat().st_mtime_ns, script.stat().st_ino
    assert ran(str(script)) == 0
    assert (script.stat().st_mtime_ns, script.stat().st_ino) == before
    assert capsys.readouterr().out == ""


def test_check_only_tells(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("--check", str(script.parent)) == 1
    assert script.read_text() == ROUGH
    assert capsys.readouterr().out == f"would change {script}\n"
    script.write_text(USUAL)
    assert ran("--check", str(script)) == 0


def test_a_script_with_an_error_is_left_alone_and_the_others_are_not(
    script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = script.with_name("b.act")
    broken.write_text("put  -del x\nPTU x\n")
    assert ran(str(broken), str(script)) == 2
    assert broken.read_text() == "put  -del x\nPTU x\n"
    assert script.read_text() == USUAL
    assert f"{broken}:2:1: error " in capsys.readouterr().err


def test_a_file_that_is_not_text_is_left_alone(script: Path) -> None:
    script.write_bytes(b"\xff\xfe")
    (result,) = format_files([script], change=True)
    assert result.error is not None
    assert "is not UTF-8 text" in result.error
    assert script.read_bytes() == b"\xff\xfe"


def test_a_link_stays_a_link(script: Path) -> None:
    link = script.with_name("link.act")
    link.symlink_to(script)
    assert ran(str(link)) == 0
    assert link.is_symlink()
    assert script.read_text() == USUAL


def test_a_folder_without_scripts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotThere, match="holds no scripts"):
        list(format_files([tmp_path], change=True))
    assert ran(str(tmp_path)) == 3
