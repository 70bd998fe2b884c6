"""What leaves a batch before it was sent, and why what stays is not there."""

from collections.abc import Collection, Mapping, Sequence

from gateway.channels import up_to_date
from gateway.channels.model import Channel
from gateway.core.errors import SourceChanged
from gateway.core.model import Stamp
from gateway.ledger import Connection, channel_batches, channel_events
from gateway.ledger.channel_batches import BatchFile, BatchRow
from gateway.ledger.channel_events import EventState
from gateway.transfer.sources import look_at, stamp_of


def frozen_stamp(file: BatchFile) -> Stamp:
    """What it looked like when it was frozen."""
    return Stamp(file.size, file.mtime_ns, file.inode)


def refused(connection: Connection, run: int) -> frozenset[int]:
    """The files of a try that were other ones when they were sent, whatever they look like."""
    troubles = channel_batches.troubles(connection, run)
    return frozenset(one.n for one in troubles if one.error_class == SourceChanged.__name__)


def changed(files: Sequence[BatchFile], others: Collection[int]) -> dict[int, str]:
    """By event, what is another file than the one that was frozen, or gone; `others` are for sure (blocks)."""
    found: dict[int, str] = {}
    for one in files:
        seen = look_at(one.source)
        is_same = seen is not None and frozen_stamp(one).same_version(stamp_of(seen)) and one.n not in others
        if one.event is not None and not is_same:
            found[one.event] = f"{one.relative} {'is gone' if seen is None else 'changed'} since it was looked at"
    return found


def leave(connection: Connection, batch: int, channel: Channel, why: Mapping[int, str], at: int) -> None:
    """These events leave their batch: their items go out with a later one, as they are then."""
    for event, reason in why.items():
        row = channel_events.get(connection, event)
        channel_batches.leave_out(connection, batch, event)
        if row is not None and row.state is EventState.BATCHED:
            up_to_date.leave(connection, channel, row, reason, at)


def note_reasons(connection: Connection, batch: BatchRow) -> None:
    """Why each item is not there."""
    if batch.action_run is None:
        return
    event_of = {one.n: one.event for one in channel_batches.files_of(connection, batch.id) if one.delivered_at is None}
    for one in channel_batches.troubles(connection, batch.action_run):
        event = event_of.pop(one.n, None)
        if event is not None:
            channel_events.set_state(connection, [event], EventState.BATCHED, {"reason": one.error})
