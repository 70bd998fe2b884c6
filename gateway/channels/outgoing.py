"""Deliveries to one channel, as they are due or as a person asks, each to its end or its failure.

Whoever calls sees to it that no two are under way to one channel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from gateway.channels.batches import Asked, fire, make
from gateway.channels.delivering import BatchDelivery, Means, Settle
from gateway.channels.due import HAND_OF, planned
from gateway.channels.model import Channel, Channels, Kind
from gateway.config.findings import suggestion
from gateway.config.loaded import Loaded
from gateway.core.errors import Refused, Unknown
from gateway.ledger import channel_batches, channel_states
from gateway.ledger.channel_batches import BatchRow, BatchState
from gateway.ledger.channel_states import Hand
from gateway.runner.places import Places
from gateway.runner.services import Services

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What channels find in the process that they work in; asked anew each time, since a reload changes it."""

    services: Callable[[], Services]
    places: Places
    settle: Settle


@dataclass(frozen=True, slots=True)
class Configured:
    """The channels as they are configured."""

    loaded: Loaded
    channels: Channels

    def channel(self, name: str) -> Channel:
        """A channel that can run.  Raises Unknown, Refused with its first error."""
        if name not in self.channels.channels:
            raise Unknown(f"there is no channel {name!r}; {suggestion(name, self.channels.channels)}")
        if name in self.channels.broken:
            raise Refused(f"{name} can't run: {self.channels.broken[name]}")
        return self.channels.channels[name]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """To any channel; `configured` is asked anew for each step, for the same reason."""

    configured: Callable[[], Configured]
    around: Around

    async def due(self, name: str) -> None:
        """What a killed process left, then each kind whose time has come."""
        await self._carry(name)
        for kind, hand in HAND_OF.items():
            channel = self.configured().channels.sound().get(name)
            if channel is None:
                return
            at = await self._due_at(channel, hand)
            if at is not None:
                await self._deliver(Asked(channel=channel, kind=kind, due=at, hand=hand))

    async def now(self, name: str, kind: Kind | None) -> tuple[BatchRow, ...]:
        """What waits, or failed, of this kind or of all; the batches at the end of it."""
        touched = {one.row.id: one.row for one in await self._carry(name)}
        for one in (kind,) if kind is not None else HAND_OF:
            channel = self.configured().channel(name)  # as it is by now
            rows = await self._deliver(Asked(channel=channel, kind=one, due=self._services.clock.now()))
            touched |= {row.id: row for row in rows}
        return tuple(touched.values())

    async def _deliver(self, asked: Asked) -> list[BatchRow]:
        """What failed of a kind, and what waits; then what left the former, where a look has seen what it is by now."""
        if not await self._write(partial(fire, asked=asked)):
            return []
        tried = await self._carry(asked.channel.name)
        if any(one.has_newer for one in tried):
            await self._write(partial(make, asked=asked))
            tried += await self._carry(asked.channel.name)
        return [one.row for one in tried]

    async def _due_at(self, channel: Channel, hand: Hand) -> datetime | None:
        state = await self._services.ledger.read(partial(channel_states.get, channel=channel.name))
        return planned(channel, state, self._services.clock.now()).due.get(hand)

    async def _write(self, work: Callable[..., T]) -> T:
        ledger = self._services.ledger
        return await ledger.write(partial(work, at=ledger.now_ns()))

    async def _carry(self, name: str) -> list[BatchDelivery]:
        """Every batch that is to go out, oldest first, each to its end or its failure."""
        configured, services = self.configured(), self._services
        channel = configured.channel(name)
        rows = await services.ledger.read(partial(channel_batches.open_of, channel=name))
        around = self.around
        means = Means(loaded=configured.loaded, services=services, places=around.places, settle=around.settle)
        begun = [row for row in rows if row.state is BatchState.DELIVERING]
        tried = [BatchDelivery(means=means, channel=channel, row=row) for row in begun]
        for one in tried:
            await one.carry()
        return tried

    @property
    def _services(self) -> Services:
        return self.around.services()
