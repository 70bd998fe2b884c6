"""The destinations of job runs, and what became of each file there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.ledger.errors import StateLost
from gateway.ledger.job_places import place_id
from gateway.ledger.job_states import PLACE, PlaceState, moved
from gateway.ledger.job_tables import job_destination, job_file, place

ALL_WELL: Mapping[str, Any] = {
    "failures": 0,
    "failing_since": None,
    "next_at": None,
    "error": None,
    "error_class": None,
}
"""The columns of a destination that nothing is wrong with."""

_COUNTERS = ("delivered", "unchanged", "skipped", "failed", "deleted", "bytes_sent")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRow:
    """One destination of a run; `folder` is where its files go.  Times are nanoseconds since the epoch."""

    run: int
    endpoint: str
    place: int
    folder: str
    priority: int
    state: PlaceState
    since: int
    begins_at: int | None
    action_run: int | None
    begun: int
    required: bool
    excluded: bool
    approved: bool
    failures: int
    next_at: int | None
    failing_since: int | None
    error: str | None
    error_class: str | None
    files: int
    bytes: int
    delivered: int
    unchanged: int
    skipped: int
    failed: int
    deleted: int
    bytes_sent: int
    ended_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlace:
    """A destination as a run starts with it; `folder` has its macros put in."""

    endpoint: str
    folder: str
    priority: int
    required: bool = True
    begins_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """What became of one file at one destination: delivered, skipped, failed or deleted."""

    endpoint: str
    relative: str
    state: str
    size: int
    at: int
    reason: str | None = None
    delivery: int | None = None


def add(connection: Connection, run: int, places: Sequence[NewPlace], at: int) -> None:
    """Freeze the membership of a run."""
    for one in places:
        values = {
            "run": run,
            "endpoint": one.endpoint,
            "place": place_id(connection, one.endpoint, one.folder),
            "priority": one.priority,
            "required": one.required,
            "begins_at": one.begins_at,
            "state": PlaceState.QUEUED.value,
            "since": at,
        }
        connection.execute(insert(job_destination).values(values))


def advance(
    connection: Connection, row: PlaceRow, target: PlaceState, at: int, values: Mapping[str, Any] | None = None
) -> PlaceRow:
    """Take a destination on, by the arrows of `job_states.PLACE`; `values` are further columns of the same step.

    Raises StateLost if it may not follow, or somebody else moved it on.
    """
    moved(PLACE, row.state, target, f"job run {row.run}, {row.endpoint}")
    is_over = target in (PlaceState.DONE, PlaceState.ABORTED, PlaceState.REMOVED)
    columns = {"state": target.value, "since": at, "ended_at": at if is_over else None, **(values or {})}
    query = update(job_destination).where(*_is(row.run, row.endpoint), job_destination.c.state == row.state.value)
    if connection.execute(query.values(columns)).rowcount != 1:
        raise StateLost(f"job run {row.run}, {row.endpoint}: it is no longer {row.state.value}")
    found = get(connection, row.run, row.endpoint)
    assert found is not None
    return found


def change(connection: Connection, run: int, endpoint: str, values: Mapping[str, Any]) -> None:
    """Set columns that are no state."""
    connection.execute(update(job_destination).where(*_is(run, endpoint)).values(dict(values)))


def count(connection: Connection, run: int, endpoint: str, **added: int) -> None:
    """Add to the counters: delivered, unchanged, skipped, failed, deleted, bytes_sent."""
    unknown = set(added) - set(_COUNTERS)
    if unknown:
        raise ValueError(f"no such counter: {', '.join(sorted(unknown))}")
    query = update(job_destination).where(*_is(run, endpoint))
    connection.execute(query.values({name: job_destination.c[name] + by for name, by in added.items()}))


def get(connection: Connection, run: int, endpoint: str) -> PlaceRow | None:
    """One destination."""
    query = _SELECT.where(*_is(run, endpoint))
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _read(row)


def of_run(connection: Connection, run: int) -> tuple[PlaceRow, ...]:
    """The destinations of a run, the highest priority first."""
    order = (job_destination.c.priority.desc(), job_destination.c.endpoint)
    query = _SELECT.where(job_destination.c.run == run).order_by(*order)
    return tuple(_read(row) for row in connection.execute(query).mappings())


def note_files(connection: Connection, run: int, files: Sequence[FileRow]) -> None:
    """What became of files; a later word on the same file stands."""
    rows = [
        {
            "run": run,
            "endpoint": one.endpoint,
            "relative": one.relative,
            "state": one.state,
            "size": one.size,
            "reason": one.reason,
            "delivery": one.delivery,
            "at": one.at,
        }
        for one in files
    ]
    if rows:
        query = upsert(job_file)
        later = {name: query.excluded[name] for name in ("state", "size", "reason", "delivery", "at")}
        connection.execute(
            query.on_conflict_do_update(index_elements=["run", "endpoint", "relative"], set_=later), rows
        )


def files_of(connection: Connection, run: int, endpoint: str | None = None) -> tuple[FileRow, ...]:
    """What is noted of files, by destination and path."""
    query = select(job_file).where(job_file.c.run == run).order_by(job_file.c.endpoint, job_file.c.relative)
    query = query if endpoint is None else query.where(job_file.c.endpoint == endpoint)
    return tuple(
        FileRow(
            endpoint=row["endpoint"],
            relative=row["relative"],
            state=row["state"],
            size=row["size"],
            reason=row["reason"],
            delivery=row["delivery"],
            at=row["at"],
        )
        for row in connection.execute(query).mappings()
    )


def _is(run: int, endpoint: str) -> tuple[Any, Any]:
    return job_destination.c.run == run, job_destination.c.endpoint == endpoint


_SELECT = select(job_destination, place.c.folder).join(place, place.c.id == job_destination.c.place)


def _read(row: RowMapping) -> PlaceRow:
    return PlaceRow(**{**row, "state": PlaceState(row["state"])})
