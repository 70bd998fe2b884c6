"""The run of the action in which a batch is tried, where that try goes, and what is told of one that failed."""

from gateway.core import errors
from gateway.core.errors import GatewayError
from gateway.endpoints.place import Place
from gateway.ledger import Connection, channel_batches, runs
from gateway.ledger.channel_batches import BatchRow
from gateway.runner.instance import Instance
from gateway.runner.rounds import begin_round


def address_of(place: Place) -> str:
    """What tells two recipients apart."""
    return f"{place.server}/{place.folder}"


def begin(connection: Connection, batch: BatchRow, instance: Instance, address: str, owner: int, at: int) -> BatchRow:
    """The action's run: the one that a kill cut off goes on, else a new one; at another place nothing is there."""
    last = None if batch.action_run is None else runs.get(connection, batch.action_run)
    is_moved = last is not None and (last.endpoint != instance.endpoint or batch.address not in (None, address))
    if is_moved:
        channel_batches.send_anew(connection, batch.id)
    latest = runs.latest_of(connection, instance.name)
    if last is not None and latest is not None and latest.id == last.id and last.state != "ended" and not is_moved:
        runs.adopt(connection, last.id, owner)
        return batch
    found = begin_round(connection, instance, trigger="channel", owner=owner, at=at)
    return channel_batches.change(connection, batch.id, {"action_run": found, "address": address})


def retold(error: GatewayError, said: str) -> GatewayError:
    """An error of the same kind that says more; where only a part of ours knows the kind, of the one that it is of."""
    kinds = (kind for kind in type(error).__mro__ if issubclass(kind, GatewayError))
    return next(kind for kind in kinds if kind.__module__ == errors.__name__)(said)
