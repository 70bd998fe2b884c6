"""Local days and clock times of a zone, as instants (SPEC §6, daylight saving).

Every instant here is UTC: aware datetimes of one zone compare by their wall clock, and so can't tell the two
passes of a repeated hour apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Stretch:
    """The instants from `start` up to, but not including, `end`."""

    start: datetime
    end: datetime


def instant(day: date, seconds: int, zone: ZoneInfo) -> datetime:
    """When the clock first shows `seconds` after midnight of `day`; never shown: the first instant after the gap."""
    first, second = _readings(day, seconds, zone)
    return first if first <= second else _change(second, first, zone)


def stretches(day: date, start_s: int, end_s: int, zone: ZoneInfo) -> Iterator[Stretch]:
    """All instants at which the clock shows a time of `day` from `start_s` up to, not including, `end_s`.

    In order, cut where the clock is set forward or back: nothing lies in a gap, both passes of a fold are there.
    """
    low, high = min(_readings(day, start_s, zone)), max(_readings(day, end_s, zone))
    before, after = _offset(low, zone), _offset(high, zone)
    if before == after:
        yield Stretch(low, high)
        return
    change = _change(low, high, zone)
    for start, end, offset in ((low, change, before), (change, high, after)):
        cut = Stretch(max(start, _utc(day, start_s) - offset), min(end, _utc(day, end_s) - offset))
        if cut.start < cut.end:
            yield cut


def _readings(day: date, seconds: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The two ways to read a wall time: equal, in order (it comes twice), or out of order (it never comes)."""
    wall = _utc(day, seconds).replace(tzinfo=zone)
    return wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)


def _utc(day: date, seconds: int) -> datetime:
    return datetime.combine(day, time(), UTC) + timedelta(seconds=seconds)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    return offset if offset is not None else timedelta(0)


def _change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The first instant after `low` with another offset than `low` has, `high` being one; zones change on a second."""
    before = _offset(low, zone)
    second = timedelta(seconds=1)
    while high - low > second:
        middle = low + (high - low) // second // 2 * second
        if _offset(middle, zone) == before:
            low = middle
        else:
            high = middle
    return high
