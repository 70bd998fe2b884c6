"""The way of events through the queue: approved, dropped, frozen into a batch, and back.

Each function is one step of one commit: what becomes of an event and what the channel has got change together.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, or_, update

from gateway.ledger import channel_batches, channel_events, channel_items, channel_states, deliveries
from gateway.ledger.channel_batches import BatchState
from gateway.ledger.channel_contents import Contents
from gateway.ledger.channel_events import EventRow, EventState
from gateway.ledger.channel_items import Got
from gateway.ledger.channel_tables import channel_event

FIRST, METADATA, FILE = "first", "metadata", "file"
ALL_THE_SAME = "let go all the same: "
"""Before the reason why an event was held that a person has let go since."""
_MERGED = "a delivery of the whole item had it"


def approve(connection: Connection, channel: str, events: Sequence[EventRow], who: str) -> int:
    """A person lets them go: what was for review, and what was held; how many.

    Who approves a first delivery lets the channel begin, however many there are.
    """
    wanted = [one for one in events if one.state in (EventState.REVIEW, EventState.HELD)]
    if any(one.kind == FIRST for one in wanted):
        channel_states.release(connection, channel)
    held = [one for one in wanted if one.state is EventState.HELD]
    for one in held:
        values = {"by": who, "reason": f"{ALL_THE_SAME}{one.reason}"}
        channel_events.set_state(connection, [one.id], EventState.WAITING, values)
    others = [one.id for one in wanted if one.state is EventState.REVIEW]
    channel_events.set_state(connection, others, EventState.WAITING, {"by": who, "reason": None})
    return len(wanted)


def drop(connection: Connection, channel: str, events: Sequence[EventRow], who: str, reason: str, at: int) -> int:
    """A person keeps them back: this content counts as got, the item's next change is an event again; how many.

    What was held for their names may go.
    """
    wanted = [one for one in events if one.state in channel_events.IN_QUEUE]
    got = channel_items.of_items(connection, channel, [one.item for one in wanted])
    for one in wanted:
        got[one.item] = _as_dropped(one, got.get(one.item))
    channel_items.put(connection, channel, [got[item] for item in dict.fromkeys(one.item for one in wanted)])
    channel_states.unsettle(connection, channel)
    values = {"by": who, "reason": reason, "ended_at": at}
    return channel_events.set_state(connection, [one.id for one in wanted], EventState.DROPPED, values)


def freeze(connection: Connection, events: Sequence[EventRow], batch: int) -> int:
    """They go out with this batch."""
    return channel_events.set_state(connection, [one.id for one in events], EventState.BATCHED, {"batch": batch})


def leave(connection: Connection, event: EventRow, reason: str, at: int) -> None:
    """A frozen event goes back to its queue, its files out of the batch: they changed before they were sent.

    Where the batch was tried in vain that stays, as an event that is over.
    """
    if event.batch is not None:
        batch = channel_batches.get(connection, event.batch)
        if batch is not None and batch.failures:
            channel_events.keep_failed(connection, event, event.reason or batch.error, at)
        channel_batches.leave_out(connection, event.batch, event.id)
    got = channel_items.of_items(connection, event.channel, [event.item]).get(event.item)
    if got is not None and event.kind != FIRST:
        channel_items.put(connection, event.channel, [got.without(_in_doubt(connection, event))])
    values = {"batch": None, "reason": reason}
    channel_events.set_state(connection, [event.id], EventState.WAITING, values)
    channel_states.unsettle(connection, event.channel)


def _in_doubt(connection: Connection, event: EventRow) -> frozenset[str]:
    """Files that may stand at the recipient unheard of, a rename's answer being lost: nothing asks for them later."""
    endpoint = None if event.batch is None else channel_batches.endpoint_of(connection, event.batch)
    if endpoint is None:
        return frozenset()
    rows = deliveries.open_deliveries(connection, endpoint=endpoint)
    sources = [row.intent.source for row in rows if row.intent.packed and row.intent.packed.batch == event.batch]
    names = (*event.contents.metadata, *event.contents.files)
    return frozenset(name for name in names if any(one.endswith(f"/{event.item}/{name}") for one in sources))


def forget_troubles(connection: Connection, batch: int) -> None:
    """Why the items of a batch were not there after an earlier try is not why they are not there now."""
    stays = (channel_event.c.reason.startswith(one) for one in (ALL_THE_SAME, channel_events.NO_LONGER_HELD))
    mine = channel_event.c.batch == batch, channel_event.c.state == EventState.BATCHED.value
    connection.execute(update(channel_event).where(*mine, ~or_(*stays)).values(reason=None))


def merge(connection: Connection, events: Sequence[EventRow], at: int) -> None:
    """Metadata that arrived with the whole item is not sent again, not with a failed batch either."""
    _end(connection, events, EventState.MERGED, _MERGED, at)


def _end(connection: Connection, events: Sequence[EventRow], state: EventState, reason: str, at: int) -> None:
    """Out of the queue, or out of a batch that failed; what is on its way stays."""
    channel_events.end(connection, [one.id for one in events], state, at, reason)
    for one in events:
        batch = None if one.batch is None else channel_batches.get(connection, one.batch)
        if batch is not None and batch.state is BatchState.FAILED:
            channel_batches.leave_out(connection, batch.id, one.id)
            channel_events.set_state(connection, [one.id], state, {"reason": reason, "ended_at": at})


def counts_as_got(connection: Connection, channel: str, rows: Sequence[Got], at: int) -> None:
    """Baseline: these items count as delivered as they are; what was open of them is over, in failed batches too."""
    channel_items.put(connection, channel, rows)
    opened = channel_events.open_of(connection, channel, [row.item for row in rows])
    _end(connection, opened, EventState.DROPPED, "counts as delivered", at)


def _as_dropped(event: EventRow, got: Got | None) -> Got:
    """What was kept back counts as got; a first delivery that was kept back is a first one again once it changes."""
    if got is None or event.kind == FIRST:
        first_at = None if got is None else got.first_at
        return Got(item=event.item, metadata=event.metadata, files=event.files, contents=Contents(), first_at=first_at)
    if event.kind == METADATA:
        return replace(got, metadata=event.metadata, contents=got.contents.with_metadata(event.contents))
    return replace(got, files=event.files, contents=got.contents.with_files(event.contents))
