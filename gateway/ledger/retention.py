"""What is old enough goes: in small bites, so that nobody waits long for the write lock.

History can be read before it is dropped (`old_deliveries`, `old_runs`), so that it is kept elsewhere; then exactly what
was read is dropped.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, delete, exists, select, update

from gateway.ledger import job_tables as _job_tables  # noqa: F401  (what refers to our rows must be known)
from gateway.ledger.delivery_row import DeliveryRow, State, read_delivery
from gateway.ledger.runs import RunRow, read_run
from gateway.ledger.tables import (
    METADATA,
    awaited,
    counter,
    delivery,
    held_back,
    instance,
    reaction,
    run,
    run_file,
)

BITE = 500
_SHOWN = (State.PARKED.value, State.DELETE_FAILED.value, State.HELD.value)
_UNDER_WAY = (State.INTENDED, State.PLACING, State.SWAPPING, State.DELIVERED, State.AWAITING)
_NOT_OVER = (*(state.value for state in _UNDER_WAY), *_SHOWN)


def old_deliveries(connection: Connection, before: int) -> tuple[DeliveryRow, ...]:
    """The next bite of deliveries that were over before `before`, oldest first.

    What is shown until somebody resolves it (delete_failed, parked) stays, and so does a parent of what stays.
    """
    query = select(delivery).where(_old(before)).order_by(delivery.c.started_at).limit(BITE)
    return tuple(read_delivery(row) for row in connection.execute(query).mappings())


def forget_deliveries(connection: Connection, before: int, found: Collection[int] | None = None) -> int:
    """Drop those of `found` that still are as `old_deliveries` says, else its next bite, with what hangs on them.

    Returns how many; call without `found` until it is 0.
    """
    query = select(delivery.c.id).where(_old(before))
    query = (
        query.order_by(delivery.c.started_at).limit(BITE) if found is None else query.where(delivery.c.id.in_(found))
    )
    ids = connection.execute(query).scalars().all()
    connection.execute(update(held_back).where(held_back.c.delivery.in_(ids)).values(delivery=None))
    connection.execute(delete(awaited).where(awaited.c.delivery.in_(ids)))
    connection.execute(delete(reaction).where(reaction.c.delivery.in_(ids)))
    return connection.execute(delete(delivery).where(delivery.c.id.in_(ids))).rowcount


def _old(before: int) -> ColumnElement[bool]:
    """Along the index of starts: a state that is *not* one of few leaves SQLite no other."""
    child = delivery.alias("child")
    return and_(
        delivery.c.started_at < before,
        delivery.c.finished_at < before,
        delivery.c.state.not_in(_NOT_OVER),
        ~exists().where(child.c.parent == delivery.c.id),
        *_unused(delivery, besides=(delivery.c.parent, awaited.c.delivery, held_back.c.delivery, reaction.c.delivery)),
    )


def _unused(table: Table, besides: Collection[Column[Any]] = ()) -> list[ColumnElement[bool]]:
    """Nothing refers to a row of `table`; `besides` are the columns that don't keep it."""
    return [
        ~exists().where(key.parent == table.c.id)
        for other in METADATA.sorted_tables
        for key in other.foreign_keys
        if key.column.table is table and key.parent not in set(besides)
    ]


def old_runs(connection: Connection, before: int) -> tuple[RunRow, ...]:
    """The next bite of runs that ended before `before` and have no delivery left, oldest first."""
    query = select(run).where(_old_run(before)).order_by(run.c.ended_at).limit(BITE)
    return tuple(read_run(row) for row in connection.execute(query).mappings())


def forget_runs(connection: Connection, before: int, found: Collection[int] | None = None) -> int:
    """The same of `old_runs`, with their files and reactions."""
    query = select(run.c.id).where(_old_run(before))
    query = query.order_by(run.c.ended_at).limit(BITE) if found is None else query.where(run.c.id.in_(found))
    ids = connection.execute(query).scalars().all()
    connection.execute(delete(run_file).where(run_file.c.run.in_(ids)))
    connection.execute(delete(reaction).where(reaction.c.run.in_(ids)))
    return connection.execute(delete(run).where(run.c.id.in_(ids))).rowcount


def _old_run(before: int) -> ColumnElement[bool]:
    return and_(run.c.ended_at < before, *_unused(run, besides=(run_file.c.run, reaction.c.run)))


def forget_reactions(connection: Connection, before: int) -> int:
    """Drop a bite of reactions that ended before `before`, whatever became of their runs.  Call until it is 0."""
    old = select(reaction.c.id).where(reaction.c.ended_at < before).order_by(reaction.c.ended_at).limit(BITE)
    return connection.execute(delete(reaction).where(reaction.c.id.in_(old))).rowcount


def forget_counters(connection: Connection, before_day: str) -> int:
    """Drop the counts (%index%) of days before `before_day`, an ISO date; how many."""
    return connection.execute(delete(counter).where(counter.c.day < before_day)).rowcount


def forget_instances(connection: Connection, before: int) -> int:
    """Drop a bite of processes that ended before `before` and that nothing refers to any more; how many."""
    ended = select(instance.c.id).where(instance.c.ended_at < before, *_unused(instance)).limit(BITE)
    return connection.execute(delete(instance).where(instance.c.id.in_(ended))).rowcount
