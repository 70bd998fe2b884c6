"""A catalogue on disk, a channel of it and a ledger; deliveries are simulated, the clock is turned."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from gateway.channels.detect import Detected, baseline, detect
from gateway.channels.model import Catalogue, Channel, Kind
from gateway.channels.up_to_date import ripe
from gateway.core.clock import TurnedClock
from gateway.language.pattern import compile_pattern
from gateway.ledger import channel_batches, channel_catalogues, channel_events, channel_going
from gateway.ledger.channel_arrivals import Arrival, arrived
from gateway.ledger.channel_catalogues import Look
from gateway.ledger.channel_events import EventRow
from gateway.runner.services import Services
from tests.channels.making import channel
from tests.runner.harness import START, stage, turning

BOOK = {"onix.xml": "<p>9.99</p>", "book.epub": "text"}


@dataclass(slots=True)
class Shop:
    """`path` is the catalogue; every file that is put there has a time a little past."""

    path: Path
    channel: Channel
    services: Services
    clock: TurnedClock

    def put(self, item: str, files: dict[str, str] | None = None) -> None:
        for name, text in (BOOK if files is None else files).items():
            path = self.path / item / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def rules(self, **changes: Any) -> None:
        """The channel says otherwise from now on."""
        self.channel = replace(self.channel, **changes)

    def ignoring(self, *parts: str) -> None:
        """These parts of its metadata count no more."""
        self.rules(catalogue=replace(self.channel.catalogue, metadata_ignore=parts))

    async def detect(self, *others: Channel) -> Detected:
        found = await turning(self.clock, detect([self.channel, *others], self.services), 5.0)
        return found.all()[self.channel.name]

    async def baseline(self) -> int:
        return await turning(self.clock, baseline(self.channel, self.services), 5.0)

    async def queue(self, channel: str = "shop") -> dict[tuple[str, str], EventRow]:
        rows = await self.services.ledger.read(partial(channel_events.queue, channel=channel))
        return {(one.item, one.kind): one for one in rows}

    async def states(self) -> dict[tuple[str, str], str]:
        """By item and kind, where what is queued stands."""
        return {key: one.state.value for key, one in (await self.queue()).items()}

    async def freeze(self, kind: str) -> list[EventRow]:
        """Everything that may go of a kind is under way."""
        ledger, at = self.services.ledger, self.services.ledger.now_ns()

        def work(connection: Any) -> list[EventRow]:
            events = ripe(connection, self.channel, Kind(kind), at)
            batch = channel_batches.make(connection, self.channel.name, kind, at, "2026-11-03", at)
            channel_going.freeze(connection, events, batch.id)
            return events

        return await ledger.write(work)

    async def deliver(self, kind: str) -> list[str]:
        """Everything that may go of a kind arrives at once; the items."""
        events = await self.freeze(kind)
        for event in events:
            await self.arrive(event)
        return [one.item for one in events]

    async def arrive(self, event: EventRow) -> None:
        at = self.services.ledger.now_ns()
        work = partial(arrived, channel="shop", arrivals=[Arrival.whole(event)], at=at)
        await self.services.ledger.write(work)

    async def approve(self, *items: str) -> None:
        wanted = [one for one in (await self.queue()).values() if not items or one.item in items]
        work = partial(channel_going.approve, channel="shop", events=wanted, who="ann")
        await self.services.ledger.write(work)

    async def drop(self, *items: str) -> None:
        wanted = [one for one in (await self.queue()).values() if one.item in items]
        at = self.services.ledger.now_ns()
        work = partial(channel_going.drop, channel="shop", events=wanted, who="ann", reason="not wanted", at=at)
        await self.services.ledger.write(work)

    async def look(self) -> Look:
        found = await self.services.ledger.read(partial(channel_catalogues.looked, catalogue="titles"))
        assert found is not None
        return found


@asynccontextmanager
async def shop(root: Path, **changes: Any) -> AsyncIterator[Shop]:
    """An empty catalogue `titles`, whose metadata is *.xml and *.json; a channel `shop` that takes all of it."""
    path = root / "titles"
    path.mkdir()
    patterns = (compile_pattern("*.xml"), compile_pattern("*.json"))
    mine = channel(catalogue=Catalogue("titles", path, patterns), **changes)
    clock = TurnedClock(START)
    async with stage(root, clock=clock) as made:
        yield Shop(path, mine, made.engine.runner.services, clock)
