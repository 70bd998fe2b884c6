"""A channel's queue, brought up to what the catalogue holds of its items at rest: by the one rule of `events`."""

import hashlib
from collections.abc import Sequence

from gateway.channels.events import Changes, ItemNow, Rules, events_of
from gateway.channels.model import Channel, Kind
from gateway.ledger import Connection, channel_catalogues, channel_events, channel_going, channel_items, channel_states
from gateway.ledger.channel_catalogues import SHORT
from gateway.ledger.channel_contents import Contents
from gateway.ledger.channel_events import EventRow, EventState, OpenKey


def compared(connection: Connection, channel: Channel, items: Sequence[str], rules: Rules, at: int) -> Changes:
    """Compare these items with what the channel has got, and write what follows; those that are not there: nothing."""
    opened: dict[str, list[EventRow]] = {}
    for one in channel_events.open_of(connection, channel.name, items):
        opened.setdefault(one.item, []).append(one)
    got = channel_items.of_items(connection, channel.name, items)
    changes = events_of(now(connection, channel.catalogue.name, items), got, opened, rules)
    _write(connection, channel.name, changes, at)
    return changes


def now(connection: Connection, catalogue: str, items: Sequence[str]) -> list[ItemNow]:
    """These items as they were when they were last at rest."""
    rows = channel_catalogues.items(connection, catalogue, items)
    files = channel_catalogues.files(connection, catalogue, items)
    return [
        ItemNow(row.item, row.metadata, row.files, Contents.of(files.get(row.item, ())), row.fault)
        for row in rows.values()
    ]


def ripe(
    connection: Connection, channel: Channel, kind: Kind, at: int, among: Sequence[int] | None = None
) -> list[EventRow]:
    """What of a kind may go out now, oldest first; each event stands for what the catalogue holds of its item.

    `among`: of these events, not of all.
    Another channel's detection may have seen a newer content than ours, and the channel may say otherwise since its
    own; an item that went, or that is selected no more, stays where it is.
    """
    items = [one.item for one in waiting(connection, channel, kind, among)]
    anew = channel_states.get(connection, channel.name).rules != said_of(channel)
    compared(connection, channel, items, Rules.of(channel, anew=anew), at)
    there = channel_catalogues.items(connection, channel.catalogue.name, items)
    return [one for one in waiting(connection, channel, kind, among) if one.item in there]


def leave(connection: Connection, channel: Channel, event: EventRow, reason: str, at: int) -> None:
    """A frozen event goes back to its queue, up to date: its files changed before they were sent."""
    channel_going.leave(connection, event, reason, at)
    compared(connection, channel, [event.item], Rules.of(channel), at)


def said_of(channel: Channel) -> str:
    """The digest of what the channel says of its items and events, and of where these are."""
    said = (
        str(channel.catalogue.path),
        [one.token for one in channel.include],
        [one.token for one in channel.exclude],
        sorted(channel.manual),
        channel.wellformed,
        channel.most_first,
        channel.payload_file,
        channel.place,
    )
    return hashlib.sha256(repr(said).encode("utf-8", "surrogateescape")).hexdigest()[:SHORT]


def waiting(connection: Connection, channel: Channel, kind: Kind, among: Sequence[int] | None = None) -> list[EventRow]:
    """What of a kind waits for its time, oldest first; nothing that is selected no more."""
    if among is None:
        found = channel_events.queue(connection, channel.name, [EventState.WAITING])
    else:
        found = channel_events.some(connection, among)
    return [one for one in found if _waits(channel, kind, one)]


def does_wait(connection: Connection, channel: Channel, kind: Kind) -> bool:
    """True if `waiting` finds something."""
    return any(channel.selects(one) for one in channel_events.waiting_items(connection, channel.name, kind))


def waiting_ids(connection: Connection, channel: Channel, kind: Kind) -> list[int]:
    """The events that `waiting` finds; made for 100,000s of them."""
    return [one.id for one in channel_events.open_keys(connection, channel.name) if _waits(channel, kind, one)]


def _waits(channel: Channel, kind: Kind, event: EventRow | OpenKey) -> bool:
    return event.state is EventState.WAITING and event.kind == kind and channel.selects(event.item)


def _write(connection: Connection, channel: str, changes: Changes, at: int) -> None:
    for event, reason in changes.ended:
        channel_events.end(connection, [event], EventState.DROPPED, at, reason)
    for event, renewed, by in changes.renewed:
        channel_events.renew(connection, event, renewed, by, at)
    channel_events.raise_all(connection, channel, changes.raised, at)
    channel_items.put(connection, channel, changes.got)
