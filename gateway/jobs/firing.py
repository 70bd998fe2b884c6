"""What to do about a job's starts that have come due: which one is run, which are too late.  Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from gateway.core.set_back import counts_anew
from gateway.jobs.model import JobSchedule
from gateway.jobs.schedule import Clocks, Start, interval_of, next_start, starts

PUNCTUAL = timedelta(minutes=1)
"""A start that is this late was not missed: a busy loop, a clock that was set forward a little."""

COUNT_AT_MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """What to do now: start a run for `run_for` (`late`: it makes a missed one good), keep `since`, ask at `next_at`.

    `skipped` are the starts for which nothing runs, 10,000 where there are that many or more.
    """

    since: datetime
    next_at: datetime | None
    run_for: Start | None = None
    late: bool = False
    skipped: tuple[Start, ...] = ()


def fire(schedule: JobSchedule, clocks: Clocks, *, since: datetime | None, now: datetime) -> Firing:
    """Decide about the starts after `since` up to `now`: the last of them runs, once, if it is not too late.

    `since` None: seen for the first time, or with another schedule than before: nothing was missed.
    """
    now = now.astimezone(UTC)
    if since is None or counts_anew(since, now, interval_of(schedule)):
        return Firing(since=now, next_at=_next_at(schedule, clocks, now))
    passed = list(islice(_passed(schedule, clocks, since, now), COUNT_AT_MOST))
    if not passed:
        return Firing(since=since, next_at=_next_at(schedule, clocks, since))
    last = _last(schedule, clocks, passed, now)
    late = now - last.at > PUNCTUAL
    runs = not late or (schedule.late is not None and now - last.at <= schedule.late)
    skipped = tuple(start for start in passed if not (runs and start == last))
    return Firing(
        since=last.at,
        next_at=_next_at(schedule, clocks, now),
        run_for=last if runs else None,
        late=late and runs,
        skipped=skipped,
    )


def _next_at(schedule: JobSchedule, clocks: Clocks, after: datetime) -> datetime | None:
    following = next_start(schedule, after, clocks)
    return following.at if following is not None else None


def _passed(schedule: JobSchedule, clocks: Clocks, since: datetime, now: datetime) -> Iterator[Start]:
    return takewhile(lambda start: start.at <= now, starts(schedule, since, clocks))


def _last(schedule: JobSchedule, clocks: Clocks, passed: list[Start], now: datetime) -> Start:
    """The latest start up to `now`: found near `now` where there are very many."""
    if len(passed) < COUNT_AT_MOST:
        return passed[-1]
    near = max(passed[-1].at, now - timedelta(days=2))
    return max(_passed(schedule, clocks, near, now), default=passed[-1])
