"""When an action with times of its own is due, what becomes of times that were missed, what comes next.  Pure.

All instants are aware; those returned are UTC.  `since` is the last due time that was run or skipped, from the
ledger: it is what keeps a time from firing twice when the clock is set back, and what shows what was missed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from gateway.core.set_back import counts_anew
from gateway.language.calendar import last_point, next_close, next_open, next_points
from gateway.language.nodes import Action, Check, Transfer
from gateway.language.schedule import Schedule
from gateway.language.settings import Misfire

PUNCTUAL = timedelta(minutes=1)
"""A time that is this late was not missed: a busy loop, a clock that was set forward a little."""

COUNT_AT_MOST = 10_000
_SHOWN = "%Y-%m-%d %H:%M:%S%z"


@dataclass(frozen=True, slots=True)
class Skipped:
    """Due times for which nothing runs; `count` is 10,000 where there are that many or more."""

    first: datetime
    last: datetime
    count: int

    def __str__(self) -> str:
        if self.count == 1:
            return f"1 due time skipped: {self.first:{_SHOWN}}"
        more = " or more" if self.count >= COUNT_AT_MOST else ""
        return f"{self.count}{more} due times skipped: {self.first:{_SHOWN}} to {self.last:{_SHOWN}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """What to do now: start a run (once) for `run_for`; write `skipped` to history; keep `since`; ask at `next_at`.

    `late` says that the run catches up on a missed time.  `clock_set_back` says that the clock went back so far that
    times count anew.
    """

    since: datetime
    next_at: datetime | None
    run_for: datetime | None = None
    late: bool = False
    skipped: Skipped | None = None
    clock_set_back: bool = False


def fire(schedule: Schedule, zone: ZoneInfo, *, since: datetime | None, now: datetime, misfire: Misfire) -> Firing:
    """Decide about the due times after `since` up to `now`.

    `since` None: seen for the first time, or with another schedule than before: nothing was missed.  Ask also while
    the action runs: a time that comes due then is kept by the caller, who starts one run after it.
    """
    now = now.astimezone(UTC)
    counted = now if since is None else _counted_from(schedule, zone, since, now)
    if counted != since:
        return Firing(since=counted, next_at=_next(schedule, counted, zone), clock_set_back=since is not None)
    first = _next(schedule, since, zone)
    if first is None or first > now:
        return Firing(since=since, next_at=first)
    latest = last_point(schedule, since, now, zone) or first
    late = now - latest > PUNCTUAL
    runs = not late or (misfire.within is not None and now - latest <= misfire.within)
    return Firing(
        since=latest,
        next_at=_next(schedule, now, zone),
        run_for=latest if runs else None,
        late=late and runs,
        skipped=_skipped(schedule, zone, since, latest, runs),
    )


def _counted_from(schedule: Schedule, zone: ZoneInfo, since: datetime, now: datetime) -> datetime:
    """`since`, unless the clock was set back by more than that may stand for; a fixed time still fires once only."""
    if not counts_anew(since, now, min(schedule.intervals, default=None)):
        return since
    if counts_anew(since, now):
        return now
    return last_point(_fixed(schedule), now, since, zone) or now


def _fixed(schedule: Schedule) -> Schedule:
    """Its points in time alone, without ranges."""
    points = (replace(part, times=tuple(one for one in part.times if one.stop_s is None)) for part in schedule.parts)
    return replace(schedule, parts=tuple(part for part in points if part.times))


def _next(schedule: Schedule, after: datetime, zone: ZoneInfo) -> datetime | None:
    return next(next_points(schedule, after, zone), None)


def _skipped(schedule: Schedule, zone: ZoneInfo, since: datetime, latest: datetime, runs: bool) -> Skipped | None:
    """The due times after `since` up to `latest`, without `latest` itself if it is run."""
    passed = takewhile(
        lambda point: point < latest or (point == latest and not runs), next_points(schedule, since, zone)
    )
    points = list(islice(passed, COUNT_AT_MOST))
    if not points:
        return None
    last = latest if len(points) == COUNT_AT_MOST else points[-1]
    return Skipped(points[0], last, len(points))


def misfire_of(chosen: Misfire | None, action: Action) -> Misfire:
    """What `@misfire` says; else once within the hour, or skip for an action that checks: its moment is over."""
    if chosen is not None:
        return chosen
    first = next((command for command in action.commands if isinstance(command, Transfer | Check)), None)
    return Misfire(within=None if isinstance(first, Check) else timedelta(hours=1))


@dataclass(frozen=True, slots=True, order=True)
class Coming:
    """A due time; or with `until`, a continuous range that is open from `at` and looked at `every` so often."""

    at: datetime
    until: datetime | None = None
    every: timedelta | None = None


def simulate(
    schedule: Schedule, start: datetime, until: datetime, zone: ZoneInfo, look_every: timedelta
) -> Iterator[Coming]:
    """What comes after `start` and before `until`, in order; a continuous range is one item."""
    points = takewhile(lambda point: point < until, next_points(schedule, start, zone))
    coming = (Coming(point) for point in points)
    return merge(coming, _ranges(schedule, start, until, zone, look_every), key=lambda item: item.at)


def _ranges(schedule: Schedule, start: datetime, until: datetime, zone: ZoneInfo, every: timedelta) -> Iterator[Coming]:
    at = next_open(schedule, start, zone)
    while at is not None and at < until:
        closes = min(next_close(schedule, at, zone) or until, until)
        yield Coming(at, closes, every)
        at = next_open(schedule, closes, zone)
