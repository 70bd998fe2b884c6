"""The corpus: every valid script has its tree, every invalid one its findings, place and words both."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.core.model import Finding, Severity
from gateway.language.check import check, check_all
from gateway.language.format import format_text
from gateway.language.parse import Parsed, parse_action, parse_bytes
from gateway.language.show import show
from gateway.language.world import World

CORPUS = Path(__file__).parents[2] / "grammar" / "corpus"
VALID = sorted((CORPUS / "valid").glob("*.act"))
INVALID = sorted((CORPUS / "invalid").glob("*.act"))


def read(path: Path) -> Parsed:
    return parse_bytes(path.read_bytes(), path.name)


def findings(path: Path, world: World) -> tuple[Finding, ...]:
    """What is said of one script; names of the form `pair.1.act`, `pair.2.act` are checked together."""
    together = [read(each) for each in group(path)]
    own = check(read(path), world)
    across = check_all(together, world)
    return tuple(sorted({*own, *(each for each in across if each.span.file == path.name)}, key=by_place))


def group(path: Path) -> list[Path]:
    """The scripts that are checked together with this one."""
    return [each for each in INVALID if each.name.split(".")[0] == path.name.split(".")[0]]


def by_place(finding: Finding) -> tuple[int, int, str]:
    return finding.span.line, finding.span.column, finding.code


def expected_lines(found: tuple[Finding, ...]) -> str:
    return "".join(
        f"{each.span.line}:{each.span.column} {each.severity} {each.code} {each.message}\n" for each in found
    )


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_script_has_no_error_and_the_tree_that_is_written_down(
    path: Path, world: World, dump: Callable[[Parsed], str]
) -> None:
    parsed = read(path)
    assert [str(each) for each in check(parsed, world) if each.severity is Severity.ERROR] == []
    assert dump(parsed) == path.with_suffix(".tree").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_script_gets_every_finding_at_its_place(path: Path, world: World) -> None:
    expected = path.with_suffix(".expect").read_text(encoding="utf-8")
    said = "".join(each.with_suffix(".expect").read_text(encoding="utf-8") for each in group(path))
    assert said.strip(), "an invalid script without findings proves nothing"
    assert expected_lines(findings(path, world)) == expected


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_formatted_script_means_the_same_and_is_not_changed_again(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    formatted = format_text(text, path.name)
    assert format_text(formatted, path.name) == formatted
    before, after = read(path), parse_action(formatted, path.name)
    assert (after.action, after.settings) == (before.action, before.settings)
    assert parse_action(show(before.action), path.name).action == before.action


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_formatting_keeps_every_comment_and_blank_line(path: Path) -> None:
    def kept(text: str) -> list[str]:
        return [line.strip() for line in re.split(r"\r?\n", text.removeprefix("\ufeff")) if is_kept(line)]

    def is_kept(line: str) -> bool:
        return not line.strip() or line.strip().startswith("#")

    text = path.read_bytes().decode()
    assert kept(format_text(text, path.name)) == kept(text)
