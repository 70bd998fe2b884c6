"""Tries of batches that failed: each is a run of its channel's action, started by the batch."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from gateway.ledger.channel_tables import channel_batch_file
from gateway.ledger.tables import delivery, run


class Try(NamedTuple):
    """One that failed.  Times are nanoseconds since the epoch."""

    batch: int
    run: int
    ended_at: int
    error: str


def trigger_of(batch: int) -> str:
    """What its runs say that started them."""
    return f"batch {batch}"


def failed(connection: Connection, action: str, batch: int) -> list[Try]:
    """Those of a batch, oldest first."""
    mine = run.c.action == action, run.c.trigger == trigger_of(batch)
    query = select(run.c.id, run.c.ended_at, run.c.error).where(*mine, run.c.ended_at.is_not(None))
    rows = connection.execute(query.where(run.c.error.is_not(None)).order_by(run.c.id))
    return [Try(batch, *row) for row in rows]


def troubles(connection: Connection, tries: Sequence[Try], event: int) -> dict[int, str]:
    """By run, why files of an event did not arrive then, where it is they that were refused."""
    file = channel_batch_file.c
    query = select(delivery.c.error).join(channel_batch_file, file.n == delivery.c.n)
    query = query.where(file.event == event, delivery.c.error.is_not(None), delivery.c.delivered_at.is_(None))
    found = {}
    for one in tries:
        asked = query.where(delivery.c.run == one.run, file.batch == one.batch).order_by(delivery.c.n, delivery.c.id)
        error = connection.execute(asked.limit(1)).scalar()
        if error is not None:
            found[one.run] = str(error)
    return found


def note(connection: Connection, batch: int, action: str, endpoint: str, error: str, error_class: str, at: int) -> None:
    """One that failed before it had a run."""
    said = {"action": action, "endpoint": endpoint, "error": error, "error_class": error_class}
    over = {"state": "ended", "outcome": "failed", "started_at": at, "ended_at": at}
    connection.execute(insert(run).values(trigger=trigger_of(batch), **said, **over))
