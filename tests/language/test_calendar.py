"""When schedules are due and open: daylight saving, leap days, the end of a year, a whole year at once."""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest

from gateway.language.calendar import is_open, last_point, next_close, next_open, next_points
from gateway.language.schedule import parse_schedule

VIENNA, LIMA = ZoneInfo("Europe/Vienna"), ZoneInfo("America/Lima")
SPRING, AUTUMN = "2027-03-28", "2027-10-31"  # 02:00 becomes 03:00; 03:00 becomes 02:00


def due(text: str, after: str, count: int = 4, zone: ZoneInfo = VIENNA) -> list[str]:
    """The next due times as local times with offset, the date only where it changes."""
    start = datetime.fromisoformat(after).replace(tzinfo=zone)
    points = islice(next_points(parse_schedule(text), start, zone), count)
    return [point.astimezone(zone).strftime("%m-%d %H:%M%z") for point in points]


def due_on(text: str, day: str, zone: ZoneInfo = VIENNA) -> list[str]:
    """The due times of one local day, without the date."""
    start = datetime.fromisoformat(day).replace(tzinfo=zone)
    end = (start + timedelta(days=1)).astimezone(UTC)
    just_before = start.astimezone(UTC) - timedelta(seconds=1)
    points = takewhile(lambda point: point < end, next_points(parse_schedule(text), just_before, zone))
    return [point.astimezone(zone).strftime("%H:%M%z") for point in points]


@pytest.mark.parametrize(
    ("text", "day", "expected"),
    [
        # a point that doesn't exist fires at the first instant after the gap
        ("on Su-Sa @02:30", SPRING, ["03:00+0200"]),
        ("on Su-Sa @02:00", SPRING, ["03:00+0200"]),
        ("on Su-Sa @02:15,02:45,03:00", SPRING, ["03:00+0200"]),
        ("on Su-Sa @01:59,03:00", SPRING, ["01:59+0100", "03:00+0200"]),
        # one that exists twice fires once, the first time
        ("on Su-Sa @02:30", AUTUMN, ["02:30+0200"]),
        ("on Su-Sa @02:00,03:00", AUTUMN, ["02:00+0200", "03:00+0100"]),
        # an interval goes by elapsed time
        ("on Su-Sa @01:00/00:30-03:30", SPRING, ["01:00+0100", "01:30+0100", "03:00+0200", "03:30+0200"]),
        ("on Su-Sa @01:40/00:30-04:00", SPRING, ["01:40+0100", "03:10+0200", "03:40+0200"]),
        ("on Su-Sa @02:30/00:20-03:30", SPRING, ["03:00+0200", "03:20+0200"]),
        ("on Su-Sa @02:00/00:10-02:50", SPRING, []),
        (
            "on Su-Sa @01:30/00:30-03:00",
            AUTUMN,
            ["01:30+0200", "02:00+0200", "02:30+0200", "02:00+0100", "02:30+0100", "03:00+0100"],
        ),
        ("on Su-Sa @02:10/00:20-02:40", AUTUMN, ["02:10+0200", "02:30+0200", "02:10+0100", "02:30+0100"]),
        ("on Su-Sa @01:00/00:40-03:00", AUTUMN, ["01:00+0200", "01:40+0200", "02:20+0200", "02:00+0100", "02:40+0100"]),
    ],
)
def test_daylight_saving(text: str, day: str, expected: list[str]) -> None:
    assert due_on(text, day) == expected


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("on Mo @06:15", "2027-01-01T00:00", ["01-04 06:15+0100", "01-11 06:15+0100"]),
        ("on Mo @06:15", "2027-01-04T06:15", ["01-11 06:15+0100", "01-18 06:15+0100"]),
        ("on Mo @06:15", "2027-01-04T06:14:59.999999", ["01-04 06:15+0100", "01-11 06:15+0100"]),
        ("on Mo @23:00/00:30-24:00", "2027-01-01T00:00", ["01-04 23:00+0100", "01-04 23:30+0100", "01-11 23:00+0100"]),
        ("on Mo @22:00/01:00-23:00", "2027-01-01T00:00", ["01-04 22:00+0100", "01-04 23:00+0100"]),
        ("every 1d", "2027-01-01T00:00", ["01-02 00:00+0100", "01-03 00:00+0100"]),
        ("every 25m", "2027-12-31T23:00", ["12-31 23:20+0100", "12-31 23:45+0100", "01-01 00:00+0100"]),
        ("in Feb on day 29 @06:00", "2027-01-01T00:00", ["02-29 06:00+0100"]),
        ("in Feb on last day @06:00", "2027-01-01T00:00", ["02-28 06:00+0100", "02-29 06:00+0100"]),
        ("in Jan-Dec on day 31 @06:00", "2027-02-01T00:00", ["03-31 06:00+0200", "05-31 06:00+0200"]),
        ("in Jan-Dec on first Monday @06:00", "2027-02-01T06:00", ["03-01 06:00+0100", "04-05 06:00+0200"]),
        ("in Jan-Dec on third Sunday @06:00", "2027-02-01T06:00", ["02-21 06:00+0100", "03-21 06:00+0100"]),
        ("in Jan-Dec on last Friday @06:00", "2027-02-01T06:00", ["02-26 06:00+0100", "03-26 06:00+0100"]),
        ("in Dec on every Thursday @06:00", "2027-12-24T00:00", ["12-30 06:00+0100", "12-07 06:00+0100"]),
        ("in Dec on last day @23:59:59", "2027-01-01T00:00", ["12-31 23:59+0100", "12-31 23:59+0100"]),
        ("on 2028/02/29 @06:00,18:00", "2027-01-01T00:00", ["02-29 06:00+0100", "02-29 18:00+0100"]),
    ],
)
def test_days_and_times(text: str, after: str, expected: list[str]) -> None:
    assert due(text, after, len(expected)) == expected


def test_a_day_that_two_parts_name_is_due_once() -> None:
    text = "in Feb on day 1 @06:00 + in Feb on first Monday @06:00"  # 1 February 2027 is a Monday
    assert due(text, "2027-01-01T00:00", 2) == ["02-01 06:00+0100", "02-01 06:00+0100"]
    assert due_on(text, "2027-02-01") == ["06:00+0100"]


def test_what_is_never_due_ends() -> None:
    now = datetime(2027, 1, 1, tzinfo=UTC)
    for text in ("manually", "continuously", "on 2026/12/31 @06:00", "on Mo @09:00-17:00"):
        assert list(next_points(parse_schedule(text), now, VIENNA)) == []
    for text in ("manually", "every 10m", "on 2026/12/31 @06:00-07:00"):
        assert next_open(parse_schedule(text), now, VIENNA) is None
        assert next_close(parse_schedule(text), now, VIENNA) is None


def test_the_end_of_time_is_no_error() -> None:
    late = datetime(9998, 12, 30, 12, tzinfo=UTC)
    assert len(list(next_points(parse_schedule("on Su-Sa @00:00"), late, VIENNA))) == 1
    assert last_point(parse_schedule("every 1m"), late, late, VIENNA) is None


def test_continuously_never_closes_and_touching_ranges_are_one() -> None:
    now = datetime(2027, 1, 1, 12, tzinfo=UTC)
    assert next_open(parse_schedule("continuously"), now, VIENNA) == now
    assert next_close(parse_schedule("continuously"), now, VIENNA) is None
    assert next_close(parse_schedule("on Su-Sa @00:00-12:00,12:00-24:00"), now, VIENNA) is None
    over_midnight = parse_schedule("on Mo-Fr @22:00-24:00 + on Sa @00:00-02:00")
    friday = datetime(2027, 1, 8, 23, tzinfo=VIENNA)
    assert next_close(over_midnight, friday, VIENNA) == datetime(2027, 1, 9, 2, tzinfo=VIENNA)


def test_a_range_is_closed_in_the_gap_and_open_in_both_passes_of_the_fold() -> None:
    schedule = parse_schedule("on Su @01:30-02:30")
    spring = datetime(2027, 3, 28, tzinfo=UTC)
    assert next_open(schedule, spring, VIENNA) == datetime(2027, 3, 28, 0, 30, tzinfo=UTC)
    assert next_close(schedule, spring, VIENNA) == datetime(2027, 3, 28, 1, 0, tzinfo=UTC)
    opened = datetime(2027, 10, 30, 23, 30, tzinfo=UTC)
    shut = next_close(schedule, opened, VIENNA)
    assert shut == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert not is_open(schedule, shut, VIENNA)
    assert next_open(schedule, shut, VIENNA) == datetime(2027, 10, 31, 1, 0, tzinfo=UTC)
    assert next_close(schedule, datetime(2027, 10, 31, 1, 0, tzinfo=UTC), VIENNA) == datetime(
        2027, 10, 31, 1, 30, tzinfo=UTC
    )


def test_a_clock_set_back_over_midnight_keeps_due_times_in_order() -> None:
    zone = ZoneInfo("America/St_Johns")  # 7 November 2010, 00:01 becomes 6 November, 23:01
    text = "on Sa @23:30/00:15-24:00 + on Su @00:00"
    local = due(text, "2010-11-06T12:00", 5, zone)
    assert local == ["11-06 23:30-0230", "11-06 23:45-0230", "11-07 00:00-0230", "11-06 23:30-0330", "11-06 23:45-0330"]


def test_a_day_that_a_zone_skips_is_made_up_for_at_the_next_instant() -> None:
    zone = ZoneInfo("Pacific/Apia")  # 29 December 2011 is followed by the 31st
    assert due("on 2011/12/30 @06:00", "2011-12-28T00:00", 2, zone) == ["12-31 00:00+1400"]
    assert due("on 2011/12/30 @06:00/01:00-09:00", "2011-12-28T00:00", 2, zone) == []


@pytest.mark.parametrize(("zone", "short", "long"), [(VIENNA, SPRING, AUTUMN), (LIMA, None, None)])
def test_a_leap_year_by_the_minute_takes_no_time_and_misses_nothing(
    zone: ZoneInfo, short: str | None, long: str | None
) -> None:
    start, end = datetime(2027, 3, 1, tzinfo=zone), datetime(2028, 3, 1, tzinfo=zone)
    began = time.process_time()
    coming = next_points(parse_schedule("every 1m"), start - timedelta(seconds=1), zone)
    points = list(takewhile(lambda point: point < end, coming))
    assert time.process_time() - began < 10
    days = Counter(point.astimezone(zone).date().isoformat() for point in points)
    assert len(days) == 366
    assert days.pop("2028-02-29") == days.pop("2027-12-31") == 1440
    assert (days.pop(short), days.pop(long)) == (1380, 1500) if short and long else True
    assert set(days.values()) == {1440}


def test_the_last_due_time_is_found_however_long_ago() -> None:
    until = datetime(2027, 6, 15, 12, tzinfo=UTC)
    since = until - timedelta(days=3000)
    yearly = last_point(parse_schedule("in Feb on day 29 @06:00"), since, until, VIENNA)
    assert yearly == datetime(2024, 2, 29, 5, tzinfo=UTC)
    assert last_point(parse_schedule("every 1s"), since, until, VIENNA) == until
    assert last_point(parse_schedule("in Feb on day 29 @06:00"), until - timedelta(days=300), until, VIENNA) is None
