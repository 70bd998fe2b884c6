"""When a CHECK last reported a file, and how its reaction went."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from gateway.core.model import Stamp
from gateway.core.pauses import pause_after_ns
from gateway.ledger.rows import from_row
from gateway.ledger.stamps import read_stamp, stamp_columns
from gateway.ledger.tables import check_report


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The last report of one file.  `next_at` is set while its reaction failed."""

    action: str
    path: str
    stamp: Stamp
    reported_at: int
    failures: int = 0
    next_at: int | None = None


def reports(connection: Connection, action: str) -> dict[str, Report]:
    """Every report of an action, by path."""
    query = select(check_report).where(check_report.c.action == action)
    return {row["path"]: _read(row) for row in connection.execute(query).mappings()}


def reports_of(connection: Connection, path: str) -> tuple[Report, ...]:
    """Every action's report of one file: for `gateway why`."""
    rows = connection.execute(select(check_report).where(check_report.c.path == path)).mappings()
    return tuple(_read(row) for row in rows)


def _read(row: RowMapping) -> Report:
    return from_row(Report, row, stamp=read_stamp("stamp", row) or Stamp(0))


def reported(connection: Connection, action: str, files: Iterable[tuple[str, Stamp]], at: int) -> None:
    """Note a report of each of `files`; failures of an earlier reaction are forgotten."""
    for path, stamp in files:
        values = {**stamp_columns("stamp", stamp), "reported_at": at, "failures": 0, "next_at": None}
        query = insert(check_report).values(action=action, path=path, **values)
        connection.execute(query.on_conflict_do_update(index_elements=["action", "path"], set_=values))


def reaction_failed(connection: Connection, action: str, path: str, at: int) -> None:
    """The reaction of a report failed: the file is due again after 1, 5, 15, 60 min, then hourly."""
    where = (check_report.c.action == action, check_report.c.path == path)
    failures = connection.execute(select(check_report.c.failures).where(*where)).scalar()
    if failures is not None:
        values = {"failures": failures + 1, "next_at": at + pause_after_ns(failures + 1)}
        connection.execute(update(check_report).where(*where).values(values))


def forget_gone(connection: Connection, action: str, present: Iterable[str]) -> None:
    """Drop the reports of files that are no longer there."""
    known = set(connection.execute(select(check_report.c.path).where(check_report.c.action == action)).scalars())
    for path in known - set(present):
        connection.execute(delete(check_report).where(check_report.c.action == action, check_report.c.path == path))
