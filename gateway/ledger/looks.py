"""What the looks at local files found: one row for each verdict that changed, for `gateway why`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from gateway.ledger.tables import look


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
        connection.execute(insert(look), [_values(one) for one in looks])


def looks_at(connection: Connection, path: str, limit: int = 100) -> list[Look]:
    """The verdicts on `path`, the latest `limit` of them, oldest first."""
    query = select(look).where(look.c.path == path).order_by(look.c.id.desc()).limit(limit)
    rows = connection.execute(query).mappings().all()
    return [
        Look(row["action"], row["path"], row["at"], row["verdict"], row["detail"], row["size"])
        for row in reversed(rows)
    ]


def forget_looks(connection: Connection, before: int) -> int:
    """Drop what is older than `before`; how many rows that were."""
    return connection.execute(delete(look).where(look.c.at < before)).rowcount


def _values(one: Look) -> dict[str, str | int | None]:
    return {
        "action": one.action,
        "path": one.path,
        "at": one.at,
        "verdict": one.verdict,
        "detail": one.detail,
        "size": one.size_bytes,
    }
