"""`gateway simulate` of a channel: over thirty days exactly the times that the rules say."""

from datetime import date, datetime, timedelta
from itertools import pairwise

from tests.cli.conftest import Site
from tests.cli.test_channel_cli import books

__all__ = ["books"]

CHANNEL = """endpoint = "shop1"
catalogue = "titles"
start = "now"
[schedule]
metadata = { every = "hour", at = ":30" }
file = { every = "day", at = "23:00" }
"""


def thirty_days(site: Site, *start: str) -> dict[str, list[str]]:
    """By what, the local times of thirty days."""
    ran = site.run("simulate", "bookshop", "--from", *start, "--for", "30d", "--json")
    assert ran.code == 0, ran
    rows = ran.json
    assert {row["channel"] for row in rows} == {"bookshop"}
    return {what: [row["at"] for row in rows if row["what"] == what] for what in ("cron", "first", "metadata", "file")}


def walls(times: list[str]) -> list[str]:
    return [one[:16] for one in times]


def test_thirty_days_show_the_times_that_the_rules_say(books: Site) -> None:
    (books.root / "conf" / "channels.d" / "bookshop.toml").write_text(CHANNEL)
    shown = thirty_days(books, "2026-11-21T02:10")  # which is a time itself: after it, and before its like at the end
    days = [f"{date(2026, 11, 21) + timedelta(days=number)}" for number in range(31)]
    hours = [f"{day}T{hour:02}" for day in days for hour in range(24)]
    until = "2026-12-21T02:10"
    assert walls(shown["cron"]) == [one for hour in hours[4::2] if (one := f"{hour}:10") < until]
    assert walls(shown["metadata"]) == [one for hour in hours[2:] if (one := f"{hour}:30") < until]
    assert walls(shown["file"]) == [f"{day}T23:00" for day in days[:-1]]
    sundays = [day for day in days if date.fromisoformat(day).weekday() == 6]
    assert walls(shown["first"]) == [f"{day}T14:00" for day in sundays if f"{day}T14:00" < until]


def test_thirty_days_over_both_changes_of_the_clock(books: Site) -> None:
    hourly = "[default]\ncron = { every = 1, set_at = 2026-11-21T11:20:00+01:00 }\n"
    (books.root / "conf" / "schedulers.toml").write_text(hourly)
    spring = thirty_days(books, "2027-03-15T00:00")["cron"]
    autumn = thirty_days(books, "2027-10-15T00:00")["cron"]
    assert (len(spring), len(autumn)) == (30 * 24 - 1, 30 * 24 + 1)
    assert "2027-03-28T02:20:00+01:00" not in spring
    assert {"2027-10-31T02:20:00+02:00", "2027-10-31T02:20:00+01:00"} <= set(autumn)
    moments = [datetime.fromisoformat(one) for one in spring]
    assert {later - earlier for earlier, later in pairwise(moments)} == {timedelta(hours=1)}


def test_for_people_each_kind_has_its_block(books: Site) -> None:
    out = books.run("simulate", "bookshop", "--from", "2026-11-21T01:10", "--for", "30d", "--limit", "2").out
    assert "bookshop, Cron Frequency: every 2 hours at :10 from midnight  (times of Europe/Vienna)" in out
    assert "  Sat 2026-11-21 02:10:00 +0100\n  Sat 2026-11-21 04:10:00 +0100\n  and 358 more before" in out
    assert "bookshop, File Change Delivery: every day at 23:00" in out


def test_a_broken_channel_says_why_none_of_it_will_be(books: Site) -> None:
    path = books.root / "conf" / "channels.d" / "bookshop.toml"
    path.write_text(CHANNEL + '[place]\nfiles = "x"\n')
    out = books.run("simulate", "bookshop", "--for", "1d").out
    assert "It can't be scheduled: " in out
    assert "C103" in out
