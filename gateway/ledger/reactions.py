"""Reactions that are due: written in the commit of the outcome that causes them, at least once each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert, or_, select, update

from gateway.core.pauses import PAUSES, pause_after_ns
from gateway.ledger.rows import from_row
from gateway.ledger.tables import instance, reaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionRow:
    """One reaction that is due."""

    id: int
    run: int | None
    action: str
    event: str
    text: str
    macros: Mapping[str, str]
    attempts: int


def due(
    connection: Connection,
    *,
    action: str,
    event: str,
    text: str,
    macros: Mapping[str, str],
    run: int | None,
    delivery: int | None,
    at: int,
) -> int:
    """Record that a reaction is due; its id."""
    values = {
        "action": action,
        "event": event,
        "text": text,
        "macros": json.dumps(dict(macros), ensure_ascii=False),
        "run": run,
        "delivery": delivery,
        "state": "waiting",
        "next_at": at,
        "created_at": at,
    }
    return int(connection.execute(insert(reaction).values(values).returning(reaction.c.id)).scalar_one())


def take(connection: Connection, owner: int, now: int, limit: int = 20) -> tuple[ReactionRow, ...]:
    """waiting -> running: those that are due, oldest first, and those that a dead process left running."""
    dead = select(instance.c.id).where(instance.c.ended_at.is_not(None))
    waiting = (reaction.c.state == "waiting") & (reaction.c.next_at <= now)
    left = (reaction.c.state == "running") & reaction.c.owner.in_(dead)
    found = select(reaction.c.id).where(or_(waiting, left)).order_by(reaction.c.id).limit(limit)
    query = (
        update(reaction)
        .where(reaction.c.id.in_(found))
        .values(state="running", owner=owner, attempts=reaction.c.attempts + 1)
        .returning(reaction)
    )
    rows = [
        from_row(ReactionRow, row, macros=json.loads(row["macros"])) for row in connection.execute(query).mappings()
    ]
    return tuple(sorted(rows, key=lambda row: row.id))


def done(connection: Connection, found: int, output: str, at: int) -> None:
    """running -> done."""
    _move(connection, found, {"state": "done", "output": output, "error": None, "ended_at": at})


def failed(connection: Connection, row: ReactionRow, error: str, at: int) -> None:
    """running -> waiting, to be tried again once after each pause, or -> failed."""
    if row.attempts <= len(PAUSES):
        next_at = at + pause_after_ns(row.attempts)
        _move(connection, row.id, {"state": "waiting", "error": error, "next_at": next_at})
    else:
        _move(connection, row.id, {"state": "failed", "error": error, "ended_at": at})


def given_up(connection: Connection, found: int, error: str, at: int) -> None:
    """running -> failed: something else sees to it that it is tried again."""
    _move(connection, found, {"state": "failed", "error": error, "ended_at": at})


def next_due(connection: Connection) -> int | None:
    """When the next reaction is due, waiting or left running by a dead process; None if there is none."""
    dead = select(instance.c.id).where(instance.c.ended_at.is_not(None))
    left = (reaction.c.state == "running") & reaction.c.owner.in_(dead)
    query = select(reaction.c.next_at).where(or_(reaction.c.state == "waiting", left))
    return connection.execute(query.order_by(reaction.c.next_at).limit(1)).scalar()


def _move(connection: Connection, found: int, values: Mapping[str, object]) -> None:
    query = update(reaction).where(reaction.c.id == found, reaction.c.state == "running")
    connection.execute(query.values({**values, "owner": None}))
