"""How far files under way are: for people who look on, no more; a row is gone once its file has arrived."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.ledger.delivery_row import DeliveryRow, read_delivery
from gateway.ledger.job_tables import job_moving
from gateway.ledger.tables import delivery

_UNDER_WAY = ("intended", "placing", "swapping")


def note(connection: Connection, moved: Mapping[int, int]) -> None:
    """By delivery, the bytes that are there; what has arrived meanwhile is forgotten."""
    forget(connection)
    if moved:
        query = upsert(job_moving)
        query = query.on_conflict_do_update(index_elements=["delivery"], set_={"bytes": query.excluded["bytes"]})
        connection.execute(query, [{"delivery": one, "bytes": count} for one, count in moved.items()])


def forget(connection: Connection) -> None:
    """What is under way no more, whoever brought it to its end."""
    under_way = select(delivery.c.id).where(delivery.c.id == job_moving.c.delivery, delivery.c.state.in_(_UNDER_WAY))
    connection.execute(delete(job_moving).where(~under_way.exists()))


def under_way(connection: Connection) -> tuple[tuple[DeliveryRow, int], ...]:
    """Every delivery that is noted here and not over, with the bytes that are there, oldest first."""
    query = select(delivery, job_moving.c.bytes).join(job_moving, job_moving.c.delivery == delivery.c.id)
    rows = connection.execute(query.where(delivery.c.state.in_(_UNDER_WAY)).order_by(job_moving.c.delivery)).mappings()
    return tuple((read_delivery(row), int(row["bytes"])) for row in rows)


def moving(connection: Connection, runs: Iterable[int]) -> dict[int, int]:
    """By run of an action, the bytes of its files under way that are there already."""
    query = select(delivery.c.run, func.sum(job_moving.c.bytes)).join(
        job_moving, job_moving.c.delivery == delivery.c.id
    )
    query = query.where(delivery.c.state.in_(_UNDER_WAY), delivery.c.run.in_(list(runs))).group_by(delivery.c.run)
    return {int(run): int(count) for run, count in connection.execute(query)}
