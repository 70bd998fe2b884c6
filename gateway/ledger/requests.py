"""Requests: what one process asks of the one that serves; the only channel between processes (DESIGN §1)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from gateway.ledger.rows import from_row
from gateway.ledger.tables import request


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """One request; `answer` is None until it is done or failed."""

    id: int
    kind: str
    arguments: Mapping[str, Any]
    state: str
    answer: Mapping[str, Any] | None


def ask(connection: Connection, kind: str, arguments: Mapping[str, Any], asked_by: str, at: int) -> int:
    """Record a request; its id."""
    values = {
        "kind": kind,
        "arguments": json.dumps(dict(arguments), ensure_ascii=False),
        "asked_by": asked_by,
        "asked_at": at,
        "state": "asked",
    }
    return int(connection.execute(insert(request).values(values).returning(request.c.id)).scalar_one())


def newest(connection: Connection) -> int:
    """The highest id, 0 if there is none: cheap enough to look at five times a second."""
    return connection.execute(select(func.max(request.c.id))).scalar() or 0


def take(connection: Connection) -> tuple[RequestRow, ...]:
    """asked -> taken: all that wait, oldest first."""
    rows = connection.execute(
        update(request).where(request.c.state == "asked").values(state="taken").returning(request)
    ).mappings()
    return tuple(sorted((_read(row) for row in rows), key=lambda row: row.id))


def answer(connection: Connection, found: int, content: Mapping[str, Any], *, failed: bool, at: int) -> None:
    """taken -> done or failed."""
    connection.execute(
        update(request)
        .where(request.c.id == found)
        .values(state="failed" if failed else "done", answer=json.dumps(dict(content), ensure_ascii=False), ended_at=at)
    )


def get(connection: Connection, found: int) -> RequestRow | None:
    """One request."""
    row = connection.execute(select(request).where(request.c.id == found)).mappings().one_or_none()
    return None if row is None else _read(row)


def drop_stale(connection: Connection, at: int) -> int:
    """What was asked of a process that is gone is failed: nobody waits for it any more."""
    said = json.dumps({"error": "the gateway ended before it could answer"})
    query = update(request).where(request.c.state.in_(("asked", "taken")))
    return connection.execute(query.values(state="failed", answer=said, ended_at=at)).rowcount


def forget(connection: Connection, before: int) -> int:
    """Drop requests that ended before `before`; how many."""
    return connection.execute(delete(request).where(request.c.ended_at < before)).rowcount


def _read(row: RowMapping) -> RequestRow:
    answer = json.loads(row["answer"]) if row["answer"] is not None else None
    return from_row(RequestRow, row, arguments=json.loads(row["arguments"]), answer=answer)
