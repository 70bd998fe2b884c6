"""What is held for its names is judged anew at each look: another one may have them no more."""

from collections.abc import Sequence
from functools import partial

from gateway.channels.batches import sort_out, upcoming
from gateway.channels.model import Channel
from gateway.channels.payload import is_lasting
from gateway.core.moments import moment
from gateway.core.portions import portions
from gateway.ledger import Connection, Ledger, channel_events
from gateway.ledger.channel_events import EventState

AT_ONCE = 100
"""Items that are read at once."""


def may_change_by_itself(channel: Channel) -> bool:
    """True if what is held may be so no more though nothing happened: names of today are others tomorrow."""
    return not is_lasting(channel.place)


async def with_free_names(ledger: Ledger, channel: Channel, at: int) -> frozenset[int]:
    """The held events whose names nobody else has now; of those that want the same the oldest."""
    held = await ledger.read(partial(_held, channel=channel.name))
    found, taken = set[int](), dict[str, str]()
    for some in portions(held, AT_ONCE):
        free, names = await ledger.read(partial(_free, channel=channel, events=some, taken=taken, at=at))
        found |= free
        taken |= names
    return frozenset(found)


def _held(connection: Connection, channel: str) -> list[int]:
    return [one.id for one in channel_events.open_keys(connection, channel) if one.state is EventState.HELD]


def _free(
    connection: Connection, channel: Channel, events: Sequence[int], taken: dict[str, str], at: int
) -> tuple[set[int], dict[str, str]]:
    on, marker = upcoming(connection, channel, moment(at, channel.zone))
    rows = channel_events.some(connection, events)
    looked = sort_out(connection, channel, rows, on, taken | marker)
    return {*looked.fit, *(one.id for one in looked.empty)}, looked.names
