"""When is looked for changes, and when they are delivered: pure functions; answers are UTC, strictly increasing.

The cron frequency says hours: N = 1 is every hour, N >= 2 are the hours 0, N, 2N … of each day, whenever it was set;
the minute is that of its setting.  An hour that doesn't exist is left out, one that comes twice is used twice.
Deliveries by the hour do the same.  Those of a day or a week are points: one that doesn't exist comes at the first
instant after the gap, one that exists twice comes once.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from gateway.channels.model import Anchor, Cron, Rhythm
from gateway.language.calendar_zone import ONE_DAY, instant

_LAST_DAY = date(9998, 12, 31)
_HOURS_A_DAY = 24


def cron_times(cron: Cron, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """When catalogues are looked at, after `after`."""
    minute = cron_minute(cron, zone)
    last = after.astimezone(UTC)
    for day in _days(after, zone):
        for at in sorted(at for hour in _hours(cron, day, zone) for at in _showings(day, time(hour, minute), zone)):
            if at > last:
                last = at
                yield at


def delivery_times(rhythm: Rhythm, cron: Cron, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """When deliveries of a kind go out, after `after`."""
    if rhythm.every == "hour":
        minute = cron_minute(cron, zone) if rhythm.minute is None else rhythm.minute
        set_at = cron.set_at.astimezone(zone).replace(minute=minute)
        yield from cron_times(replace(cron, every=1, set_at=set_at), after, zone)
        return
    at = rhythm.at if rhythm.at is not None else time()
    last = after.astimezone(UTC)
    for day in _days(after, zone):
        if rhythm.every == "day" or day.weekday() == rhythm.day:
            due = instant(day, at.hour * 3600 + at.minute * 60, zone)
            if due > last:
                last = due
                yield due


def cron_minute(cron: Cron, zone: ZoneInfo) -> int:
    """The minute of the hour at which catalogues are looked at."""
    return cron.set_at.astimezone(zone).minute


def _days(after: datetime, zone: ZoneInfo) -> Iterator[date]:
    day = after.astimezone(zone).date()
    while day <= _LAST_DAY:
        yield day
        day += ONE_DAY


def _hours(cron: Cron, day: date, zone: ZoneInfo) -> range:
    if cron.anchor is Anchor.MIDNIGHT:
        return range(0, _HOURS_A_DAY, cron.every)
    set_at = cron.set_at.astimezone(zone)
    since_hours = (day - set_at.date()).days * _HOURS_A_DAY - set_at.hour
    return range(-since_hours % cron.every, _HOURS_A_DAY, cron.every)


def _showings(day: date, clock: time, zone: ZoneInfo) -> Iterator[datetime]:
    """The instants at which a clock shows that time of the day: one, none in a gap, two where it comes twice."""
    wall = datetime.combine(day, clock, zone)
    first, second = wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)
    if first <= second:
        yield first
    if first < second:
        yield second
