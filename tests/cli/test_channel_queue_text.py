"""How the queue and the history of channels read: nothing is said a hundred times, and a row has one date."""

import re
import sys

import pytest

from tests.cli.conftest import Site
from tests.cli.test_channel_verbs import lay, local


def test_what_can_be_said_of_many_first_deliveries_is_told_once(shops: Site) -> None:
    site = local(shops)
    for number in range(100):
        folder = site.root / "titles" / f"979{number:03}"
        folder.mkdir()
        (folder / "book.epub").write_text("a book")
    site.run("channel", "detect")
    head, *rows, last = site.run("channel", "queue").out.splitlines()
    assert len(rows) == 102
    assert {row.partition("shop 97")[2][4:].strip() for row in rows} == {
        "a new channel with more than 100 first deliveries"
    }, head
    assert last == (
        "shop: `gateway channel approve shop` lets them go, `gateway baseline shop` counts what is there as delivered"
    )
    assert all("gateway baseline shop" in row["reason"] for row in site.run("channel", "queue", "--json").json)


def test_the_history_of_a_channel_keeps_its_times_in_one_line_of_80_columns(
    shops: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = local(shops)
    lay(site, "9783990000014")
    site.run("channel", "detect")
    site.run("channel", "deliver-now", "shop")
    lay(site, "9783990000014", "new")
    site.run("channel", "detect")
    site.run("channel", "drop", "shop", "9783990000014", "--reason", "a price that was not agreed on")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    out = site.run("channel", "history").out
    begun = [line for line in out.splitlines() if line.startswith("20")]
    assert len(begun) == 5
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +97", line) for line in begun), out
