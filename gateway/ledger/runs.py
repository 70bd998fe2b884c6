"""Runs: one execution of an action, its frozen file lists, the command it is at."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.core.errors import Refused
from gateway.core.model import Stamp
from gateway.ledger.ready import Inserts
from gateway.ledger.rows import columns_of, from_row
from gateway.ledger.stamps import read_stamp, stamp_columns
from gateway.ledger.tables import instance, run, run_file

_FREEZE = Inserts(run_file)

JOBS = "jobs/"
"""What the names of distribution jobs' actions begin with; no script's name holds a `/`."""

CHANNELS = "channels/"
"""The same for channels."""


class AlreadyRunning(Refused):
    """The action has a run that is not over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run.  Times are nanoseconds since the epoch.  `skip_wait` and `approved` are what a person asked for."""

    id: int
    action: str
    endpoint: str | None
    trigger: str
    state: str
    outcome: str | None
    command: int
    script_sha256: str
    skip_wait: bool = False
    approved: bool = False
    started_at: int
    ended_at: int | None
    files: int
    failed_files: int
    size_bytes: int
    notes: tuple[str, ...]
    error: str | None
    error_class: str | None


@dataclass(frozen=True, slots=True)
class FrozenFile:
    """One file of a command's frozen list."""

    n: int
    source: str
    relative: str
    stamp: Stamp
    note: str | None = None


def start(
    connection: Connection,
    *,
    action: str,
    endpoint: str | None,
    trigger: str,
    owner: int,
    script_sha256: str,
    at: int,
    skip_wait: bool = False,
    approved: bool = False,
) -> int:
    """Record a new run; its id.  Raises AlreadyRunning while the action has one that is not over."""
    values = {
        "action": action,
        "endpoint": endpoint,
        "trigger": trigger,
        "owner": owner,
        "script_sha256": script_sha256,
        "skip_wait": skip_wait,
        "approved": approved,
        "started_at": at,
        "state": "running",
    }
    try:
        return int(connection.execute(insert(run).values(values).returning(run.c.id)).scalar_one())
    except IntegrityError as exc:
        raise AlreadyRunning(f"{action}: a run of this action is under way; it is not started twice") from exc


def skip(connection: Connection, action: str, note: str, at: int) -> None:
    """Due times for which nothing ran stand in history, too: as a run that was over at once."""
    values = {
        "action": action,
        "trigger": "schedule",
        "state": "ended",
        "outcome": "skipped",
        "started_at": at,
        "ended_at": at,
        "notes": json.dumps([note], ensure_ascii=False),
    }
    connection.execute(insert(run).values(values))


def at_command(connection: Connection, found: int, command: int, notes: Sequence[str] = ()) -> None:
    """The run has come to command number `command`; `notes` are what it has to say so far."""
    said = json.dumps(list(notes), ensure_ascii=False)
    connection.execute(update(run).where(run.c.id == found).values(command=command, notes=said))


def note_failure(connection: Connection, found: int, error: str, error_class: str) -> None:
    """A command of a run that goes on failed; the first failure stays."""
    query = update(run).where(run.c.id == found, run.c.error.is_(None))
    connection.execute(query.values(error=error, error_class=error_class))


def freeze(connection: Connection, found: int, command: int, files: Sequence[FrozenFile]) -> None:
    """Record what was judged: the command sends these and no others, also after a restart."""
    if not files:
        return
    rows = [
        {
            "run": found,
            "command": command,
            **columns_of(file, without=("stamp",)),
            **stamp_columns("stamp", file.stamp),
        }
        for file in files
    ]
    _FREEZE.run(connection, rows)


def frozen(connection: Connection, found: int, command: int) -> tuple[FrozenFile, ...]:
    """The frozen list of a command, empty if there is none."""
    query = select(run_file).where(run_file.c.run == found, run_file.c.command == command).order_by(run_file.c.n)
    return tuple(
        from_row(FrozenFile, row, stamp=read_stamp("stamp", row) or Stamp(0))
        for row in connection.execute(query).mappings()
    )


def count(connection: Connection, found: int, *, files: int, failed_files: int, size_bytes: int) -> None:
    """Add to a run's sums."""
    connection.execute(
        update(run)
        .where(run.c.id == found)
        .values(
            files=run.c.files + files,
            failed_files=run.c.failed_files + failed_files,
            bytes=run.c.bytes + size_bytes,
        )
    )


def end(
    connection: Connection,
    found: int,
    *,
    outcome: str,
    notes: Sequence[str],
    error: str | None,
    error_class: str | None,
    at: int,
) -> RunRow | None:
    """running or waiting -> ended; None if somebody else ended it before."""
    row = (
        connection.execute(
            update(run)
            .where(run.c.id == found, run.c.state != "ended")
            .values(
                state="ended",
                outcome=outcome,
                notes=json.dumps(list(notes), ensure_ascii=False),
                error=error,
                error_class=error_class,
                ended_at=at,
                owner=None,
            )
            .returning(run)
        )
        .mappings()
        .one_or_none()
    )
    return None if row is None else read_run(row)


def get(connection: Connection, found: int) -> RunRow | None:
    """One run."""
    row = connection.execute(select(run).where(run.c.id == found)).mappings().one_or_none()
    return None if row is None else read_run(row)


def latest_of(connection: Connection, action: str) -> RunRow | None:
    """The latest run of one action."""
    query = select(run).where(run.c.action == action).order_by(run.c.id.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else read_run(row)


def orphans(connection: Connection) -> tuple[RunRow, ...]:
    """Runs that are not over and whose process is; those of distribution jobs and channels go on with these."""
    dead = select(instance.c.id).where(instance.c.ended_at.is_not(None))
    query = select(run).where(run.c.state != "ended", run.c.owner.is_(None) | run.c.owner.in_(dead)).order_by(run.c.id)
    query = query.where(run.c.action.not_like(f"{JOBS}%"), run.c.action.not_like(f"{CHANNELS}%"))
    return tuple(read_run(row) for row in connection.execute(query).mappings())


def live(connection: Connection) -> frozenset[int]:
    """The runs that are not over."""
    return frozenset(connection.execute(select(run.c.id).where(run.c.state != "ended")).scalars())


def adopt(connection: Connection, found: int, owner: int) -> None:
    """A run of a dead process goes on in this one."""
    connection.execute(update(run).where(run.c.id == found).values(owner=owner, state="running"))


def latest(connection: Connection) -> dict[str, RunRow]:
    """The latest run of each action."""
    newest = select(func.max(run.c.id)).group_by(run.c.action)
    rows = connection.execute(select(run).where(run.c.id.in_(newest))).mappings()
    return {row["action"]: read_run(row) for row in rows}


def read_run(row: RowMapping) -> RunRow:
    """The frozen value of a row of the run table."""
    return from_row(RunRow, row, size_bytes=row["bytes"], notes=tuple(json.loads(row["notes"])))
