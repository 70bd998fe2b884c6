"""When a job starts by itself: pure functions over a JobSchedule; answers are UTC.

Points (once, daily, weekly) are wall times: one that doesn't exist comes at the first instant after the gap, one that
exists twice comes once.  Intervals (minutes, hourly) count by the wall clock; those of an hour or less by elapsed time
within a day: a day whose clock is set has as many as it has hours.  With `each` every destination goes by its own
clock, and the run starts when the first of them is due.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.config.job_kinds import Deadline
from gateway.jobs.model import JobSchedule, Repeat
from gateway.language.calendar import next_points
from gateway.language.calendar_zone import ONE_DAY, instant
from gateway.language.schedule_nodes import DAY_S, OneTime, Schedule, Times

_HOUR_S = 3600
_INTERVALS = {Repeat.MINUTES: timedelta(minutes=1), Repeat.HOURLY: timedelta(hours=1)}
_LAST_DAY = date(9998, 12, 31)
_USUAL_DEADLINE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, order=True)
class Start:
    """One start: the run begins at `at` (UTC); `wall` is the time that clocks show, without a zone."""

    at: datetime
    wall: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """Whose clocks a schedule goes by: the gateway's zone, those of the destinations, and when the job was saved."""

    zone: ZoneInfo
    saved_at: datetime
    each: Sequence[ZoneInfo] = ()


def starts(schedule: JobSchedule, after: datetime, clocks: Clocks) -> Iterator[Start]:
    """The starts after `after`, strictly increasing."""
    last = after.astimezone(UTC)
    for day in _days(schedule, last, clocks.zone):
        for start in sorted(_of_day(schedule, day, clocks)):
            if start.at > last and _is_within(schedule, start.wall):
                last = start.at
                yield start


def next_start(schedule: JobSchedule, after: datetime, clocks: Clocks) -> Start | None:
    """The first start after `after`, None if there is none any more."""
    return next(starts(schedule, after, clocks), None)


def begins_at(start: Start, schedule: JobSchedule, zone: ZoneInfo) -> datetime:
    """When a destination whose clock is `zone` begins to load: with `each` when its own clock shows the time."""
    return _instant(start.wall, zone) if schedule.each else start.at


def begun(schedule: JobSchedule, now: datetime, clocks: Clocks) -> Start | None:
    """The one start of `once` by every destination's clock, where some have shown its time already and others will."""
    if schedule.repeat is not Repeat.ONCE or not schedule.each:
        return None
    return next_start(schedule, now - 2 * ONE_DAY, clocks)


def interval_of(schedule: JobSchedule) -> timedelta | None:
    """How far apart its starts are; None where they are points in time."""
    unit = _INTERVALS.get(schedule.repeat)
    return None if unit is None else unit * schedule.every


def ever_starts(schedule: JobSchedule, zone: ZoneInfo) -> bool:
    """False if the schedule can't be: no time lies between its start and its finish."""
    if schedule.repeat is Repeat.MANUAL:
        return True
    if schedule.start is None or schedule.finish is None:
        return True
    before = _instant(schedule.start, zone) - timedelta(days=2)
    return next_start(schedule, before, Clocks(zone=zone, saved_at=before)) is not None


def starts_on_save(schedule: JobSchedule, now: datetime, clocks: Clocks) -> bool:
    """Saving starts a job whose schedule is neither manual nor in the future."""
    if schedule.repeat is Repeat.MANUAL:
        return False
    if schedule.repeat is Repeat.ONCE:
        return next_start(schedule, now, clocks) is None
    return _is_within(schedule, now.astimezone(clocks.zone).replace(tzinfo=None))


def deadline_at(deadline: Deadline | None, started_at: datetime, schedule: JobSchedule, clocks: Clocks) -> datetime:
    """Until when a run that started then may last: as said, else until the next start, without one 24 hours."""
    if deadline is not None and deadline.after is not None:
        return started_at.astimezone(UTC) + deadline.after
    if deadline is not None and deadline.until is not None:
        return next_showing(deadline.until, started_at, clocks.zone)
    following = next_start(schedule, started_at, clocks)
    return following.at if following is not None else started_at.astimezone(UTC) + _USUAL_DEADLINE


def next_showing(clock: time, after: datetime, zone: ZoneInfo) -> datetime:
    """The first instant after `after` at which a clock of `zone` shows that time of day."""
    day = after.astimezone(zone).date()
    for ahead in range(3):
        at = _instant(datetime.combine(day + ahead * ONE_DAY, clock), zone)
        if at > after:
            return at
    raise AssertionError("a clock shows every time of day within two days")


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    return instant(wall.date(), _seconds(wall.time()), zone)


def _seconds(clock: time) -> int:
    return clock.hour * 3600 + clock.minute * 60 + clock.second


def _is_within(schedule: JobSchedule, wall: datetime) -> bool:
    return (schedule.start is None or schedule.start <= wall) and (schedule.finish is None or wall <= schedule.finish)


def _days(schedule: JobSchedule, after: datetime, zone: ZoneInfo) -> Iterator[date]:
    """The days that can hold a start after `after`; two before it, since destinations may lie beyond the date line."""
    day = after.astimezone(zone).date() - 2 * ONE_DAY
    last = schedule.finish.date() if schedule.finish is not None else _LAST_DAY
    if schedule.start is not None:
        day = max(day, schedule.start.date())
        last = schedule.start.date() if schedule.repeat is Repeat.ONCE else last
    while day <= last and schedule.repeat is not Repeat.MANUAL:
        yield day
        day += ONE_DAY


def _of_day(schedule: JobSchedule, day: date, clocks: Clocks) -> Iterator[Start]:
    anchor = schedule.start.date() if schedule.start is not None else clocks.saved_at.astimezone(clocks.zone).date()
    if schedule.repeat in _INTERVALS:
        yield from _by_interval(schedule, day, anchor, clocks.zone)
    elif _is_day(schedule, day, anchor):
        zones = clocks.each if schedule.each and clocks.each else (clocks.zone,)
        for clock in schedule.at:
            wall = datetime.combine(day, clock)
            yield Start(min(_instant(wall, zone) for zone in zones), wall)


def _is_day(schedule: JobSchedule, day: date, anchor: date) -> bool:
    if schedule.repeat is Repeat.WEEKLY:
        weeks = (_monday(day) - _monday(anchor)).days // 7
        return day.weekday() in schedule.days and weeks % schedule.every == 0
    return (day - anchor).days % schedule.every == 0


def _monday(day: date) -> date:
    return day - day.weekday() * ONE_DAY


def _by_interval(schedule: JobSchedule, day: date, anchor: date, zone: ZoneInfo) -> Iterator[Start]:
    interval_s = int((_INTERVALS[schedule.repeat] * schedule.every).total_seconds())
    first_s = _first_of_day(schedule, day, anchor, interval_s)
    if first_s >= DAY_S:
        return
    if interval_s > _HOUR_S:
        points: Iterator[datetime] = (instant(day, second, zone) for second in range(first_s, DAY_S, interval_s))
    else:
        whole = Schedule((OneTime(day, (Times(first_s, DAY_S, interval_s),)),))
        points = next_points(whole, instant(day, 0, zone) - timedelta(seconds=1), zone)
    for at in points:
        yield Start(at, at.astimezone(zone).replace(tzinfo=None))


def _first_of_day(schedule: JobSchedule, day: date, anchor: date, interval_s: int) -> int:
    """Seconds after midnight of the first point of `day`, counted from the anchor by the wall clock."""
    given = (
        schedule.start.time() if schedule.start is not None and schedule.start.time() != time.min else schedule.at[0]
    )
    since_s = (day - anchor).days * DAY_S - _seconds(given)
    return _seconds(given) if day == anchor and schedule.start is not None else -since_s % interval_s
