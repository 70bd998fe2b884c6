"""What counts as delivered has its names at the recipient as if it had been, also where nothing of ours brought it."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from gateway.channels.model import Channel
from gateway.channels.payload import final_of, is_lasting
from gateway.ledger import Connection, Ledger, channel_items, channel_names
from gateway.ledger.channel_items import Got
from gateway.ledger.channel_names import Holder

AT_ONCE = 500
"""Items in a commit: of four files each they hold the ledger for 40 ms."""


async def keep_names(ledger: Ledger, channel: Channel) -> None:
    """Of all that counts and has none yet; asked of a channel without such items it takes no time."""
    while await ledger.read(partial(_some, channel=channel)):
        await ledger.write(partial(_keep_some, channel=channel))


def _keep_some(connection: Connection, channel: Channel) -> None:
    rows = _some(connection, channel)
    holders = ((holder, one.first_at or 0) for one in rows for holder in _holders(channel, one))
    channel_names.keep(connection, channel.name, holders)
    channel_items.put(connection, channel.name, [replace(one, named=True) for one in rows])


def _some(connection: Connection, channel: Channel) -> list[Got]:
    return channel_items.without_names(connection, channel.name, AT_ONCE)


def _holders(channel: Channel, got: Got) -> Iterator[Holder]:
    """By what the channel says now; names that are others in each delivery nobody else takes."""
    if is_lasting(channel.place):
        for relative in (*got.contents.metadata, *got.contents.files):
            yield Holder(final_of(channel.place, got.item, relative, {}), got.item, relative)
