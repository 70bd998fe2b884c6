"""What is told of job runs: found in the rows of the runs themselves, so that a kill loses nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, exists, func, insert, select, update

from gateway.ledger import job_runs
from gateway.ledger.job_runs import JobRunRow, read_job_run
from gateway.ledger.job_states import JobState, PlaceState
from gateway.ledger.job_tables import job_destination, job_run, job_telling

FINISHED, FAILED, ERROR = "finished", "failed", "error"
_NONE, _DUE, _TOLD, _GIVEN_UP = "none", "due", "told", "given_up"
_LATE_NS = 24 * 3600 * 10**9
"""What ended longer ago than that is no news: a ledger of before is not told anew."""

Wants = Callable[[JobRunRow], tuple[str, ...]]
"""The events that a run's job has somebody told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One event; `endpoint` is "" but for an error.  Times are nanoseconds since the epoch."""

    job: str
    run: int
    event: str
    endpoint: str
    at: int
    attempts: int


def gather(connection: Connection, wants: Wants, now: int) -> int:
    """Note what has happened since somebody looked; how much of it."""
    found = [*_ends(connection, now), *_errors(connection)]
    runs = {row.id: row for row, *_ in found}
    wanted = {run: wants(row) for run, row in runs.items()}  # many destinations may be down at once
    for row, event, endpoint, at in found:
        is_wanted = event in wanted[row.id]
        values = {
            "run": row.id,
            "event": event,
            "endpoint": endpoint,
            "state": _DUE if is_wanted else _NONE,
            "at": at,
            "next_at": now if is_wanted else None,
            "attempts": 0,
        }
        connection.execute(insert(job_telling).values(values))
    return len(found)


def news(connection: Connection, now: int) -> bool:
    """True if something has happened that nobody has noted."""
    return bool(_ends(connection, now) or _errors(connection))


def _ends(connection: Connection, now: int) -> list[tuple[JobRunRow, str, str, int]]:
    done = job_run.c.state == JobState.FINISHED.value
    ends = job_run.c.terminal.is_(True), job_run.c.state != JobState.SKIPPED.value
    found = []
    for event, condition in ((FINISHED, done), (FAILED, ~done)):
        known = exists().where(job_telling.c.run == job_run.c.id, job_telling.c.event == event)
        query = select(job_run).where(job_run.c.ended_at > now - _LATE_NS, *ends, condition, ~known)
        rows = [read_job_run(row) for row in connection.execute(query.order_by(job_run.c.id)).mappings()]
        found += [(row, event, "", row.ended_at or now) for row in rows]
    return found


def _errors(connection: Connection) -> list[tuple[JobRunRow, str, str, int]]:
    known = exists().where(
        job_telling.c.run == job_destination.c.run,
        job_telling.c.event == ERROR,
        job_telling.c.endpoint == job_destination.c.endpoint,
    )
    wrong = job_destination.c.state.in_((PlaceState.ERROR.value, PlaceState.OFFLINE.value))
    query = select(job_destination.c.run, job_destination.c.endpoint, job_destination.c.since)
    query = query.join(job_run, job_run.c.id == job_destination.c.run)
    found = connection.execute(query.where(job_run.c.terminal.is_(False), wrong, ~known)).all()
    rows = {row.id: row for row in job_runs.live(connection)} if found else {}
    return [(rows[run], ERROR, endpoint, since) for run, endpoint, since in found]


def due(connection: Connection, now: int) -> tuple[Telling, ...]:
    """What is to be told now, in the order in which it happened."""
    query = select(job_run.c.job, *(job_telling.c[name] for name in ("run", "event", "endpoint", "at", "attempts")))
    query = query.join(job_run, job_run.c.id == job_telling.c.run)
    query = query.where(job_telling.c.state == _DUE, job_telling.c.next_at <= now).order_by(job_telling.c.at)
    return tuple(Telling(**row) for row in connection.execute(query).mappings())


def next_due(connection: Connection) -> int | None:
    """When something is to be told again."""
    query = select(func.min(job_telling.c.next_at)).where(job_telling.c.state == _DUE)
    found: int | None = connection.execute(query).scalar()
    return found


def told(connection: Connection, one: Telling) -> None:
    """It was heard."""
    _set(connection, one, state=_TOLD, next_at=None, error=None)


def not_told(connection: Connection, one: Telling, error: str, next_at: int | None) -> None:
    """It was not heard; `next_at` None: it is given up."""
    state = _DUE if next_at is not None else _GIVEN_UP
    _set(connection, one, state=state, next_at=next_at, error=error)


def put_off(connection: Connection, some: Sequence[Telling], next_at: int) -> None:
    """They were not even tried: whoever should hear them hears nothing now."""
    for one in some:
        connection.execute(update(job_telling).where(*_is(one)).values(next_at=next_at))


def _is(one: Telling) -> tuple[ColumnElement[bool], ...]:
    return job_telling.c.run == one.run, job_telling.c.event == one.event, job_telling.c.endpoint == one.endpoint


def _set(connection: Connection, one: Telling, **values: int | str | None) -> None:
    connection.execute(update(job_telling).where(*_is(one)).values(attempts=one.attempts + 1, **values))
