"""`gateway schedulers set` beside a gateway that serves: saved is taken at once, and refused is not saved."""

from collections.abc import Iterator

import pytest

from tests.cli.beside import serving
from tests.cli.conftest import Site
from tests.cli.test_channel_cli import SCHEDULERS, books

__all__ = ["books"]


@pytest.fixture
def served(books: Site) -> Iterator[Site]:
    """`gateway serve` while the test lasts."""
    with serving(books) as site:
        yield site


def test_what_is_saved_is_taken_by_the_gateway_that_serves_before_the_command_ends(served: Site) -> None:
    ran = served.run("schedulers", "set", "--first", "daily 21:00", "--json")
    assert (ran.code, ran.json["taken"]) == (0, True)
    assert [one["what"] for one in ran.json["changes"]] == ["first"]
    assert ran.json["next"]["first"][0][11:16] == "21:00"
    assert b'"reloaded"' in (served.root / "serve.log").read_bytes()
    (row,) = served.run("schedulers", "history", "--json").json
    assert (row["what"], row["outside"]) == ("first", False)


def test_beside_a_configuration_that_became_wrong_nothing_is_saved(served: Site) -> None:
    (served.root / "conf" / "jobs.d" / "bad.toml").write_text("[source]\n")
    assert served.run("schedulers", "set", "--first", "daily 21:00").code == 2
    assert (served.root / "conf" / "schedulers.toml").read_text() == SCHEDULERS


def test_what_another_hand_changed_in_the_file_is_recorded_as_changed_outside(served: Site) -> None:
    (served.root / "conf" / "schedulers.toml").write_text(SCHEDULERS.replace("14:00", "15:00"))
    assert served.run("reload").code == 0
    (row,) = served.run("schedulers", "history", "--json").json
    assert (row["what"], row["outside"], row["channel"]) == ("first", True, None)
    assert (row["old"], row["new"]) == (
        '{ every = "week", day = "Su", at = "14:00" }',
        '{ every = "week", day = "Su", at = "15:00" }',
    )
    out = served.run("schedulers", "history").out
    assert "edited file  (default)  first: weekly Su 14:00 -> weekly Su 15:00" in out
