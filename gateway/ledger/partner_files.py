"""What partners did at the embedded servers: written in bites, read for `gateway history`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, insert, select, update

from gateway.ledger.partner_tables import partner_file
from gateway.ledger.rows import columns_of, from_row

BITE = 500


class Kind(StrEnum):
    """What was done; LOST stands for as many others as its size says."""

    UPLOAD = "upload"
    DOWNLOAD = "download"
    RENAME = "rename"
    REMOVE = "remove"
    MKDIR = "mkdir"
    LOST = "lost"


class Came(StrEnum):
    """How it came out."""

    UNDER_WAY = "under_way"
    WHOLE = "whole"
    PART = "part"  # a download that did not take all of the file, as far as is known
    CUT = "cut"  # an upload whose client went: nothing is kept
    FAILED = "failed"  # an upload that could not be stored
    UNKNOWN = "unknown"  # an upload whose end nobody saw
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that was done, or an upload that has begun.  `hidden` ties an upload's end to its beginning.

    Times are nanoseconds since the epoch; without `started_at` it is that of the beginning, else `ended_at`.
    """

    partner: str
    address: str
    over: str
    kind: Kind
    path: str
    state: Came = Came.DONE
    renamed_to: str | None = None
    size: int | None = None
    sha256: str | None = None
    error: str | None = None
    hidden: str | None = None
    inode: int | None = None
    started_at: int | None = None
    ended_at: int | None = None


@dataclass(frozen=True, slots=True)
class ActRow:
    """An act as the ledger has it."""

    id: int
    act: Act


def note(connection: Connection, acts: Sequence[Act]) -> None:
    """Write acts in their order; the end of an upload goes into the row of its beginning."""
    begun = _begun(connection, [one.hidden for one in acts if one.hidden is not None])
    new: list[Act] = []
    at: dict[str, int] = {}
    for act in acts:
        if act.hidden is None or act.state is Came.UNDER_WAY:
            if act.hidden is not None:
                at[act.hidden] = len(new)
            new.append(act)
        elif act.hidden in begun:
            _end(connection, begun[act.hidden], act)
        elif act.hidden in at:  # it began in this bite
            new[at[act.hidden]] = _ended(act, new[at[act.hidden]].started_at)
        else:
            new.append(_ended(act, act.started_at))
    if new:
        connection.execute(insert(partner_file), [_values(one) for one in new])


def under_way(connection: Connection) -> tuple[Act, ...]:
    """Uploads that began and of whose end nothing is known."""
    rows = connection.execute(select(partner_file).where(partner_file.c.hidden.is_not(None))).mappings()
    return tuple(_act(row) for row in rows)


def old_acts(connection: Connection, before: int) -> tuple[ActRow, ...]:
    """The next bite of what was over before `before`, oldest first."""
    query = select(partner_file).where(_old(before)).order_by(partner_file.c.started_at).limit(BITE)
    return tuple(read_act(row) for row in connection.execute(query).mappings())


def forget_acts(connection: Connection, before: int, found: Collection[int] | None = None) -> int:
    """Drop those of `found` that still are as `old_acts` says, else its next bite; how many."""
    query = select(partner_file.c.id).where(_old(before))
    at = partner_file.c.started_at
    query = query.order_by(at).limit(BITE) if found is None else query.where(partner_file.c.id.in_(found))
    return connection.execute(delete(partner_file).where(partner_file.c.id.in_(query))).rowcount


def read_act(row: RowMapping) -> ActRow:
    """A row of the table."""
    return ActRow(row["id"], _act(row))


def _act(row: RowMapping) -> Act:
    return from_row(Act, row, kind=Kind(row["kind"]), state=Came(row["state"]))


def _old(before: int) -> ColumnElement[bool]:
    return and_(partner_file.c.started_at < before, partner_file.c.ended_at < before)


def _begun(connection: Connection, hidden: Sequence[str]) -> dict[str, int]:
    query = select(partner_file.c.hidden, partner_file.c.id).where(partner_file.c.hidden.in_(hidden))
    return {row.hidden: row.id for row in connection.execute(query)} if hidden else {}


def _ended(act: Act, started_at: int | None) -> Act:
    return replace(act, hidden=None, inode=None, started_at=started_at)


def _end(connection: Connection, row: int, act: Act) -> None:
    values = _values(_ended(act, None))
    del values["started_at"]
    connection.execute(update(partner_file).where(partner_file.c.id == row).values(values))


def _values(act: Act) -> dict[str, Any]:
    return {**columns_of(act), "started_at": act.ended_at if act.started_at is None else act.started_at}
