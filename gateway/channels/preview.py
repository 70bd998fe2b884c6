"""What waits, as it would be frozen at its next time; nothing is written."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gateway.channels import up_to_date
from gateway.channels.batches import frozen, marker_row, sort_out, upcoming
from gateway.channels.model import Channel, Kind
from gateway.channels.payload import marker_of
from gateway.ledger import Connection
from gateway.ledger.channel_batches import BatchFile


@dataclass(frozen=True, slots=True)
class Preview:
    """A batch to come, `due` by the channel's clock; `held` by item, what can't go and why."""

    kind: Kind
    due: datetime
    files: Sequence[BatchFile]
    items: int
    number: int
    held: Mapping[str, str]


def previews(connection: Connection, channel: Channel, due: Mapping[Kind, datetime]) -> list[Preview]:
    """The next batch of each kind of which something waits, in the order of their times, which they are numbered in."""
    found: list[Preview] = []
    ahead = Counter[date]()
    local = {kind: at.astimezone(channel.zone) for kind, at in due.items()}
    for kind, at in sorted(local.items(), key=lambda one: one[1]):
        made = _preview(connection, channel, kind, at, ahead[at.date()])
        if made.files:
            ahead[at.date()] += 1
        if made.files or made.held:
            found.append(made)
    return found


def _preview(connection: Connection, channel: Channel, kind: Kind, due: datetime, ahead: int) -> Preview:
    events = up_to_date.waiting(connection, channel, kind)
    on, taken = upcoming(connection, channel, due, ahead)
    marker = marker_of(channel, on)
    looked = sort_out(connection, channel, events, on, taken)
    files = frozen(channel, looked.fit)
    if files and marker is not None:
        files.append(marker_row(len(files) + 1, marker))
    held = {one.item: looked.held[one.id] for one in events if one.id in looked.held}
    return Preview(kind, due, files, len(looked.fit), on.number, held)
