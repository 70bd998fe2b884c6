"""What ended deliveries have left at their places: large partials stay a day, for a next delivery of the same file."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, func, select

from gateway.ledger.delivery_row import State
from gateway.ledger.tables import delivery


def left_by(connection: Connection, runs: Sequence[int], least_bytes: int) -> Mapping[str, int]:
    """By place how many files of at least that size these runs of actions have begun, not delivered, and left there."""
    ended = delivery.c.state.in_((State.FAILED.value, State.SKIPPED.value))
    left = (delivery.c.run.in_(runs), ended, delivery.c.partial != "", delivery.c.source_size >= least_bytes)
    query = select(delivery.c.place, func.count()).where(*left).group_by(delivery.c.place).order_by(delivery.c.place)
    return {str(place): int(count) for place, count in connection.execute(query)}
