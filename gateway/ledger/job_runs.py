"""Job runs, and what is remembered of a job between them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError

from gateway.core.errors import Refused
from gateway.ledger.errors import StateLost
from gateway.ledger.job_states import JOB, TERMINAL, AfterAll, JobState, moved
from gateway.ledger.job_tables import job_run, job_state
from gateway.ledger.tables import instance


class JobAlreadyRuns(Refused):
    """The job has a run that is not over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRunRow:
    """One job run.  Times are nanoseconds since the epoch."""

    id: int
    job: str
    text: str
    digest: str
    trigger: str
    asked_by: str | None
    state: JobState
    terminal: bool
    paused_in: JobState | None
    owner: int | None
    restarted_from: int | None
    manifest: int | None
    priority: int
    wall: str | None
    due_at: int
    started_at: int | None
    since: int
    deadline_at: int | None
    ended_at: int | None
    rehash: bool
    hashed_files: int
    kept_hashes: int
    source_bytes_read: int
    after_all: AfterAll
    after_all_note: str | None
    cleaned: str
    notes: tuple[str, ...]
    error: str | None
    error_class: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJobRun:
    """What a run starts with; `text` and `digest` are the frozen job's."""

    job: str
    text: str
    digest: str
    trigger: str
    priority: int
    due_at: int
    has_after_all: bool
    asked_by: str | None = None
    restarted_from: int | None = None
    wall: str | None = None
    deadline_at: int | None = None
    rehash: bool = False


def schedule_run(connection: Connection, new: NewJobRun, at: int) -> int:
    """Record a run that is to start: `scheduled`; its id."""
    return _insert(connection, new, at, {"state": JobState.SCHEDULED.value})


def skip_run(connection: Connection, new: NewJobRun, note: str, at: int) -> int:
    """A start for which nothing ran stands in history, too."""
    ended = {"state": JobState.SKIPPED.value, "terminal": True, "ended_at": at, "notes": _notes((note,))}
    return _insert(connection, new, at, ended)


def _insert(connection: Connection, new: NewJobRun, at: int, values: Mapping[str, Any]) -> int:
    columns = {
        "job": new.job,
        "text": new.text,
        "digest": new.digest,
        "trigger": new.trigger,
        "asked_by": new.asked_by,
        "priority": new.priority,
        "due_at": new.due_at,
        "restarted_from": new.restarted_from,
        "wall": new.wall,
        "deadline_at": new.deadline_at,
        "rehash": new.rehash,
        "since": at,
        "after_all": (AfterAll.WAITING if new.has_after_all else AfterAll.NONE).value,
        **values,
    }
    return int(connection.execute(insert(job_run).values(columns).returning(job_run.c.id)).scalar_one())


def advance(
    connection: Connection,
    row: JobRunRow,
    target: JobState,
    at: int,
    *,
    error: str | None = None,
    error_class: str | None = None,
    values: Mapping[str, Any] | None = None,
) -> JobRunRow:
    """Take a run on, by the arrows of `job_states.JOB`; `values` are further columns set in the same step.

    Raises StateLost if it may not follow, or somebody else moved the run on; JobAlreadyRuns beside another active run.
    """
    moved(JOB, row.state, target, f"job run {row.id}")
    ends = target in TERMINAL
    columns = {
        "state": target.value,
        "terminal": ends,
        "since": at,
        "ended_at": at if ends else None,
        "owner": None if ends else row.owner,
        "paused_in": row.state.value if target is JobState.PAUSED else None,
        **({"started_at": at} if target is JobState.PREPARING and row.started_at is None else {}),
        **({"error": error, "error_class": error_class} if error is not None else {}),
        **(values or {}),
    }
    query = update(job_run).where(job_run.c.id == row.id, job_run.c.state == row.state.value).values(columns)
    try:
        found = connection.execute(query.returning(job_run)).mappings().one_or_none()
    except IntegrityError as exc:
        raise JobAlreadyRuns(f"{row.job}: a run of this job is under way; wait for its end, or stop it") from exc
    if found is None:
        raise StateLost(f"job run {row.id}: it is no longer {row.state.value}; somebody else moved it on")
    return read_job_run(found)


def change(connection: Connection, found: int, values: Mapping[str, Any]) -> None:
    """Set columns that are no state: manifest, deadline, priority, after_all …"""
    connection.execute(update(job_run).where(job_run.c.id == found).values(dict(values)))


def count(
    connection: Connection, found: int, *, hashed_files: int = 0, kept_hashes: int = 0, source_bytes_read: int = 0
) -> None:
    """Add to a run's sums."""
    query = update(job_run).where(job_run.c.id == found)
    connection.execute(
        query.values(
            hashed_files=job_run.c.hashed_files + hashed_files,
            kept_hashes=job_run.c.kept_hashes + kept_hashes,
            source_bytes_read=job_run.c.source_bytes_read + source_bytes_read,
        )
    )


def note(connection: Connection, row: JobRunRow, text: str) -> None:
    """What a person should know of this run, once."""
    if text not in row.notes:
        change(connection, row.id, {"notes": _notes((*row.notes, text))})


def note_instead(connection: Connection, row: JobRunRow, old: str, new: str) -> None:
    """What was so, where `old` stands and no longer holds."""
    notes = dict.fromkeys(new if one == old else one for one in row.notes)
    change(connection, row.id, {"notes": _notes(tuple(notes))})


def adopt(connection: Connection, found: int, owner: int) -> None:
    """A run goes on in this process."""
    connection.execute(update(job_run).where(job_run.c.id == found).values(owner=owner))


def get(connection: Connection, found: int) -> JobRunRow | None:
    """One run."""
    row = connection.execute(select(job_run).where(job_run.c.id == found)).mappings().one_or_none()
    return None if row is None else read_job_run(row)


def live(connection: Connection) -> tuple[JobRunRow, ...]:
    """The runs that are not over, the highest priority first."""
    query = select(job_run).where(job_run.c.terminal.is_(False)).order_by(job_run.c.priority.desc(), job_run.c.id)
    return _all(connection.execute(query).mappings())


def live_of(connection: Connection, job: str) -> int | None:
    """The run of a job that is not over."""
    return next((row.id for row in live(connection) if row.job == job), None)


def orphans(connection: Connection) -> tuple[JobRunRow, ...]:
    """Runs that are not over and whose process is, or that nobody has taken yet."""
    dead = select(instance.c.id).where(instance.c.ended_at.is_not(None))
    query = select(job_run).where(job_run.c.terminal.is_(False), job_run.c.owner.is_(None) | job_run.c.owner.in_(dead))
    return _all(connection.execute(query.order_by(job_run.c.priority.desc(), job_run.c.id)).mappings())


def of_job(connection: Connection, job: str | None = None, limit: int = 100) -> tuple[JobRunRow, ...]:
    """The runs of a job, or of all, newest first."""
    query = select(job_run).order_by(job_run.c.id.desc()).limit(limit)
    query = query if job is None else query.where(job_run.c.job == job)
    return _all(connection.execute(query).mappings())


def latest(connection: Connection) -> Mapping[str, JobRunRow]:
    """The latest run of each job."""
    newest = select(func.max(job_run.c.id)).group_by(job_run.c.job)
    rows = _all(connection.execute(select(job_run).where(job_run.c.id.in_(newest))).mappings())
    return {row.job: row for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What is known of a job between its runs.  Times are nanoseconds since the epoch."""

    job: str
    saved_at: int
    digest: str
    scheduled_at: int | None
    held: bool


def remembered(connection: Connection) -> Mapping[str, Remembered]:
    """By job."""
    return {row["job"]: Remembered(**row) for row in connection.execute(select(job_state)).mappings()}


def remember(connection: Connection, values: Remembered) -> None:
    """Keep it."""
    columns = {name: getattr(values, name) for name in ("job", "saved_at", "digest", "scheduled_at", "held")}
    query = upsert(job_state).values(columns)
    connection.execute(query.on_conflict_do_update(index_elements=["job"], set_=columns))


def let_go(connection: Connection, job: str, at: int) -> None:
    """A job that was held starts by itself again; what came due meanwhile was not missed."""
    query = update(job_state).where(job_state.c.job == job, job_state.c.held.is_(True))
    connection.execute(query.values(held=False, scheduled_at=at))


def _notes(notes: Sequence[str]) -> str:
    return json.dumps(list(notes), ensure_ascii=False)


def _all(rows: Iterable[RowMapping]) -> tuple[JobRunRow, ...]:
    return tuple(read_job_run(row) for row in rows)


def read_job_run(row: RowMapping) -> JobRunRow:
    """The frozen value of a row."""
    values = dict(row)
    values |= {
        "state": JobState(row["state"]),
        "paused_in": JobState(row["paused_in"]) if row["paused_in"] is not None else None,
        "after_all": AfterAll(row["after_all"]),
        "notes": tuple(json.loads(row["notes"])),
    }
    return JobRunRow(**values)
