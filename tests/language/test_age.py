"""What Age and Count of a CHECK mean (SPEC §5a)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.language.age import age_of, count_met, meets
from gateway.language.nodes import Age, AgeSide, Count

VIENNA = ZoneInfo("Europe/Vienna")
NOW = datetime(2027, 3, 28, 12, 0, tzinfo=VIENNA)  # clocks were set forward this night
OLDER, YOUNGER = AgeSide.OLDER, AgeSide.YOUNGER


def ns(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000_000


def old(**lengths: float) -> int:
    """The mtime of a file that is so old."""
    return ns(NOW.astimezone(UTC) - timedelta(**lengths))


def local(text: str) -> int:
    return ns(datetime.fromisoformat(text).replace(tzinfo=VIENNA))


@pytest.mark.parametrize(
    ("side", "length", "mtime_ns", "met"),
    [
        (OLDER, timedelta(days=1), old(hours=24), True),
        (OLDER, timedelta(days=1), old(hours=23, minutes=59, seconds=59), False),
        (OLDER, timedelta(days=1), old(days=400), True),
        (YOUNGER, timedelta(days=1), old(hours=24), True),
        (YOUNGER, timedelta(days=1), old(hours=24, seconds=1), False),
        (YOUNGER, timedelta(days=1), old(hours=-5), True),  # the future counts as 0
        (OLDER, timedelta(seconds=1), old(hours=-5), False),
        (OLDER, timedelta(0), old(hours=-5), True),  # `>0` asks whether it exists
        (OLDER, timedelta(0), old(days=4000), True),
    ],
)
def test_a_length_counts_that_old_itself(side: AgeSide, length: timedelta, mtime_ns: int, met: bool) -> None:
    assert meets(Age(side, length), mtime_ns, NOW, VIENNA) is met


def test_a_day_of_a_length_has_24_hours_when_clocks_are_set() -> None:
    """Noon of the day before is 23 hours ago."""
    assert not meets(Age(OLDER, timedelta(days=1)), local("2027-03-27T12:00"), NOW, VIENNA)
    assert meets(Age(OLDER, timedelta(days=1)), local("2027-03-27T11:00"), NOW, VIENNA)


BEFORE, YESTERDAY, TODAY, FUTURE = "2027-03-26T23:59:59", "2027-03-27T00:00", "2027-03-28T00:00", "2027-03-29T00:00"


@pytest.mark.parametrize(
    ("side", "day", "met_for"),
    [
        (None, "today", {TODAY, FUTURE}),
        (YOUNGER, "today", {TODAY, FUTURE}),
        (OLDER, "today", {BEFORE, YESTERDAY, TODAY, FUTURE}),
        (None, "yesterday", {YESTERDAY}),
        (YOUNGER, "yesterday", {YESTERDAY, TODAY, FUTURE}),
        (OLDER, "yesterday", {BEFORE, YESTERDAY}),
    ],
)
def test_today_and_yesterday_are_local_days(side: AgeSide | None, day: str, met_for: set[str]) -> None:
    age = Age(side, day=day)
    met = {text for text in (BEFORE, YESTERDAY, TODAY, FUTURE) if meets(age, local(text), NOW, VIENNA)}
    assert met == met_for


def test_a_local_day_is_the_zone_s() -> None:
    lima = ZoneInfo("America/Lima")  # seven hours behind: its 28th begins at 07:00
    assert meets(Age(None, day="today"), local("2027-03-28T06:59"), NOW, VIENNA)
    assert meets(Age(None, day="yesterday"), local("2027-03-28T06:59"), NOW, lima)
    assert meets(Age(None, day="today"), local("2027-03-28T07:00"), NOW, lima)


@given(st.integers(-(2**70), 2**70), st.sampled_from(["today", "yesterday", None]), st.sampled_from([*AgeSide]))
def test_no_time_that_a_file_system_shows_is_an_error(mtime_ns: int, day: str | None, side: AgeSide) -> None:
    meets(Age(side, None if day else timedelta(days=1), day=day), mtime_ns, NOW, VIENNA)
    assert age_of(mtime_ns, NOW) >= timedelta(0)


@pytest.mark.parametrize(
    ("count", "met_for"),
    [
        (None, [1, 2, 3, 4, 5, 6]),
        (Count(3), [3, 4, 5, 6]),
        (Count(3, 5), [3, 4, 5]),
        (Count(0, 0), [0]),
    ],
)
def test_count_is_at_least_or_a_range(count: Count | None, met_for: list[int]) -> None:
    assert [found for found in range(7) if count_met(count, found)] == met_for
