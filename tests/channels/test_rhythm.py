"""The cron frequency rule and the times of deliveries, every frequency, both changes of daylight saving."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.channels.model import Anchor, Cron, Rhythm
from gateway.channels.rhythm import cron_times, delivery_times
from gateway.channels.rhythm_text import show_moments, show_soon

VIENNA = ZoneInfo("Europe/Vienna")
MINUTE = timedelta(minutes=1)
EVERY_N = range(1, 25)
CHANGES = {  # a zone, and the days on which its clock is set forward and back
    "Europe/Vienna": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-10-04", "2026-04-05"),  # by half an hour
    "America/Havana": ("2026-03-08", "2026-11-01"),  # at midnight: 00:00 becomes 01:00
}
AROUND_CHANGES = [(zone, day) for zone, days in CHANGES.items() for day in days]


def at(text: str, zone: ZoneInfo = VIENNA) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def shown(times: Iterator[datetime], count: int, zone: ZoneInfo = VIENNA) -> list[str]:
    return [f"{one.astimezone(zone):%H:%M}" for one in islice(times, count)]


def minutes(start: datetime, days: int) -> Iterator[datetime]:
    """Every minute of the world, one after the other."""
    first = start.astimezone(UTC)
    return (first + number * MINUTE for number in range(1, days * 24 * 60 + 1))


def until(times: Iterator[datetime], start: datetime, days: int) -> list[datetime]:
    end = start.astimezone(UTC) + timedelta(days=days)
    return list(takewhile(lambda one: one <= end, times))


def by_looking(start: datetime, days: int, zone: ZoneInfo, minute: int, every: int = 1) -> list[datetime]:
    """The minutes at which the clock on the wall says so, found by looking at it every minute."""
    walls = ((one, one.astimezone(zone)) for one in minutes(start, days))
    return [one for one, wall in walls if wall.minute == minute and wall.hour % every == 0]


def test_set_to_1_at_1120_it_looks_at_1220_1320_1420() -> None:
    cron = Cron(1, at("2026-11-21T11:20"))
    assert shown(cron_times(cron, cron.set_at, VIENNA), 4) == ["12:20", "13:20", "14:20", "15:20"]


def test_set_to_2_at_0110_it_looks_at_0210_0410_0610_not_at_0310() -> None:
    cron = Cron(2, at("2026-11-21T01:10"))
    assert shown(cron_times(cron, cron.set_at, VIENNA), 4) == ["02:10", "04:10", "06:10", "08:10"]


def test_set_to_3_it_looks_at_the_hours_0_3_6() -> None:
    cron = Cron(3, at("2026-11-21T01:10"))
    times = cron_times(cron, at("2026-11-21T23:59"), VIENNA)
    assert shown(times, 9) == [f"{hour:02}:10" for hour in (0, 3, 6, 9, 12, 15, 18, 21, 0)]


def test_set_to_5_it_begins_anew_at_midnight() -> None:
    cron = Cron(5, at("2026-11-21T07:05"))
    assert shown(cron_times(cron, at("2026-11-21T14:00"), VIENNA), 4) == ["15:05", "20:05", "00:05", "05:05"]


@pytest.mark.parametrize("every", EVERY_N)
def test_every_frequency_looks_at_its_hours_of_each_day(every: int) -> None:
    cron = Cron(every, at("2026-11-21T13:37"))
    found = until(cron_times(cron, at("2026-11-21T23:59"), VIENNA), at("2026-11-21T23:59"), 3)
    expected = [
        f"{day}T{hour:02}:37" for day in ("2026-11-22", "2026-11-23", "2026-11-24") for hour in range(0, 24, every)
    ]
    assert [f"{one.astimezone(VIENNA):%Y-%m-%dT%H:%M}" for one in found] == expected


@pytest.mark.parametrize("every", EVERY_N)
@pytest.mark.parametrize(("name", "day"), AROUND_CHANGES)
def test_an_hour_that_does_not_exist_is_left_out_and_one_that_comes_twice_is_used_twice(
    name: str, day: str, every: int
) -> None:
    zone = ZoneInfo(name)
    start = at(f"{day}T00:00", zone) - timedelta(days=1)
    for minute in (0, 20, 45):
        cron = Cron(every, at("2026-01-01T05:00", zone).replace(minute=minute))
        seen = by_looking(start, 3, zone, minute, every)
        assert until(cron_times(cron, start, zone), start, 3) == seen


def test_the_hours_of_both_changes_by_name() -> None:
    spring = Cron(1, at("2026-03-01T11:20"))
    assert shown(cron_times(spring, at("2026-03-29T00:30"), VIENNA), 3) == ["01:20", "03:20", "04:20"]
    autumn = list(islice(cron_times(spring, at("2026-10-25T00:30"), VIENNA), 4))
    assert [f"{one.astimezone(VIENNA):%H:%M %z}" for one in autumn] == [
        "01:20 +0200",
        "02:20 +0200",
        "02:20 +0100",
        "03:20 +0100",
    ]


def test_it_is_strictly_after_what_it_was_asked_for_and_finds_the_second_of_two_equal_hours() -> None:
    cron = Cron(2, at("2026-03-01T11:20"))
    first = datetime(2026, 10, 25, 0, 20, tzinfo=UTC)  # 02:20 for the first time
    assert list(islice(cron_times(cron, first, VIENNA), 1)) == [first + timedelta(hours=1)]
    assert list(islice(cron_times(cron, first - timedelta(seconds=1), VIENNA), 1)) == [first]


@pytest.mark.parametrize("every", EVERY_N)
def test_counted_from_its_setting_it_goes_on_over_midnight(every: int) -> None:
    cron = Cron(every, at("2026-11-21T01:10"), Anchor.SET_TIME)
    expected = [cron.set_at + number * timedelta(hours=every) for number in range(1, 8)]
    assert list(islice(cron_times(cron, cron.set_at, VIENNA), 7)) == [one.astimezone(UTC) for one in expected]


def test_counted_from_its_setting_the_hours_stay_the_same_over_a_change_of_the_clock() -> None:
    cron = Cron(6, at("2026-03-27T01:10"), Anchor.SET_TIME)
    assert shown(cron_times(cron, at("2026-03-28T20:00"), VIENNA), 4) == ["01:10", "07:10", "13:10", "19:10"]


def test_the_minute_is_that_of_the_zone_in_which_is_looked() -> None:
    kolkata = ZoneInfo("Asia/Kolkata")
    cron = Cron(2, at("2026-11-21T11:20"))  # 15:50 there
    assert shown(cron_times(cron, cron.set_at, kolkata), 2, kolkata) == ["16:50", "18:50"]


CRON = Cron(2, at("2026-01-01T11:20"))


@pytest.mark.parametrize(("name", "day"), AROUND_CHANGES)
def test_an_hourly_delivery_goes_out_in_every_hour_that_there_is(name: str, day: str) -> None:
    zone = ZoneInfo(name)
    start = at(f"{day}T00:00", zone) - timedelta(days=1)
    for rhythm, minute in ((Rhythm("hour"), 20), (Rhythm("hour", minute=45), 45)):
        cron = replace(CRON, set_at=at("2026-01-01T11:20", zone))
        seen = by_looking(start, 3, zone, minute)
        assert until(delivery_times(rhythm, cron, start, zone), start, 3) == seen


@pytest.mark.parametrize(("name", "day"), AROUND_CHANGES)
@pytest.mark.parametrize("clock", [time(0, 0), time(0, 30), time(2, 15), time(2, 30), time(14, 0), time(23, 59)])
def test_a_daily_delivery_goes_out_once_a_day_at_its_time_or_right_after_the_gap(
    name: str, day: str, clock: time
) -> None:
    zone = ZoneInfo(name)
    start = at(f"{day}T12:00", zone) - timedelta(days=2)
    seen: dict[str, datetime] = {}
    for one in minutes(start, 4):
        wall = one.astimezone(zone)
        if wall.time() >= clock:
            seen.setdefault(f"{wall:%Y-%m-%d}", one)
    first = f"{start:%Y-%m-%d}"
    expected = [one for date, one in seen.items() if date != first or clock > start.time()]
    assert until(delivery_times(Rhythm("day", at=clock), CRON, start, zone), start, 4) == expected


def test_a_daily_time_in_the_gap_comes_at_its_end_and_one_that_comes_twice_comes_once() -> None:
    rhythm = Rhythm("day", at=time(2, 30))
    spring = delivery_times(rhythm, CRON, at("2026-03-28T12:00"), VIENNA)
    assert shown(spring, 2) == ["03:00", "02:30"]
    autumn = list(islice(delivery_times(rhythm, CRON, at("2026-10-24T12:00"), VIENNA), 2))
    assert [f"{one.astimezone(VIENNA):%d %H:%M %z}" for one in autumn] == ["25 02:30 +0200", "26 02:30 +0100"]


@pytest.mark.parametrize("day", range(7))
def test_a_weekly_delivery_goes_out_on_its_day_alone(day: int) -> None:
    times = delivery_times(Rhythm("week", at=time(14, 0), day=day), CRON, at("2026-10-18T20:00"), VIENNA)
    found = [one.astimezone(VIENNA) for one in islice(times, 4)]
    assert {(one.weekday(), f"{one:%H:%M}") for one in found} == {(day, "14:00")}
    assert [(later.date() - earlier.date()).days for earlier, later in pairwise(found)] == [7, 7, 7]


def test_every_sunday_at_1400() -> None:
    times = delivery_times(Rhythm("week", at=time(14, 0), day=6), CRON, at("2026-11-22T14:00"), VIENNA)
    assert [f"{one.astimezone(VIENNA):%a %Y-%m-%d %H:%M}" for one in islice(times, 2)] == [
        "Sun 2026-11-29 14:00",
        "Sun 2026-12-06 14:00",
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 24),
    st.integers(0, 365 * 24 * 60).map(lambda minute: datetime(2026, 1, 1, tzinfo=UTC) + minute * MINUTE),
    st.integers(0, 365 * 24 * 60).map(lambda minute: datetime(2026, 1, 1, tzinfo=UTC) + minute * MINUTE),
    st.sampled_from(sorted(CHANGES)),
    st.sampled_from(list(Anchor)),
)
def test_wherever_one_begins_the_times_are_the_same(
    every: int, set_at: datetime, after: datetime, name: str, anchor: Anchor
) -> None:
    zone, cron = ZoneInfo(name), Cron(every, set_at, anchor)
    from_before = [one for one in islice(cron_times(cron, after - timedelta(days=2), zone), 200) if one > after]
    assert list(islice(cron_times(cron, after, zone), 10)) == from_before[:10]


def moments(*texts: str) -> list[datetime]:
    return [at(text) for text in texts]


@pytest.mark.parametrize(
    ("times", "text"),
    [
        (moments("2026-11-29T22:00", "2026-11-30T22:00", "2026-12-01T22:00"), "22:00 on Sun 29 Nov, Mon 30, Tue 1 Dec"),
        (moments("2026-11-22T21:10", "2026-11-22T22:10", "2026-11-23T00:10"), "Sun 22 Nov 21:10, 22:10; Mon 23 00:10"),
        (moments("2026-03-28T02:30", "2026-03-29T03:00"), "Sat 28 Mar 02:30; Sun 29 03:00"),
        (moments("2026-11-22T21:10"), "Sun 22 Nov 21:10"),
        (
            [one.astimezone(VIENNA) for one in islice(cron_times(CRON, at("2026-10-25T01:00"), VIENNA), 3)],
            "Sun 25 Oct 02:20, 02:20 again, 04:20",
        ),
    ],
)
def test_times_are_shown_without_saying_a_day_or_a_month_twice(times: list[datetime], text: str) -> None:
    assert show_moments(times) == text


def test_a_time_of_this_week_is_shown_by_its_day_and_a_later_one_by_its_date() -> None:
    now = at("2026-11-22T06:00")
    assert show_soon(at("2026-11-28T22:00"), now) == "Sat 22:00"
    assert show_soon(at("2026-11-29T22:00"), now) == "29 Nov 22:00"
