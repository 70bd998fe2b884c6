"""An installed wheel works outside the checkout."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def _pip(*arguments: str) -> None:
    words = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel was unpacked into; what it depends on is where the tests have it."""
    folder = tmp_path_factory.mktemp("wheel")
    alone = ["--no-build-isolation"] if find_spec("hatchling") else []
    _pip("wheel", "--no-deps", *alone, "--wheel-dir", str(folder / "built"), str(ROOT))
    (wheel,) = (folder / "built").glob("*.whl")
    _pip("install", "--no-deps", "--no-compile", "--target", str(folder / "site"), str(wheel))
    return folder / "site"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with a configuration, far from the checkout."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "actions").mkdir()
    (tmp_path / "far").mkdir()
    (tmp_path / "conf" / "gateway.toml").write_text(
        f'[gateway]\nroot = ".."\n[endpoints.far]\nurl = "file://{tmp_path}/far"\n'
    )
    (tmp_path / "actions" / "send.act").write_text(
        "@endpoint far\n@schedule every 10m\n@stable_for 1s\n\nPUT -DEL *.csv\n"
    )
    return tmp_path


def _gateway(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GATEWAY", "PYTHON"))}
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_wheel_holds_its_grammars_and_no_tests(installed: Path) -> None:
    assert (installed / "gateway" / "language" / "action.lark").read_bytes() == (
        ROOT / "grammar/action.lark"
    ).read_bytes()
    assert (installed / "gateway" / "language" / "schedule.lark").is_file()
    assert {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")} == {"gateway", "bin"}


def test_it_is_the_installed_one_that_runs(installed: Path, elsewhere: Path) -> None:
    words = [sys.executable, "-c", "import gateway, sys; sys.stdout.write(gateway.__file__)"]
    shown = subprocess.run(words, cwd=elsewhere, env={"PYTHONPATH": str(installed)}, capture_output=True, text=True)
    assert shown.stdout == str(installed / "gateway" / "__init__.py")


def test_help_check_and_a_delivery_work_from_another_folder(installed: Path, elsewhere: Path) -> None:
    helped = _gateway(installed, elsewhere, "--help")
    assert helped.returncode == 0
    assert "serve" in helped.stdout

    checked = _gateway(installed, elsewhere, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr

    outbox = elsewhere / "var" / "far" / "outbox"
    outbox.mkdir(parents=True)
    (outbox / "order 1.csv").write_bytes(b"1;2\n")
    ran = _gateway(installed, elsewhere, "run", "send")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (elsewhere / "far" / "order 1.csv").read_bytes() == b"1;2\n"
    assert list(outbox.iterdir()) == []


def test_a_script_with_a_slip_is_refused_with_its_place(installed: Path, elsewhere: Path) -> None:
    (elsewhere / "actions" / "slip.act").write_text("@endpoint far\nPUTT *\n")
    checked = _gateway(installed, elsewhere, "check")
    assert checked.returncode == 2
    assert "slip.act:2:1: error E" in checked.stdout + checked.stderr
