"""Starts of triggers' commands: written before the start, so that nothing is started twice unseen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.ledger.errors import StateLost
from gateway.ledger.job_states import TRIGGER, TriggerState, moved
from gateway.ledger.job_tables import job_file, job_trigger

AFTER_ALL = "after_all"
_CHANGES = ("delivered", "deleted")


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerRow:
    """One start.  `place` is the endpoint, "" for this machine.  Times are nanoseconds since the epoch."""

    id: int
    run: int
    moment: str
    place: str
    attempt: int
    state: TriggerState
    line: str
    owner: int | None
    due_at: int
    started_at: int | None
    ended_at: int | None
    exit_code: int | None
    output: str | None
    error: str | None


def due(connection: Connection, run: int, moment: str, place: str, line: str, at: int) -> TriggerRow:
    """Record that a command is to start: the first time, or once more after one that ended.

    Raises StateLost where that may not be: an earlier start has not ended, or after_all was started already and did
    not end with `again`.
    """
    last = latest(connection, run, moment, place)
    if last is not None and not may_start_again(last):
        raise StateLost(
            f"job run {run}: {moment} at {place or 'the source'} is {last.state.value}; it is not started again"
        )
    values = {
        "run": run,
        "moment": moment,
        "place": place,
        "attempt": last.attempt + 1 if last is not None else 1,
        "state": TriggerState.DUE.value,
        "line": line,
        "due_at": at,
    }
    try:
        row = connection.execute(insert(job_trigger).values(values).returning(job_trigger)).mappings().one()
    except IntegrityError as exc:
        raise StateLost(f"job run {run}: {moment} at {place or 'the source'} is under way already") from exc
    return _read(row)


def may_start_again(last: TriggerRow) -> bool:
    """True if another start may follow: this one is over, and where it is after_all it ended with `again`."""
    if last.state in (TriggerState.DUE, TriggerState.STARTED, TriggerState.UNKNOWN):
        return False
    return last.moment != AFTER_ALL or last.state in (TriggerState.AGAIN, TriggerState.NOT_RUN)


def give_up(connection: Connection, run: int, place: str, error: str, at: int) -> TriggerState:
    """after_all can't be run at a place: it is `not_run`, or if it was started, as nobody may look at it, `unknown`.

    Only a person may have it tried again, while the run lives.
    """
    row = latest(connection, run, AFTER_ALL, place)
    if row is None or may_start_again(row):
        row = due(connection, run, AFTER_ALL, place, row.line if row is not None else "", at)
    return _left(connection, row, error, at).state


def leave(connection: Connection, run: int, why: str, at: int) -> None:
    """The run is over: nobody starts what is due, and nobody watches what was started."""
    open_states = TriggerState.DUE.value, TriggerState.STARTED.value
    query = select(job_trigger).where(job_trigger.c.run == run, job_trigger.c.state.in_(open_states))
    for row in connection.execute(query).mappings().all():
        _left(connection, _read(row), why, at)


def _left(connection: Connection, row: TriggerRow, why: str, at: int) -> TriggerRow:
    if row.state is TriggerState.DUE:
        return advance(connection, row, TriggerState.NOT_RUN, {"ended_at": at, "error": why})
    if row.state is TriggerState.STARTED:
        said = f"it was started, and nobody sees how it ends: {why}"
        return advance(connection, row, TriggerState.UNKNOWN, {"error": said})
    return row


def came_since(connection: Connection, run: int, endpoint: str, at: int) -> bool:
    """True if a run brought a file to a destination at `at` or later."""
    mine = job_file.c.run == run, job_file.c.endpoint == endpoint, job_file.c.state.in_(_CHANGES), job_file.c.at >= at
    return bool(connection.execute(select(exists().where(*mine))).scalar())


def advance(
    connection: Connection, row: TriggerRow, target: TriggerState, values: Mapping[str, Any] | None = None
) -> TriggerRow:
    """Take a start on, by the arrows of `job_states.TRIGGER`.  Raises StateLost."""
    moved(TRIGGER, row.state, target, f"job run {row.run}, {row.moment} at {row.place or 'the source'}")
    query = update(job_trigger).where(job_trigger.c.id == row.id, job_trigger.c.state == row.state.value)
    found = connection.execute(query.values(state=target.value, **(values or {})).returning(job_trigger))
    moved_on = found.mappings().one_or_none()
    if moved_on is None:
        raise StateLost(f"job run {row.run}: {row.moment} is no longer {row.state.value}; somebody else moved it on")
    return _read(moved_on)


def latest(connection: Connection, run: int, moment: str, place: str) -> TriggerRow | None:
    """The last start of a command at a place."""
    same = job_trigger.c.run == run, job_trigger.c.moment == moment, job_trigger.c.place == place
    newest = select(func.max(job_trigger.c.attempt)).where(*same).scalar_subquery()
    row = connection.execute(select(job_trigger).where(*same, job_trigger.c.attempt == newest)).mappings().one_or_none()
    return None if row is None else _read(row)


def of_run(connection: Connection, run: int) -> tuple[TriggerRow, ...]:
    """All starts of a run, in order."""
    query = select(job_trigger).where(job_trigger.c.run == run).order_by(job_trigger.c.id)
    return tuple(_read(row) for row in connection.execute(query).mappings())


def _read(row: RowMapping) -> TriggerRow:
    return TriggerRow(**{**row, "state": TriggerState(row["state"])})
