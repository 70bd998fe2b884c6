"""Sources that failed: held back for 1, 5, 15, 60 minutes, then hourly, and parked after a day (SPEC §5)."""

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, bindparam, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from gateway.core.model import Stamp
from gateway.core.pauses import pause_after_ns
from gateway.ledger.ready import Ready
from gateway.ledger.rows import columns_of, from_row
from gateway.ledger.stamps import read_stamp, stamp_columns
from gateway.ledger.tables import held_back

PARKED_AFTER_NS = 24 * 3600 * 1_000_000_000
_KEY = ("action", "command", "source")

_THAT = delete(held_back).where(held_back.c.action == bindparam("of"), held_back.c.source == bindparam("from"))
_FREE = Ready(_THAT)
_FREE_ONE = Ready(_THAT.where(held_back.c.command == bindparam("at")))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSource:
    """One version of a source that is not tried before `next_at` (None: not before a person says so)."""

    action: str
    command: int
    source: str
    stamp: Stamp
    state: str  # held_back, parked, skipped
    failures: int
    first_failed_at: int
    next_at: int | None
    delivery: int | None
    error: str
    error_class: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a source failed; `parks` where only a person can help."""

    error: str
    error_class: str
    parks: bool = False
    delivery: int | None = None


def hold_back(
    connection: Connection, action: str, command: int, source: str, stamp: Stamp, failure: Failure, at: int
) -> tuple[HeldSource, bool]:
    """Hold a source back, longer with each failure of the same version; and True if it is parked by this failure."""
    before = held_at(connection, action, command, source)
    again = before is not None and before.state != "skipped" and before.stamp.same_version(stamp)
    failures = before.failures + 1 if before is not None and again else 1
    first = before.first_failed_at if before is not None and again else at
    parked = failure.parks or at - first >= PARKED_AFTER_NS
    values = {
        **stamp_columns("stamp", stamp),
        "state": "parked" if parked else "held_back",
        "failures": failures,
        "first_failed_at": first,
        "next_at": None if parked else at + pause_after_ns(failures),
        **columns_of(failure, without=("parks",)),
    }
    query = insert(held_back).values(action=action, command=command, source=source, **values)
    query = query.on_conflict_do_update(index_elements=_KEY, set_=values)
    row = connection.execute(query.returning(held_back)).mappings().one()
    known = again and before is not None and before.state == "parked"
    return _read(row), parked and not known


def free(connection: Connection, action: str, source: str, command: int | None = None) -> int:
    """Success, or `gateway retry`: it may be tried at once; how many rows that freed."""
    if command is None:
        return _FREE.run(connection, {"of": action, "from": source}).rowcount
    return _FREE_ONE.run(connection, {"of": action, "from": source, "at": command}).rowcount


def skip(connection: Connection, action: str, source: str) -> int:
    """`gateway skip`: held_back or parked -> skipped; this version is not sent any more."""
    query = update(held_back).where(held_back.c.action == action, held_back.c.source == source)
    return connection.execute(query.values(state="skipped", next_at=None)).rowcount


def held_at(connection: Connection, action: str, command: int, source: str) -> HeldSource | None:
    """What is known of one source."""
    query = select(held_back).where(
        held_back.c.action == action, held_back.c.command == command, held_back.c.source == source
    )
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _read(row)


def held(connection: Connection, *, action: str | None = None, source: str | None = None) -> tuple[HeldSource, ...]:
    """All that is held back, parked or skipped; the longest first."""
    query = select(held_back).order_by(held_back.c.first_failed_at)
    query = query if action is None else query.where(held_back.c.action == action)
    query = query if source is None else query.where(held_back.c.source == source)
    return tuple(_read(row) for row in connection.execute(query).mappings())


def _read(row: RowMapping) -> HeldSource:
    return from_row(HeldSource, row, stamp=read_stamp("stamp", row) or Stamp(0))
