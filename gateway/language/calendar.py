"""When a schedule is due, and when it is open, in a time zone (SPEC §6).  Pure; answers are in UTC.

Daylight saving: a point in time that doesn't exist comes at the first instant after the gap, one that exists twice
comes once, at the first.  A range goes by elapsed time: nothing in the gap, both passes of the fold.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from typing import TypeVar
from zoneinfo import ZoneInfo

from gateway.language.calendar_zone import ONE_DAY, Stretch, instant, stretches
from gateway.language.schedule_nodes import (
    DayNumbers,
    LastDay,
    Monthly,
    OneTime,
    Part,
    Position,
    Schedule,
    Times,
    Weekly,
    weekday_of,
)

_LAST_DAY = date(9998, 12, 31)
_OPEN_FOR_EVER = timedelta(days=400)


def next_points(schedule: Schedule, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The due times after `after`, strictly increasing: points, and those of ranges with an interval."""
    if not schedule.has_points:
        return
    last = after.astimezone(UTC)

    def of_times(day: date, times: Times) -> Iterator[datetime]:
        return _points(day, times, zone, last)

    for point in _in_order(_days(schedule, last, zone), of_times, lambda point: point, zone):
        if point > last:
            last = point
            yield point


def last_point(schedule: Schedule, since: datetime, until: datetime, zone: ZoneInfo) -> datetime | None:
    """The latest due time after `since` and not after `until`."""
    window = timedelta(hours=1)
    while True:
        start = max(since, until - window)
        found = None
        for point in next_points(schedule, start, zone):
            if point > until:
                break
            found = point
        if found is not None or start == since:
            return found
        window *= 8


def is_open(schedule: Schedule, at: datetime, zone: ZoneInfo) -> bool:
    """True if `at` lies within a continuous range."""
    wall = at.astimezone(zone)
    second = wall.hour * 3600 + wall.minute * 60 + wall.second
    return any(
        times.continuous and times.start_s <= second < times.end_s
        for part in schedule.parts
        if _falls_on(part, wall.date())
        for times in part.times
    )


def next_open(schedule: Schedule, after: datetime, zone: ZoneInfo) -> datetime | None:
    """The first instant at or after `after` that lies within a continuous range; None if there is none."""
    after = after.astimezone(UTC)
    first = next((stretch for stretch in _open(schedule, after, zone) if stretch.end > after), None)
    return max(first.start, after) if first else None


def next_close(schedule: Schedule, after: datetime, zone: ZoneInfo) -> datetime | None:
    """When the continuous range that holds `after`, or else the next one, is over; ranges that touch are one.

    None if there is none, or if it lasts for more than 400 days.
    """
    after = after.astimezone(UTC)
    first = next_open(schedule, after, zone)
    if first is None or schedule.always:
        return None
    end = first
    for stretch in _open(schedule, first, zone):
        if stretch.start > end:
            return end
        end = max(end, stretch.end)
        if end - first > _OPEN_FOR_EVER:
            return None
    return end


def _open(schedule: Schedule, since: datetime, zone: ZoneInfo) -> Iterator[Stretch]:
    """The continuous ranges from about `since` on, in order of their start."""
    if not schedule.has_ranges:
        return iter(())

    def of_times(day: date, times: Times) -> Iterable[Stretch]:
        return stretches(day, times.start_s, times.end_s, zone) if times.continuous else ()

    return _in_order(_days(schedule, since, zone), of_times, lambda stretch: stretch.start, zone)


def _points(day: date, times: Times, zone: ZoneInfo, since: datetime) -> Iterator[datetime]:
    """The due times of one day; of a range with an interval, those after `since`."""
    if times.continuous:
        return
    if times.interval_s is None:
        yield instant(day, times.start_s, zone)
        return
    interval = timedelta(seconds=times.interval_s)
    start: datetime | None = None
    for stretch in stretches(day, times.start_s, times.end_s, zone):
        start = start or stretch.start
        steps = max(-((start - stretch.start) // interval), (since - start) // interval + 1, 0)
        while (point := start + steps * interval) < stretch.end:
            yield point
            steps += 1


_Item = TypeVar("_Item", datetime, Stretch)


def _in_order(
    days: Iterable[tuple[date, tuple[Times, ...]]],
    of_times: Callable[[date, Times], Iterable[_Item]],
    start_of: Callable[[_Item], datetime],
    zone: ZoneInfo,
) -> Iterator[_Item]:
    """What `of_times` makes of each day, in order, although a clock set back over midnight mixes two days."""
    held: list[_Item] = []
    for day, all_times in days:
        items, held = merge(held, *(of_times(day, times) for times in all_times)), []
        end_of_day = instant(day + ONE_DAY, 0, zone)
        for item in items:
            if start_of(item) < end_of_day:
                yield item
            else:
                held.append(item)
    yield from held


def _days(schedule: Schedule, since: datetime, zone: ZoneInfo) -> Iterator[tuple[date, tuple[Times, ...]]]:
    """The days that the schedule names, with their times, from the day before `since` on."""
    day = since.astimezone(zone).date() - ONE_DAY
    if all(isinstance(part, OneTime) for part in schedule.parts):
        yield from ((part.day, part.times) for part in schedule.parts if isinstance(part, OneTime) and part.day >= day)
        return
    while day <= _LAST_DAY:
        times = tuple(times for part in schedule.parts if _falls_on(part, day) for times in part.times)
        if times:
            yield day, times
        day += ONE_DAY


def _falls_on(part: Part, day: date) -> bool:
    match part:
        case Weekly():
            return weekday_of(day) in part.days
        case Monthly():
            return day.month in part.months and _is_day_of_month(part, day)
        case OneTime():
            return day == part.day


def _is_day_of_month(part: Monthly, day: date) -> bool:
    match part.days:
        case DayNumbers(numbers):
            return day.day in numbers
        case LastDay():
            return (day + ONE_DAY).day == 1
    if weekday_of(day) != part.days.weekday:
        return False
    if part.days.position is Position.LAST:
        return (day + timedelta(days=7)).month != day.month
    return part.days.position is Position.EVERY or (day.day - 1) // 7 == _NTH[part.days.position]


_NTH = {Position.FIRST: 0, Position.SECOND: 1, Position.THIRD: 2, Position.FOURTH: 3}
