"""Why a source may not be taken, as far as the ledger knows: held back, under way, delivered before."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, Select, or_, select

from gateway.core.model import Stamp
from gateway.ledger.archives import read_members
from gateway.ledger.delivery_row import OPEN, State
from gateway.ledger.stamps import read_stamp
from gateway.ledger.tables import delivery, endpoint_state, held_back, seen

CHUNK = 500
"""Sources asked for in one query: within SQLite's limit of parameters, and along an index."""
_IN_THE_WAY = [state.value for state in (*OPEN, State.DELETE_FAILED)]


class Block(StrEnum):
    """What stands in the way of taking a source."""

    HELD_BACK = "held_back"
    PARKED = "parked"
    SKIPPED = "skipped"
    UNDER_WAY = "under_way"
    NAME_TAKEN = "name_taken"
    DELETE_FAILED = "delete_failed"
    SEEN = "seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One reason for one version of a source.  `command` is None where it holds for all; times as in the tables."""

    block: Block
    command: int | None
    source: str
    stamp: Stamp
    next_at: int | None = None
    sha256: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class HeldEndpoint:
    """An endpoint that nobody is to try before `next_at` (None: not before a person acts)."""

    endpoint: str
    next_at: int | None
    error: str


def standings(connection: Connection, action: str, sources: Collection[str]) -> list[Standing]:
    """Everything that stands in the way of `sources` for `action`."""
    names = sorted(sources)
    found: list[Standing] = []
    for start in range(0, len(names), CHUNK):
        chunk = names[start : start + CHUNK]
        found += _held(connection, action, chunk)
        found += _under_way(connection, action, chunk)
        found += _in_archives(connection, action, chunk)
        found += _seen(connection, action, chunk)
    return found


def held_endpoints(connection: Connection, now_ns: int) -> list[HeldEndpoint]:
    """The endpoints that are held back after a failure."""
    query = select(endpoint_state.c.endpoint, endpoint_state.c.next_at, endpoint_state.c.error).where(
        endpoint_state.c.error.is_not(None), or_(endpoint_state.c.next_at > now_ns, endpoint_state.c.next_at.is_(None))
    )
    return [HeldEndpoint(name, next_at, error or "") for name, next_at, error in connection.execute(query)]


def _held(connection: Connection, action: str, sources: list[str]) -> Iterator[Standing]:
    query = select(held_back).where(held_back.c.action == action, held_back.c.source.in_(sources))
    for row in _rows(connection, query):
        yield Standing(
            block=Block(row["state"]),
            command=row["command"],
            source=row["source"],
            stamp=read_stamp("stamp", row) or Stamp(-1),
            next_at=row["next_at"],
            detail=row["error"],
        )


def _under_way(connection: Connection, action: str, sources: list[str]) -> Iterator[Standing]:
    query = select(delivery).where(
        delivery.c.action == action,
        delivery.c.source.in_(sources),
        delivery.c.sources.is_(None),
        delivery.c.state.in_(_IN_THE_WAY),
    )
    for row in _rows(connection, query):
        yield Standing(
            block=_block_of(row["state"]),
            command=row["command"],
            source=row["source"],
            stamp=read_stamp("source", row) or Stamp(-1),
            detail=f"delivery {row['id']} is {row['state']}" + (f": {row['error']}" if row["error"] else ""),
        )


def _in_archives(connection: Connection, action: str, sources: list[str]) -> Iterator[Standing]:
    """Files of an archive that is under way: one delivery lists them all."""
    wanted = set(sources)
    query = select(delivery).where(
        delivery.c.action == action,
        delivery.c.sources.is_not(None),
        delivery.c.state.in_(_IN_THE_WAY),
    )
    for row in _rows(connection, query):
        for member in read_members(row["sources"]):
            if member.path in wanted:
                yield Standing(
                    block=_block_of(row["state"]),
                    command=row["command"],
                    source=member.path,
                    stamp=member.stamp,
                    detail=f"delivery {row['id']} (the archive {row['final']}) is {row['state']}",
                )


def _block_of(state: str) -> Block:
    if state == State.DELETE_FAILED:
        return Block.DELETE_FAILED
    return Block.NAME_TAKEN if state == State.HELD else Block.UNDER_WAY


def _seen(connection: Connection, action: str, sources: list[str]) -> Iterator[Standing]:
    """Plain columns: at start these rows are as many as there are files under watch."""
    query = select(*(seen.c[name] for name in _SEEN)).where(seen.c.action == action, seen.c.source.in_(sources))
    for source, command, size, mtime_ns, inode, device, grain_ns, sha256 in connection.execute(query).all():
        stamp = Stamp(-1 if size is None else size, mtime_ns, inode or 0, device or 0, grain_ns or 1)
        yield Standing(block=Block.SEEN, command=command or None, source=source, stamp=stamp, sha256=sha256)


_SEEN = (
    "source", "command", "stamp_size", "stamp_mtime_ns", "stamp_inode", "stamp_device", "stamp_grain_ns", "sha256",
)  # fmt: skip


def _rows(connection: Connection, query: Select[tuple[object, ...]]) -> Iterator[RowMapping]:
    yield from connection.execute(query).mappings()
