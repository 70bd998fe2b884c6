"""What is old enough goes: in small bites, so that nobody waits long for the write lock."""

from sqlalchemy import Connection, delete, exists, or_, select, update

from gateway.ledger.delivery_row import State
from gateway.ledger.tables import awaited, delivery, held_back, instance, reaction, request, run, run_file

BITE = 500
_OVER = (State.DONE.value, State.FAILED.value, State.SKIPPED.value)


def forget_deliveries(connection: Connection, before: int) -> int:
    """Drop deliveries that were over before `before`, with what hangs on them; how many.  Call until it is 0.

    What is shown until somebody resolves it (delete_failed, parked) stays, and so does a parent of what stays.
    """
    child = delivery.alias("child")
    old = (
        select(delivery.c.id)
        .where(
            delivery.c.state.in_(_OVER),
            delivery.c.finished_at < before,
            ~exists().where(child.c.parent == delivery.c.id),
            ~exists().where(awaited.c.answer == delivery.c.id),
        )
        .order_by(delivery.c.id)
        .limit(BITE)
    )
    ids = connection.execute(old).scalars().all()
    connection.execute(update(held_back).where(held_back.c.delivery.in_(ids)).values(delivery=None))
    connection.execute(delete(awaited).where(awaited.c.delivery.in_(ids)))
    connection.execute(delete(reaction).where(reaction.c.delivery.in_(ids)))
    return connection.execute(delete(delivery).where(delivery.c.id.in_(ids))).rowcount


def forget_runs(connection: Connection, before: int) -> int:
    """Drop runs that ended before `before` and have no delivery left; how many.  Call until it is 0."""
    old = (
        select(run.c.id)
        .where(run.c.ended_at < before, ~exists().where(delivery.c.run == run.c.id))
        .order_by(run.c.id)
        .limit(BITE)
    )
    ids = connection.execute(old).scalars().all()
    connection.execute(delete(run_file).where(run_file.c.run.in_(ids)))
    connection.execute(delete(reaction).where(reaction.c.run.in_(ids)))
    return connection.execute(delete(run).where(run.c.id.in_(ids))).rowcount


def forget_the_rest(connection: Connection, before: int) -> int:
    """Drop answered requests and instances that nothing refers to any more; how many."""
    gone = connection.execute(delete(request).where(request.c.ended_at < before)).rowcount
    used = or_(
        exists().where(delivery.c.owner == instance.c.id),
        exists().where(run.c.owner == instance.c.id),
        exists().where(reaction.c.owner == instance.c.id),
    )
    return gone + connection.execute(delete(instance).where(instance.c.ended_at < before, ~used)).rowcount
