"""The grammar file is found in the checkout and in an installed wheel; importing the language costs no parser."""

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gateway.language import grammar

ROOT = Path(__file__).parents[2]


def test_a_checkout_reads_the_grammar_beside_the_package() -> None:
    if not (grammar.CHECKOUT / "action.lark").is_file():
        pytest.skip("these tests run against an installed package")
    assert grammar.grammar_text("action.lark") == (ROOT / "grammar" / "action.lark").read_text(encoding="utf-8")


def test_the_package_comes_first_and_a_missing_file_names_both_places(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    (second / "a.lark").write_text("second")
    assert grammar.grammar_text("a.lark", (first, second)) == "second"
    (first / "a.lark").write_text("first")
    assert grammar.grammar_text("a.lark", (first, second)) == "first"
    with pytest.raises(FileNotFoundError, match=r"first and .*second"):
        grammar.grammar_text("b.lark", (first, second))


def test_an_installed_wheel_parses_outside_the_checkout(tmp_path: Path) -> None:
    """The real wheel, built by the project's own settings, unpacked where no checkout is near."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed here; the build installs it")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, check=True, cwd=ROOT, capture_output=True)
    wheel = next(tmp_path.glob("*.whl"))
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    assert (site / "gateway" / "language" / "action.lark").is_file()
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from gateway.language import grammar\n"
        "from gateway.language.parse import parse_action\n"
        "assert str(grammar.PACKAGE).startswith(sys.argv[1]), grammar.PACKAGE\n"
        "print(len(parse_action('PUT -DEL a b', 'x.act').action.commands))\n"
    )
    run = [sys.executable, "-c", code, str(site)]
    assert subprocess.run(run, check=True, cwd=tmp_path, capture_output=True, text=True).stdout == "1\n"


def test_importing_the_checker_does_not_import_the_parser_library() -> None:
    code = "import sys, gateway.language.check, gateway.language.format; print('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "False\n"
