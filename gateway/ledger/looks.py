"""What the looks at local files found: one row for each verdict that changed, for `gateway why`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from gateway.ledger.rows import columns_of, from_row
from gateway.ledger.tables import look

_BITE = 5000


@dataclass(frozen=True, slots=True)
class Look:
    """A verdict on one file.  `at` is nanoseconds since the epoch."""

    action: str
    path: str
    at: int
    verdict: str
    detail: str
    size_bytes: int | None


def note_looks(connection: Connection, looks: Sequence[Look]) -> None:
    """Record verdicts that changed."""
    if looks:
        rows = [{**columns_of(one, without=("size_bytes",)), "size": one.size_bytes} for one in looks]
        connection.execute(insert(look), rows)


def looks_at(connection: Connection, path: str, limit: int = 100) -> list[Look]:
    """The verdicts on `path`, the latest `limit` of them, oldest first."""
    query = select(look).where(look.c.path == path).order_by(look.c.id.desc()).limit(limit)
    rows = connection.execute(query).mappings().all()
    return [from_row(Look, row, size_bytes=row["size"]) for row in reversed(rows)]


def forget_looks(connection: Connection, before: int) -> int:
    """Drop a bite of what is older than `before`; how many rows that were.  Call until it is 0."""
    old = select(look.c.id).where(look.c.at < before).order_by(look.c.at).limit(_BITE)
    return connection.execute(delete(look).where(look.c.id.in_(old))).rowcount
