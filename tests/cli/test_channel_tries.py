"""Why did it not arrive at its time?  The history of an item tells each try that failed: when, and why."""

import re
from pathlib import Path

import pytest

from gateway.cli.output import Row
from tests.cli.conftest import Site
from tests.cli.test_channel_verbs import lay, local

THERE = "978001_onix.xml"


@pytest.fixture
def stuck(shops: Site) -> Site:
    """Both items arrived; then what is in the way of the metadata of `978001`, which changed, made a try fail."""
    site = local(shops)
    site.run("channel", "detect")
    site.run("channel", "deliver-now", "shop")
    in_the_way(site).mkdir()
    change(site, "10.00")
    assert deliver(site) == 7
    return site


def in_the_way(site: Site) -> Path:
    path = site.root / "shop1" / "in" / THERE
    path.unlink()
    return path


def change(site: Site, text: str) -> None:
    (site.root / "titles" / "978001" / "onix.xml").write_text(f"<p>{text}</p>")
    site.run("channel", "detect")


def deliver(site: Site) -> int:
    return site.run("channel", "deliver-now", "shop", "--kind", "metadata").code


def told(site: Site, *more: str) -> list[tuple[object, ...]]:
    """Of the metadata of 978001, oldest first; its batches count from 1: their own numbers begin anew at midnight."""
    rows: list[Row] = site.run("channel", "history", "--item", "978001", "--kind", "metadata", "--json", *more).json
    batches = list(dict.fromkeys(row["batch"] for row in reversed(rows)))
    return [(row["state"], batches.index(row["batch"]) + 1, THERE in str(row["reason"])) for row in reversed(rows)]


def test_each_try_has_its_time_and_its_reason(stuck: Site) -> None:
    assert deliver(stuck) == 7
    assert told(stuck) == [("failed", 1, True), ("try failed", 1, True), ("try failed", 1, True)]
    rows = stuck.run("channel", "history", "--item", "978001", "--json").json
    tries = [row for row in rows if row["state"] == "try failed"]
    assert len({row["run"] for row in tries}) == 2
    assert all(row["ended_at"] > row["detected_at"] for row in tries)
    out = stuck.run("channel", "history", "--item", "978001").out
    assert re.findall(r"metadata  (\w+)", out) == ["try", "try", "failed"]
    assert len(re.findall(r"  failed .*tried again \w{3} \d\d \w{3} \d\d:00$", out, re.M)) == 1
    assert "try failed" not in stuck.run("channel", "history").out
    assert "try failed" not in stuck.run("channel", "history", "--item", "978002").out
    (stuck.root / "shop1" / "in" / THERE).rmdir()
    assert deliver(stuck) == 0
    assert told(stuck) == [("try failed", 1, True), ("try failed", 1, True), ("delivered", 1, False)]


def test_a_change_that_went_out_in_a_later_batch_leaves_the_tries_of_the_earlier_one(stuck: Site) -> None:
    change(stuck, "11.00")
    (stuck.root / "shop1" / "in" / THERE).rmdir()
    assert deliver(stuck) == 0
    assert told(stuck) == [("try failed", 1, True), ("failed", 1, True), ("delivered", 2, False)]


def test_a_try_that_did_not_come_as_far_as_its_recipient_is_told_with_its_own_reason(stuck: Site) -> None:
    (stuck.root / "shop1").rename(stuck.root / "away")
    (stuck.root / "shop1").write_text("no folder")
    assert deliver(stuck) != 0
    row, *_ = stuck.run("channel", "history", "--item", "978001", "--json").json
    assert (row["state"], THERE in row["reason"]) == ("try failed", False)
    (waits,) = stuck.run("channel", "queue", "--json").json
    assert waits["reason"] == row["reason"]


def test_a_try_that_had_no_run_is_told_too(stuck: Site) -> None:
    far = 'password = "env:NOBODY_SAYS"\nurl = "sftp://u@127.0.0.1:1'
    stuck.config.write_text(stuck.config.read_text().replace('url = "file://', far, 1))
    assert deliver(stuck) == 7
    row, *_ = stuck.run("channel", "history", "--item", "978001", "--json").json
    assert (row["state"], "NOBODY_SAYS" in row["reason"]) == ("try failed", True)


def test_what_arrived_of_a_batch_that_failed_does_not_count_as_failed(stuck: Site) -> None:
    for item in ("978001", "978002"):
        lay(stuck, item, "again")
    stuck.run("channel", "detect")
    assert deliver(stuck) == 7
    (row,) = stuck.run("channel", "list", "--json").json
    assert (row["failed"], row["batched"]) == (1, 0)
