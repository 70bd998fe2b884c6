"""The clocks of channels: catalogues are looked at, and each kind is delivered, at its times.

What was handled, what waits and what goes out are rows: a kill in between neither loses a time nor repeats one, and a
batch that it cut off goes on.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime
from functools import partial

import structlog

from gateway.channels.detect import Detected, Detection, baseline, detect
from gateway.channels.due import HAND_OF, Plan
from gateway.channels.model import Channel, Channels, Kind
from gateway.channels.outgoing import Around, Configured, Outgoing
from gateway.channels.standing import Standing, by_catalogue, count_from, note_looked
from gateway.config.loaded import Loaded
from gateway.core.errors import GatewayError
from gateway.core.moments import ns
from gateway.core.waits import first_of
from gateway.ledger import channel_deliveries
from gateway.ledger.channel_batches import BatchRow, BatchState
from gateway.ledger.channel_states import Hand
from gateway.runner.by_endpoint import ByEndpoint
from gateway.runner.services import Services

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 30.0
_FAULT_S = 60.0
_LOOK_FIRST_S = 600.0
"""A delivery waits so long for the look that is due with it: the first one at many items may take days."""


class ChannelEngine:
    """Looks at catalogues and delivers, by the clock or as a person asks."""

    def __init__(self, loaded: Loaded, channels: Channels, around: Around) -> None:
        self._configured = Configured(loaded, channels)
        self._around = around
        self._outgoing = Outgoing(lambda: self._configured, around)
        self._tasks = ByEndpoint("channels")
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._met: set[str] = set()
        self._looks: dict[str, float] = {}
        self.changed = asyncio.Event()
        """Set when something may be due sooner: other channels or times, a pause that ended, a task that did."""

    @property
    def services(self) -> Services:
        """Those of now."""
        return self._around.services()

    @property
    def channels(self) -> Channels:
        """Those of now."""
        return self._configured.channels

    def renew(self, loaded: Loaded, channels: Channels) -> None:
        """Take over a reloaded configuration: new times hold at once."""
        self._configured = Configured(loaded, channels)
        self.changed.set()

    def channel(self, name: str) -> Channel:
        """A channel that can run.  Raises Unknown, Refused with its first error."""
        return self._configured.channel(name)

    async def run(self) -> None:
        """Until cancelled; what is under way then goes on at the next start."""
        try:
            while True:
                self.changed.clear()
                await self._wait(await self.look())
        finally:
            await self.close()

    async def close(self) -> None:
        """End what is under way here."""
        await self._tasks.end()

    async def settled(self) -> datetime | None:
        """Do all that is due, to its end; when something is next."""
        while True:
            next_at = await self.look()
            if self._tasks.is_idle:
                return next_at
            await self._tasks.over()

    async def look(self) -> datetime | None:
        """Begin what is due; when something is next."""
        services, sound = self.services, self.channels.sound()
        now = services.clock.now()
        seen = await services.ledger.read(partial(Standing.read, now=ns(now)))
        plans = seen.plans(sound.values(), now)
        channels = [sound[name] for name in plans]
        await self._count_anew(plans)
        if any(self._is_abandoned(row) for row in seen.batches):
            names = frozenset(self.channels.channels)
            await services.ledger.write(partial(channel_deliveries.abandon, channels=names, at=ns(now)))
        if seen.are_all_paused:
            return None
        for channels_of in by_catalogue(channels):
            self._begin_detection(channels_of, plans, seen)
        for one in channels:
            self._begin_delivery(one, plans[one.name], seen)
        return min((plan.next_at for plan in plans.values()), default=None)

    def _is_abandoned(self, row: BatchRow) -> bool:
        return row.state is BatchState.DELIVERING and row.channel not in self.channels.channels

    # What a person asks.

    async def detect(self, names: Sequence[str]) -> Detection:
        """Look for changes now; each catalogue once, however many of these channels it has."""
        found: dict[str, Detected] = {}
        failed: dict[str, Exception] = {}
        for channels in by_catalogue([self.channel(name) for name in names]):
            async with self._turns[f"catalogue {channels[0].catalogue.name}"]:
                made = await detect(channels, self.services)
            found |= made.found
            failed |= made.failed
        self.changed.set()
        return Detection(found, failed)

    async def baseline(self, name: str) -> int:
        """Count all that the channel selects as delivered, as it is now; how many items."""
        channel = self.channel(name)
        async with self._turns[f"channel {name}"], self._turns[f"catalogue {channel.catalogue.name}"]:
            return await baseline(channel, self.services)

    async def deliver_now(self, name: str, kind: Kind | None = None) -> tuple[BatchRow, ...]:
        """Deliver what waits, or failed, without waiting for its time; the batches at the end of it."""
        self.channel(name)
        async with self._turns[f"channel {name}"]:
            return await self._outgoing.now(name, kind)

    # Detection.

    def _begin_detection(self, channels: Sequence[Channel], plans: Mapping[str, Plan], seen: Standing) -> None:
        """One look at a catalogue, for all channels whose time has come; a new channel begins at once."""
        catalogue, due = channels[0].catalogue.name, {}
        for one in channels:
            is_new = seen.is_new(one) and one.name not in self._met
            if Hand.CRON in plans[one.name].due or is_new:
                due[one.name] = plans[one.name].due.get(Hand.CRON)
        key = f"catalogue {catalogue}"
        if due and not self._tasks.is_busy(key):
            self._met |= set(due)
            self._looks[key] = self.services.clock.monotonic()
            self._tasks.start(key, self._stirring(self._look_at(catalogue, due)))

    async def _look_at(self, catalogue: str, due: Mapping[str, datetime | None]) -> None:
        wanted = [one for one in self.channels.sound().values() if one.name in due and one.catalogue.name == catalogue]
        async with self._turns[f"catalogue {catalogue}"]:
            try:
                (await detect(wanted, self.services)).all()
            except GatewayError as error:
                log.error("catalogue can't be looked at", catalogue=catalogue, error=str(error))
            except Exception:  # a fault of ours: its time is over all the same, and deliveries don't wait for it
                log.exception("catalogue: a look crashed; the next one is at its time", catalogue=catalogue)
        handled = {name: ns(at) for name, at in due.items() if at is not None}
        await self.services.ledger.write(partial(note_looked, due=handled))

    # Delivery.

    def _begin_delivery(self, channel: Channel, plan: Plan, seen: Standing) -> None:
        """What is due, and what a killed process left; after the look at the catalogue, unless that takes long."""
        key = f"channel {channel.name}"
        is_due = bool(plan.due.keys() & set(HAND_OF.values()))
        waits = self._is_looked_at(channel.catalogue.name) or self._tasks.is_busy(key)
        if (is_due or seen.is_begun(channel)) and not waits and not seen.is_paused(channel):
            self._tasks.start(key, self._stirring(self._deliver(channel.name)))

    def _is_looked_at(self, catalogue: str) -> bool:
        key = f"catalogue {catalogue}"
        return self._tasks.is_busy(key) and self.services.clock.monotonic() - self._looks[key] < _LOOK_FIRST_S

    async def _deliver(self, name: str) -> None:
        async with self._turns[f"channel {name}"]:
            await self._outgoing.due(name)

    # The loop.

    async def _count_anew(self, plans: Mapping[str, Plan]) -> None:
        """Clocks that never ran, or run by other times now: what they did before was not missed."""
        anew = {name: plan for name, plan in plans.items() if plan.anew}
        if anew:
            await self.services.ledger.write(partial(count_from, plans=anew))

    async def _stirring(self, work: Coroutine[None, None, None]) -> None:
        """Whatever became of it is looked at once it is over; a fault of ours is not repeated at once."""
        try:
            await work
        except Exception:
            log.exception("channels: a work crashed, starts again")
            await self.services.clock.sleep(_FAULT_S)
        finally:
            self.changed.set()

    async def _wait(self, next_at: datetime | None) -> None:
        clock = self.services.clock
        waits = [_LOOK_EVERY_S] + ([(next_at - clock.now()).total_seconds()] if next_at is not None else [])
        await first_of(self.changed.wait(), clock.sleep(max(0.01, min(waits))))
