"""A partial that a failed delivery has left passes to the next delivery of the same file to the same place."""

from sqlalchemy import Connection, bindparam, select, update

from gateway.ledger import deliveries
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.stamps import read_stamp
from gateway.ledger.tables import delivery

_LAST = (
    select(delivery)
    .where(
        delivery.c.action == bindparam("mine"),
        delivery.c.source == bindparam("of_source"),
        delivery.c.place == bindparam("at_place"),
        delivery.c.final == bindparam("to_final"),
        delivery.c.state == State.FAILED.value,
        delivery.c.partial != "",
    )
    .order_by(delivery.c.id.desc())
    .limit(1)
)
_GIVEN = update(delivery).where(delivery.c.id == bindparam("found")).values(partial="")


def inherit(connection: Connection, row: DeliveryRow) -> DeliveryRow:
    """A delivery that has just been intended takes over what the last failed one left; its row, changed or not."""
    intent = row.intent
    wanted = {"mine": intent.action, "of_source": intent.source, "at_place": intent.place, "to_final": row.final}
    last = connection.execute(_LAST, wanted).mappings().one_or_none()
    stamp = None if last is None else read_stamp("source", last)
    if last is None or stamp is None or not stamp.same_version(intent.stamp):
        return row
    connection.execute(_GIVEN, {"found": last["id"]})
    return deliveries.move(connection, row.id, row.state, row.state, {"partial": last["partial"]})
