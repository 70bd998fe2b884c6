"""The shipped example scripts: clean by themselves and together, and written as `gateway fmt` writes."""

from pathlib import Path

import pytest

from gateway.language.check import check, check_all
from gateway.language.format import format_text
from gateway.language.parse import parse_bytes
from gateway.language.polling import Driver, driver
from gateway.language.world import EndpointFacts, World

SCRIPTS = sorted((Path(__file__).parents[2] / "actions").glob("*.act"))
WORLD = World(
    endpoints={
        "demo_sftp": EndpointFacts(scheme="sftp", exec=True, outbox="/g/demo_sftp/outbox", inbox="/g/demo_sftp/inbox"),
        "demo_ftp": EndpointFacts(scheme="ftp", raw=True, outbox="/g/demo_ftp/outbox", inbox="/g/demo_ftp/inbox"),
    },
    root="/g",
)


def test_there_are_the_four_examples() -> None:
    assert [path.stem for path in SCRIPTS] == ["copies", "orders_sftp", "prices_ftp", "tidy"]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_an_example_has_no_findings_can_be_polled_and_is_formatted(path: Path) -> None:
    parsed = parse_bytes(path.read_bytes(), path.name)
    assert [str(each) for each in check(parsed, WORLD)] == []
    assert isinstance(driver(parsed.action, parsed.settings), Driver)
    assert format_text(path.read_text(encoding="utf-8"), path.name) == path.read_text(encoding="utf-8")


def test_the_examples_do_not_disturb_each_other() -> None:
    parsed = [parse_bytes(path.read_bytes(), path.name) for path in SCRIPTS]
    assert [str(each) for each in check_all(parsed, WORLD)] == []
