"""What a channel has got of an item, told file by file as they arrive: the one truth that changes are compared with.

A delivery that fails half-way has brought something all the same, and another one may overtake it before its next try.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, case

from gateway.ledger import channel_events, channel_going, channel_items, channel_states
from gateway.ledger.channel_contents import Contents
from gateway.ledger.channel_events import NO_LONGER_HELD, EventRow, EventState
from gateway.ledger.channel_going import FIRST, METADATA
from gateway.ledger.channel_items import ANY, PARTLY, Got
from gateway.ledger.channel_tables import channel_event


@dataclass(frozen=True, slots=True)
class Arrival:
    """Files of an event, by their paths below the item; `ends`: nothing of the event is missing any more."""

    event: EventRow
    names: frozenset[str]
    ends: bool

    @classmethod
    def whole(cls, event: EventRow) -> "Arrival":
        """All of it at once."""
        files = () if event.kind == METADATA else event.contents.files
        return cls(event, frozenset((*event.contents.metadata, *files)), ends=True)


def arrived(connection: Connection, channel: str, arrivals: Sequence[Arrival], at: int) -> None:
    """The channel has these files; an event that ends is delivered, metadata that arrived with its item is over.

    Nothing is noted of a part of a first delivery: until it ends, its item is sent whole.
    """
    got = channel_items.of_items(connection, channel, [one.event.item for one in arrivals])
    told = [one for one in arrivals if one.ends or (one.event.kind != FIRST and one.event.item in got)]
    now = {one.event.item: _with(got.get(one.event.item), one, at) for one in told}
    channel_items.put(connection, channel, list(now.values()))
    _end(connection, channel, [one.event for one in told if one.ends], now, at)
    whole = [one.event.item for one in told if one.event.kind != METADATA]
    queued = [one for one in channel_events.open_of(connection, channel, whole) if one.kind == METADATA]
    channel_going.merge(connection, [one for one in queued if one.metadata == now[one.item].metadata], at)


def _end(connection: Connection, channel: str, ended: Sequence[EventRow], now: Mapping[str, Got], at: int) -> None:
    is_told = channel_event.c.reason.startswith(NO_LONGER_HELD)
    values = {"ended_at": at, "reason": case((is_told, channel_event.c.reason))}
    channel_events.set_state(connection, [one.id for one in ended], EventState.DELIVERED, values)
    if any(one.kind == FIRST for one in ended):
        channel_states.release_unasked(connection, channel)
    if any(_is_overtaken(one, now[one.item]) for one in ended) or _frees(connection, channel, ended):
        channel_states.unsettle(connection, channel)


def _is_overtaken(event: EventRow, now: Got) -> bool:
    """True if the channel has something else by now than the delivery brought: compare again."""
    return now.metadata != event.metadata or (event.kind != METADATA and now.files != event.files)


def _frees(connection: Connection, channel: str, ended: Sequence[EventRow]) -> bool:
    """True if something waits for approval, perhaps for the metadata that has arrived."""
    items = [one.item for one in ended if one.kind == METADATA]
    return any(one.state is EventState.REVIEW for one in channel_events.open_of(connection, channel, items))


def _with(got: Got | None, arrival: Arrival, at: int) -> Got:
    event = arrival.event
    before = got or Got(item=event.item, metadata=PARTLY, files=PARTLY, contents=Contents(), first_at=None)
    had = before.contents
    brought = event.contents if event.kind == FIRST else event.contents.only(arrival.names)
    contents = had.with_metadata(brought).with_files(brought)
    files = before.files
    if event.kind != METADATA:
        files = _digest(files, event.files, event.contents.files, had.files, contents.files)
    return replace(
        before,
        metadata=_digest(before.metadata, event.metadata, event.contents.metadata, had.metadata, contents.metadata),
        files=files,
        contents=contents,
        first_at=at if before.first_at is None else before.first_at,
        delivered_at=at if arrival.ends else before.delivered_at,
    )


def _digest(old: str, new: str, wanted: Mapping[str, str], had: Mapping[str, str], has: Mapping[str, str]) -> str:
    """The digest that a part counts by: the event's once all of that is there, none while it is between two."""
    if wanted.items() <= has.items():
        return new
    return old if old == ANY or has == had else PARTLY
