"""What leaves a batch before it was sent, and why what stays is not there."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from gateway.channels import up_to_date
from gateway.channels.looking import Looking, Pulse
from gateway.channels.model import Channel
from gateway.core.clock import Clock
from gateway.core.errors import SourceChanged
from gateway.core.model import Stamp
from gateway.core.portions import portions
from gateway.ledger import Connection, Ledger, channel_batches, channel_events, channel_going
from gateway.ledger.channel_batches import BatchFile, Trouble
from gateway.ledger.channel_events import EventState
from gateway.transfer.sources import look_at, stamp_of

AT_ONCE = 100
"""Items in a commit."""


def frozen_stamp(file: BatchFile) -> Stamp:
    """What it looked like when it was frozen."""
    return Stamp(file.size, file.mtime_ns, file.inode)


def refused(connection: Connection, run: int) -> frozenset[int]:
    """The files of a try that were other ones when they were sent, whatever they look like."""
    troubles = channel_batches.troubles(connection, run)
    return frozenset(one.n for one in troubles if one.error_class == SourceChanged.__name__)


async def changed(
    channel: Channel, files: Sequence[BatchFile], others: Collection[int], clock: Clock
) -> dict[int, str]:
    """By event, what is another file than the one that was frozen, or gone; `others` are for sure.

    Raises Retryable where the catalogue hangs; an item that hangs stays as it is.
    """
    looking = Looking(str(channel.catalogue.path), clock, meanwhile="")
    asked = [one for one in files if not looking.leaves_out(one.source)]
    return await looking.run(partial(_changed, asked, others))


def _changed(files: Sequence[BatchFile], others: Collection[int], pulse: Pulse) -> dict[int, str]:
    found: dict[int, str] = {}
    for one in files:
        pulse.beat(one.source)
        seen = look_at(one.source)
        is_same = seen is not None and frozen_stamp(one).same_version(stamp_of(seen)) and one.n not in others
        if one.event is not None and not is_same:
            found[one.event] = f"{one.relative} {'is gone' if seen is None else 'changed'} since it was looked at"
    return found


def leave(connection: Connection, batch: int, channel: Channel, why: Mapping[int, str], at: int) -> bool:
    """These events leave their batch: their items go out with a later one, as they are then.

    True if a look has already seen what one of them is by now.
    """
    is_known = False
    for event, reason in why.items():
        row = channel_events.get(connection, event)
        if row is not None and row.state is EventState.BATCHED:
            up_to_date.leave(connection, channel, row, reason, at)
            now = channel_events.get(connection, event) or row
            is_known |= (now.metadata, now.files) != (row.metadata, row.files)
        else:  # it was over before: a delivery of the whole item had it
            channel_batches.leave_out(connection, batch, event)
    return is_known


async def leave_all(ledger: Ledger, batch: int, channel: Channel, why: Mapping[int, str]) -> bool:
    """The same for many, some in a commit."""
    is_known = False
    for some in portions(list(why.items()), AT_ONCE):
        work = partial(leave, batch=batch, channel=channel, why=dict(some), at=ledger.now_ns())
        is_known |= await ledger.write(work)
    return is_known


def not_there(lacking: int, files: int) -> str:
    """So many of so many."""
    return f"{lacking} of {files} file{'' if files == 1 else 's'} {'is' if lacking == 1 else 'are'} not there"


async def note_reasons(ledger: Ledger, batch: int, run: int | None) -> None:
    """Why each item is not there, by the run of this try alone, some in a commit."""
    await ledger.write(partial(channel_going.forget_troubles, batch=batch))
    troubles = [] if run is None else await ledger.read(partial(channel_batches.troubles, action_run=run))
    for some in portions(troubles, AT_ONCE):
        await ledger.write(partial(_note_some, batch=batch, troubles=some))


def _note_some(connection: Connection, batch: int, troubles: Sequence[Trouble]) -> None:
    event_of = channel_batches.lacking_events(connection, batch, [one.n for one in troubles])
    for one in troubles:
        if one.n in event_of:
            channel_events.set_state(connection, [event_of[one.n]], EventState.BATCHED, {"reason": one.error})
