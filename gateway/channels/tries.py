"""The run of the action in which a batch is tried, where that try goes, and what becomes of one that failed."""

from gateway.channels.compiled import instance_name
from gateway.channels.model import Channel
from gateway.core import errors
from gateway.core.errors import GatewayError
from gateway.endpoints.place import Place
from gateway.ledger import Connection, channel_batches, channel_tries, runs
from gateway.ledger.channel_batches import BatchRow, BatchState
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
    found = begin_round(connection, instance, trigger=channel_tries.trigger_of(batch.id), owner=owner, at=at)
    return channel_batches.change(connection, batch.id, {"action_run": found, "address": address})


def fail(connection: Connection, batch: BatchRow, error: GatewayError, *, lacked: bool) -> BatchRow:
    """This try is over.  Where files were missing, and none is any more, it goes on: they were settled since."""
    said = {"error": str(error), "error_class": type(error).__name__, "failures": batch.failures + 1}
    failed = channel_batches.change(connection, batch.id, {**said, "state": BatchState.FAILED.value})
    if lacked:
        channel_batches.go_on_if_there(connection, batch.id)
    return channel_batches.get(connection, batch.id) or failed


def note(connection: Connection, batch: BatchRow, channel: Channel, error: GatewayError, at: int) -> None:
    """A try that failed before it had a run stands in the history, too."""
    action, error_class = instance_name(channel.name), type(error).__name__
    channel_tries.note(connection, batch.id, action, channel.endpoint, str(error), error_class, at)


def retold(error: GatewayError, said: str) -> GatewayError:
    """An error of the same kind that says more; where only a part of ours knows the kind, of the one that it is of."""
    kinds = (kind for kind in type(error).__mro__ if issubclass(kind, GatewayError))
    return next(kind for kind in kinds if kind.__module__ == errors.__name__)(said)
