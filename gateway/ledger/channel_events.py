"""What channels are to get, item by item: raised by a detection, frozen into a batch, delivered or dropped."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, RowMapping, func, insert, literal, select, text, update

from gateway.core.portions import portions
from gateway.ledger.channel_contents import Contents
from gateway.ledger.channel_tables import OPEN, channel_event

IS_OPEN = text(f"state IN {OPEN}")
_AT_ONCE = 500


class EventState(StrEnum):
    """Where an event is; the first four are open: at most one of a kind for each channel and item."""

    WAITING = "waiting"  # for its time
    REVIEW = "review"  # for a person's approval
    HELD = "held"  # something is wrong with it, as its reason says; it waits until that is gone
    BATCHED = "batched"  # frozen into a batch that goes out
    DELIVERED = "delivered"
    DROPPED = "dropped"  # by a person, or because there is nothing left to send
    MERGED = "merged"  # a delivery of the whole item had it
    FAILED = "failed"  # tried in vain; it changed before the next try, and what became of it then is another event


NO_LONGER_HELD = "no longer held: "
"""Before the reason why an event was held that went by itself; it stays with the event."""
IN_QUEUE = frozenset({EventState.WAITING, EventState.REVIEW, EventState.HELD})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """Something that a channel is to get.  `changed`: the paths below the item that it lacks."""

    item: str
    kind: str
    state: EventState
    metadata: str
    files: str
    contents: Contents
    changed: tuple[str, ...]
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One event.  Times are nanoseconds since the epoch."""

    id: int
    channel: str
    item: str
    kind: str
    state: EventState
    metadata: str
    files: str
    contents: Contents
    changed: tuple[str, ...]
    detected_at: int
    changed_at: int
    reason: str | None = None
    by: str | None = None
    batch: int | None = None
    ended_at: int | None = None


class OpenKey(NamedTuple):
    """What an open event is about."""

    id: int
    item: str
    kind: str
    state: EventState
    by: str | None


def raise_all(connection: Connection, channel: str, events: Sequence[NewEvent], at: int) -> None:
    """These are to go out."""
    if events:
        rows = [{"channel": channel, "detected_at": at, **_values(one, at)} for one in events]
        connection.execute(insert(channel_event), rows)


def renew(connection: Connection, event: int, now: NewEvent, by: str | None, at: int) -> None:
    """An open event stands for a newer change now, which `by` has approved, if anybody."""
    values = {**_values(now, at), "by": by}
    connection.execute(update(channel_event).where(channel_event.c.id == event, _in_queue()).values(values))


def end(connection: Connection, events: Sequence[int], state: EventState, at: int, reason: str | None) -> None:
    """Events that are over without a delivery of their own."""
    values = {"state": state.value, "ended_at": at, "reason": reason}
    for some in portions(events, _AT_ONCE):
        query = update(channel_event).where(channel_event.c.id.in_(some), _in_queue())
        connection.execute(query.values(values))


def keep_failed(connection: Connection, event: EventRow, reason: str | None, at: int) -> None:
    """What is known of an event whose delivery was tried in vain, and which leaves its batch now."""
    columns = [one for one in channel_event.c if one.name != "id"]
    said: dict[str, Any] = {"state": EventState.FAILED.value, "reason": reason, "ended_at": at}
    copied = select(*(literal(said[one.name]) if one.name in said else one for one in columns))
    connection.execute(insert(channel_event).from_select(columns, copied.where(channel_event.c.id == event.id)))


def get(connection: Connection, event: int) -> EventRow | None:
    """One event."""
    row = connection.execute(select(channel_event).where(channel_event.c.id == event)).mappings().one_or_none()
    return None if row is None else _read(row)


def open_of(connection: Connection, channel: str, items: Sequence[str] | None = None) -> tuple[EventRow, ...]:
    """A channel's open events, oldest first; of these items, where they are given."""
    query = select(channel_event).where(channel_event.c.channel == channel, IS_OPEN).order_by(channel_event.c.id)
    if items is None:
        return _all(connection.execute(query).mappings())
    found: list[EventRow] = []
    for some in portions(items, _AT_ONCE):
        found += _all(connection.execute(query.where(channel_event.c.item.in_(some))).mappings())
    return tuple(found)


def open_keys(connection: Connection, channel: str) -> list[OpenKey]:
    """A channel's open events without their contents, oldest first: made for 100,000s of them."""
    columns = [channel_event.c[name] for name in OpenKey._fields]
    query = select(*columns).where(channel_event.c.channel == channel, IS_OPEN).order_by(channel_event.c.id)
    return [OpenKey(row[0], row[1], row[2], EventState(row[3]), row[4]) for row in connection.execute(query)]


def waiting_items(connection: Connection, channel: str, kind: str) -> Iterator[str]:
    """The items of what waits of a kind, as they are found."""
    waits = channel_event.c.state == EventState.WAITING.value
    query = select(channel_event.c.item).where(channel_event.c.channel == channel, IS_OPEN, waits)
    with closing(connection.execute(query.where(channel_event.c.kind == kind))) as rows:
        for row in rows:
            yield row[0]


def queue(
    connection: Connection, channel: str | None = None, states: Iterable[EventState] = IN_QUEUE
) -> tuple[EventRow, ...]:
    """What is open in one of these states, of one channel or of all, oldest first."""
    query = select(channel_event).where(IS_OPEN, channel_event.c.state.in_([one.value for one in states]))
    if channel is not None:
        query = query.where(channel_event.c.channel == channel)
    return _all(connection.execute(query.order_by(channel_event.c.channel, channel_event.c.id)).mappings())


def some(connection: Connection, events: Sequence[int]) -> tuple[EventRow, ...]:
    """These events, oldest first."""
    query = select(channel_event).order_by(channel_event.c.id)
    pages = (
        connection.execute(query.where(channel_event.c.id.in_(page))).mappings() for page in portions(events, _AT_ONCE)
    )
    return tuple(one for page in pages for one in _all(page))


def of_batch(connection: Connection, batch: int) -> tuple[EventRow, ...]:
    """The events that a batch delivers or delivered."""
    goes = channel_event.c.state.in_([EventState.BATCHED.value, EventState.DELIVERED.value])
    query = select(channel_event).where(channel_event.c.batch == batch, goes).order_by(channel_event.c.id)
    return _all(connection.execute(query).mappings())


def counts(connection: Connection) -> dict[str, dict[tuple[str, EventState], int]]:
    """How many open events each channel has, by kind and state."""
    grouped = channel_event.c.channel, channel_event.c.kind, channel_event.c.state
    found: dict[str, dict[tuple[str, EventState], int]] = {}
    for channel, kind, state, many in connection.execute(
        select(*grouped, func.count()).where(IS_OPEN).group_by(*grouped)
    ):
        found.setdefault(channel, {})[kind, EventState(state)] = int(many)
    return found


def history(connection: Connection, channel: str, item: str | None = None, *, limit: int = 100) -> tuple[EventRow, ...]:
    """The latest events of a channel, or of one item there, newest first."""
    query = select(channel_event).where(channel_event.c.channel == channel)
    if item is not None:
        query = query.where(channel_event.c.item == item)
    return _all(connection.execute(query.order_by(channel_event.c.id.desc()).limit(limit)).mappings())


def hold(connection: Connection, event: int, reason: str) -> None:
    """It can't go out as it is; its item's next change frees it, or a person, or that the reason is gone."""
    query = update(channel_event).where(channel_event.c.id == event, _in_queue())
    connection.execute(query.values(state=EventState.HELD.value, reason=reason))


def set_state(connection: Connection, events: Sequence[int], state: EventState, values: Mapping[str, Any]) -> int:
    """Take open events on; how many still were open."""
    changed = 0
    for some in portions(events, _AT_ONCE):
        query = update(channel_event).where(channel_event.c.id.in_(some), IS_OPEN)
        changed += connection.execute(query.values(state=state.value, **values)).rowcount
    return changed


def _in_queue() -> ColumnElement[bool]:
    return channel_event.c.state.in_([one.value for one in IN_QUEUE])


def _values(event: NewEvent, at: int) -> dict[str, Any]:
    return {
        "item": event.item,
        "kind": event.kind,
        "state": event.state.value,
        "metadata": event.metadata,
        "files": event.files,
        "contents": event.contents.text(),
        "changed": json.dumps(event.changed),
        "changed_at": at,
        "reason": event.reason,
    }


def _all(rows: Iterable[RowMapping]) -> tuple[EventRow, ...]:
    return tuple(_read(row) for row in rows)


def _read(row: RowMapping) -> EventRow:
    typed = {
        "state": EventState(row["state"]),
        "contents": Contents.read(row["contents"]),
        "changed": tuple(json.loads(row["changed"])),
    }
    return EventRow(**{**row, **typed})
