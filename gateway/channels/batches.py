"""What goes out together: events that are due, frozen with their files and the names that these get."""

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.channels import up_to_date
from gateway.channels.compiled import Sent, can_be_said
from gateway.channels.model import Channel, Kind
from gateway.channels.overwriting import Holders
from gateway.channels.payload import Named, Occasion, Piece, chosen, clash, marker_of, name_key, named
from gateway.core.moments import ns
from gateway.ledger import (
    Connection,
    channel_batches,
    channel_catalogues,
    channel_states,
)
from gateway.ledger.channel_batches import BatchFile, BatchState
from gateway.ledger.channel_catalogues import FileRow
from gateway.ledger.channel_events import EventRow
from gateway.ledger.channel_states import Hand

MARKER = "the marker of the delivery"


@dataclass(frozen=True, slots=True)
class Sorted:
    """Events by whether they can go: each with its files, held with a reason, or with nothing to send.

    `names`: those that are taken now, and which file has each.
    """

    fit: Mapping[int, tuple[Named, ...]]
    held: Mapping[int, str]
    empty: Sequence[EventRow]
    names: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Deliver a kind now.  `hand` and `due` are the clock that says so; None by hand."""

    channel: Channel
    kind: Kind
    due: datetime
    hand: Hand | None = None


def fire(connection: Connection, asked: Asked, at: int) -> bool:
    """A time of a kind has come: failed batches are tried again, what waits becomes one; all in one commit.

    What goes with the batch is frozen by whoever carries it, portion by portion; its marker is the first of it.
    False if that time was handled before.
    """
    channel, hand = asked.channel, asked.hand
    if hand is not None and not channel_states.handled(connection, channel.name, hand, ns(asked.due)):
        return False
    for row in channel_batches.open_of(connection, channel.name):
        if row.kind == asked.kind and row.state is BatchState.FAILED:
            channel_batches.change(connection, row.id, {"state": BatchState.DELIVERING.value})
    make(connection, asked, at)
    return True


def make(connection: Connection, asked: Asked, at: int) -> None:
    """A batch of what waits, if anything does."""
    if up_to_date.does_wait(connection, asked.channel, asked.kind):
        _make(connection, asked, at)


def _make(connection: Connection, asked: Asked, at: int) -> None:
    channel, due = asked.channel, asked.due.astimezone(asked.channel.zone)
    kind, day = asked.kind.value, due.date().isoformat()
    row = channel_batches.make(connection, channel.name, kind, ns(due), day, at, freezing=True)
    marker = marker_of(channel, Occasion(due, row.number))
    if marker is not None:
        channel_batches.freeze(connection, row.id, [marker_row(0, marker)])


def sort_out(
    connection: Connection, channel: Channel, events: Sequence[EventRow], on: Occasion, taken: dict[str, str]
) -> Sorted:
    """Which of these events of one kind can go together, oldest first, beside those that have the names `taken`."""
    wanted = _wanted(connection, channel, events, on)
    holders = Holders(connection, channel, wanted.values())
    fit: dict[int, tuple[Named, ...]] = {}
    held: dict[int, str] = {}
    empty: list[EventRow] = []
    names: dict[str, str] = {}
    for event in events:
        mine = wanted[event.id]
        reason = clash(mine, ChainMap(names, taken), ignore_case=channel.ignore_case)
        reason = reason or holders.overwritten(event, mine) or _unsayable(channel, mine)
        if reason is not None:
            held[event.id] = reason
        elif not mine:
            empty.append(event)
        else:
            fit[event.id] = mine
            names |= {name_key(one.final, ignore_case=channel.ignore_case): one.piece.below for one in mine}
    return Sorted(fit, held, empty, names)


def _wanted(
    connection: Connection, channel: Channel, events: Sequence[EventRow], on: Occasion
) -> dict[int, tuple[Named, ...]]:
    """By event, the files that it is to bring, and their names."""
    files = channel_catalogues.files(connection, channel.catalogue.name, [one.item for one in events])
    return {
        one.id: named(channel, chosen(Kind(one.kind), channel, one.changed, map(_piece, files.get(one.item, ()))), on)
        for one in events
    }


def marker_row(n: int, final: str) -> BatchFile:
    """The marker among the files of a batch."""
    return BatchFile(n, None, "", "", 0, 0, 0, "", final)


def frozen(channel: Channel, events: Mapping[int, Sequence[Named]], after: int = 0) -> list[BatchFile]:
    """The rows of these events in a batch, which has so many files before them."""
    pairs = [(event, one) for event, files in events.items() for one in files]
    return [_frozen(channel, n, event, one) for n, (event, one) in enumerate(pairs, after + 1)]


def sent_of(files: Sequence[BatchFile], marker: str) -> list[Sent]:
    """From where to where, in order; the marker comes from the file `marker` of this machine."""
    return [Sent(one.source if one.event is not None else marker, one.final) for one in files]


def upcoming(
    connection: Connection, channel: Channel, due: datetime, ahead: int = 0
) -> tuple[Occasion, dict[str, str]]:
    """The next batch that is made, if that is due then and so many come before it, and the name of its marker."""
    today = due.date().isoformat()
    same_day = [one for one in channel_batches.latest(connection, channel.name) if one.day == today]
    on = Occasion(due, max((one.number for one in same_day), default=0) + 1 + ahead)
    marker = marker_of(channel, on)
    return on, {} if marker is None else {name_key(marker, ignore_case=channel.ignore_case): MARKER}


def _piece(row: FileRow) -> Piece:
    return Piece(
        item=row.item,
        relative=row.relative,
        size=row.size,
        mtime_ns=row.mtime_ns,
        inode=row.inode,
        sha256=row.sha256,
        is_metadata=row.meta_sha256 is not None,
    )


def _frozen(channel: Channel, n: int, event: int, one: Named) -> BatchFile:
    piece = one.piece
    return BatchFile(
        n=n,
        event=event,
        source=piece.source(channel.catalogue),
        relative=piece.relative,
        size=piece.size,
        mtime_ns=piece.mtime_ns,
        inode=piece.inode,
        sha256=piece.sha256,
        final=one.final,
    )


def _unsayable(channel: Channel, files: Sequence[Named]) -> str | None:
    said = (can_be_said(Sent(one.piece.source(channel.catalogue), one.final)) for one in files)
    return next((reason for reason in said if reason is not None), None)
