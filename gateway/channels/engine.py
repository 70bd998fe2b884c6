"""The clocks of channels: catalogues are looked at, and each kind is delivered, at its times.

What was handled, what waits and what goes out are rows: a kill in between neither loses a time nor repeats one, and a
batch that it cut off goes on.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from gateway.channels.batches import Asked, fire
from gateway.channels.delivering import BatchDelivery, Means, Settle
from gateway.channels.detect import Detected, Detection, baseline, detect
from gateway.channels.due import HAND_OF, Plan, planned
from gateway.channels.model import Channel, Channels, Kind
from gateway.config.loaded import Loaded
from gateway.core.errors import GatewayError, Refused, Unknown
from gateway.core.moments import ns
from gateway.core.waits import first_of
from gateway.ledger import Connection, channel_batches, channel_deliveries, channel_states, pauses
from gateway.ledger.channel_batches import BatchRow, BatchState
from gateway.ledger.channel_states import Hand, StateRow
from gateway.runner.by_endpoint import ByEndpoint
from gateway.runner.places import Places
from gateway.runner.services import Services

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 30.0
_FAULT_S = 60.0
_LOOK_FIRST_S = 600.0
"""A delivery waits so long for the look that is due with it: the first one at many items may take days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the engine finds in the process that it works in; asked anew each time, since a reload changes it."""

    services: Callable[[], Services]
    places: Places
    settle: Settle


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the ledger says of all channels at one moment."""

    states: Mapping[str, StateRow]
    batches: Sequence[BatchRow]
    paused: frozenset[str]

    def is_begun(self, channel: Channel) -> bool:
        """True if a batch is to go on: a kill cut it off, or its last file arrived after it had failed."""
        return any(row.state is BatchState.DELIVERING for row in self.batches if row.channel == channel.name)

    def is_paused(self, channel: Channel) -> bool:
        return not self.paused.isdisjoint((pauses.ALL, f"endpoint:{channel.endpoint}"))

    def state(self, channel: Channel) -> StateRow:
        return self.states.get(channel.name) or StateRow(channel=channel.name)


class ChannelEngine:
    """Looks at catalogues and delivers, by the clock or as a person asks."""

    def __init__(self, loaded: Loaded, channels: Channels, around: Around) -> None:
        self.loaded, self.channels = loaded, channels
        self._around = around
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

    def renew(self, loaded: Loaded, channels: Channels) -> None:
        """Take over a reloaded configuration: new times hold at once."""
        self.loaded, self.channels = loaded, channels
        self.changed.set()

    def channel(self, name: str) -> Channel:
        """A channel that can run.  Raises Unknown, Refused with its first error."""
        if name not in self.channels.channels:
            raise Unknown(f"there is no channel {name!r}; gateway channel list shows those that there are")
        if name in self.channels.broken:
            raise Refused(f"{name} can't run: {self.channels.broken[name]}")
        return self.channels.channels[name]

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
        seen = await services.ledger.read(partial(_standing, now=ns(now)))
        plans = _plans(sound.values(), seen, now)
        channels = [sound[name] for name in plans]
        await self._count_anew(plans)
        if any(self._is_abandoned(row) for row in seen.batches):
            names = frozenset(self.channels.channels)
            await services.ledger.write(partial(channel_deliveries.abandon, channels=names, at=ns(now)))
        if pauses.ALL in seen.paused:
            return None
        for channels_of in _by_catalogue(channels):
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
        for channels in _by_catalogue([self.channel(name) for name in names]):
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
            touched = {row.id: row for row in await self._carry_begun(name)}
            for one in (kind,) if kind is not None else HAND_OF:
                asked = self._asked(self.channel(name), one, self.services.clock.now())  # as it is by now
                await self._fire(asked)
                touched |= {row.id: row for row in await self._carry_begun(name)}
        return tuple(touched.values())

    # Detection.

    def _begin_detection(self, channels: Sequence[Channel], plans: Mapping[str, Plan], seen: _Standing) -> None:
        """One look at a catalogue, for all channels whose time has come; a new channel begins at once."""
        catalogue, due = channels[0].catalogue.name, {}
        for one in channels:
            is_new = seen.state(one).begun_at is None and one.name not in self._met
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
        await self.services.ledger.write(partial(_note_looked, due=handled))

    # Delivery.

    def _begin_delivery(self, channel: Channel, plan: Plan, seen: _Standing) -> None:
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
            await self._carry_begun(name)
            for kind, hand in HAND_OF.items():
                channel = self.channels.sound().get(name)
                if channel is None:
                    return
                due = (await self._plan(channel)).due.get(hand)
                if due is not None and await self._fire(self._asked(channel, kind, due, hand)):
                    await self._carry_begun(name)

    async def _plan(self, channel: Channel) -> Plan:
        state = await self.services.ledger.read(partial(channel_states.get, channel=channel.name))
        return planned(channel, state, self.services.clock.now())

    def _asked(self, channel: Channel, kind: Kind, due: datetime, hand: Hand | None = None) -> Asked:
        return Asked(channel=channel, kind=kind, due=due, hand=hand)

    async def _fire(self, asked: Asked) -> bool:
        ledger = self.services.ledger
        return await ledger.write(partial(fire, asked=asked, at=ledger.now_ns()))

    async def _carry_begun(self, name: str) -> list[BatchRow]:
        """Every batch that is to go out, oldest first, each to its end or its failure."""
        channel, services = self.channel(name), self.services
        rows = await services.ledger.read(partial(channel_batches.open_of, channel=name))
        means = Means(loaded=self.loaded, services=services, places=self._around.places, settle=self._around.settle)
        begun = [row for row in rows if row.state is BatchState.DELIVERING]
        return [await BatchDelivery(means=means, channel=channel, row=row).carry() for row in begun]

    # The loop.

    async def _count_anew(self, plans: Mapping[str, Plan]) -> None:
        """Clocks that never ran, or run by other times now: what they did before was not missed."""
        anew = {name: plan for name, plan in plans.items() if plan.anew}
        if anew:
            await self.services.ledger.write(partial(_count_from, plans=anew))

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


def _plans(channels: Iterable[Channel], seen: _Standing, now: datetime) -> dict[str, Plan]:
    """What is due of each channel; one whose times can't be told rests, and keeps no other back."""
    plans: dict[str, Plan] = {}
    for one in channels:
        try:
            plans[one.name] = planned(one, seen.state(one), now)
        except Exception:
            log.exception("channel: its times can't be told, it rests; correct its schedule", channel=one.name)
    return plans


def _by_catalogue(channels: Sequence[Channel]) -> list[list[Channel]]:
    found: defaultdict[str, list[Channel]] = defaultdict(list)
    for one in channels:
        found[one.catalogue.name].append(one)
    return list(found.values())


def _standing(connection: Connection, now: int) -> _Standing:
    paused = frozenset(one.scope for one in pauses.paused(connection, now))
    return _Standing(channel_states.every(connection), channel_batches.open_of(connection), paused)


def _note_looked(connection: Connection, due: Mapping[str, int]) -> None:
    for channel, at in due.items():
        channel_states.handled(connection, channel, Hand.CRON, at)


def _count_from(connection: Connection, plans: Mapping[str, Plan]) -> None:
    for name, plan in plans.items():
        at = {hand: ns(moment) for hand, moment in plan.anew.items()}
        channel_states.set_hands(connection, name, at, plan.times)
