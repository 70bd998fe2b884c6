"""What the conditions of a CHECK mean: Age of a file, Count of what matched (SPEC §5a).  Pure."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.language.nodes import Age, AgeSide, Count

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def since_change(mtime_ns: int, now: datetime) -> timedelta:
    """The time since a file's mtime (nanoseconds since the epoch); negative if that lies in the future."""
    return timedelta(microseconds=(now - _EPOCH) // timedelta(microseconds=1) - mtime_ns // 1000)


def age_of(mtime_ns: int, now: datetime) -> timedelta:
    """How old a file is: the future counts as 0."""
    return max(since_change(mtime_ns, now), timedelta(0))


def meets(age: Age, mtime_ns: int, now: datetime, zone: ZoneInfo) -> bool:
    """True if a file of that mtime meets the condition: `>` that old or older, `<` that old or younger.

    A day is 24 h in a length; Today and Yesterday are days of `zone`, without a sign exactly that day.
    """
    if age.day is not None:
        return _meets_day(age, mtime_ns, now, zone)
    old = age_of(mtime_ns, now)
    length = age.length or timedelta(0)
    return old <= length if age.side is AgeSide.YOUNGER else old >= length


def count_met(count: Count | None, found: int) -> bool:
    """True if `found` files or folders are as many as asked for: at least one if nothing is said."""
    wanted = count or Count()
    return wanted.low <= found and (wanted.high is None or found <= wanted.high)


def _meets_day(age: Age, mtime_ns: int, now: datetime, zone: ZoneInfo) -> bool:
    today = now.astimezone(zone).date()
    wanted = today if age.day == "today" else today - timedelta(days=1)
    day = _local_day(mtime_ns, now, zone)
    if age.side is AgeSide.OLDER:
        return day <= wanted
    return day >= wanted if age.side is AgeSide.YOUNGER else day == wanted


def _local_day(mtime_ns: int, now: datetime, zone: ZoneInfo) -> date:
    try:
        changed = _EPOCH + timedelta(microseconds=mtime_ns // 1000)
        return min(changed, now).astimezone(zone).date()
    except OverflowError:  # a file system may hold years that no calendar has
        return date.min if mtime_ns < 0 else now.astimezone(zone).date()
