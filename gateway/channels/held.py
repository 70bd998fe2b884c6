"""Who can't go beside others: told before a delivery, of what a person lets go, and of what was held until now."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from gateway.channels import up_to_date
from gateway.channels.batches import Sorted, sort_out, upcoming
from gateway.channels.model import Channel, Kind
from gateway.channels.payload import is_lasting
from gateway.core.moments import moment
from gateway.core.portions import portions
from gateway.ledger import Connection, Ledger, channel_events, channel_going
from gateway.ledger.channel_events import EventRow, EventState

AT_ONCE = 100
"""Items that are read at once."""


def may_change_by_itself(channel: Channel) -> bool:
    """True if what is held may be so no more though nothing happened: names of today are others tomorrow."""
    return not is_lasting(channel.place)


async def with_free_names(ledger: Ledger, channel: Channel, at: int) -> frozenset[int]:
    """The held events whose names nobody else has now; of those that want the same the oldest."""
    held = await ledger.read(partial(_held, channel=channel.name))
    return frozenset(held) - (await _Together(ledger, channel, at).hindered(held)).keys()


async def hindered(ledger: Ledger, channel: Channel, asked: Sequence[EventRow], at: int) -> dict[int, str]:
    """Of what a person lets go, what can't go beside the rest of it and what waits already, and why."""
    found: dict[int, str] = {}
    for kind in sorted({one.kind for one in asked}):
        together = _Together(ledger, channel, at)
        work = partial(up_to_date.waiting_ids, channel=channel, kind=Kind(kind))
        await together.hindered(await ledger.read(work))
        found |= await together.hindered([one.id for one in asked if one.kind == kind], let_go=True)
    return found


class _Together:
    """Events of one delivery to come: a name that one has is taken for all that are asked for later."""

    def __init__(self, ledger: Ledger, channel: Channel, at: int) -> None:
        self._ledger = ledger
        self._channel = channel
        self._at = at
        self._taken: dict[str, str] = {}

    async def hindered(self, events: Sequence[int], *, let_go: bool = False) -> dict[int, str]:
        """Those that can't go, and why; `let_go`: what they are held for is known, and nothing against them."""
        found: dict[int, str] = {}
        for some in portions(events, AT_ONCE):
            looked = await self._ledger.read(partial(self._looked, events=some, let_go=let_go))
            self._taken |= looked.names
            found |= looked.held
        return found

    def _looked(self, connection: Connection, events: Sequence[int], *, let_go: bool) -> Sorted:
        on, marker = upcoming(connection, self._channel, moment(self._at, self._channel.zone))
        rows = channel_events.some(connection, events)
        if let_go:
            rows = tuple(replace(one, reason=f"{channel_going.ALL_THE_SAME}{one.reason}") for one in rows)
        return sort_out(connection, self._channel, rows, on, self._taken | marker)


def _held(connection: Connection, channel: str) -> list[int]:
    return [one.id for one in channel_events.open_keys(connection, channel) if one.state is EventState.HELD]
