"""Channels over a whole gateway in a temporary folder: a catalogue, recipients that are folders of this machine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from gateway.channels.engine import ChannelEngine
from gateway.channels.outgoing import Around
from gateway.channels.read import read_channels
from gateway.config.load import load
from gateway.core.clock import Clock, TurnedClock
from gateway.ledger import Connection, channel_batches, channel_events
from gateway.ledger.channel_batches import BatchRow
from gateway.ledger.channel_events import EventState
from gateway.runner.places import Places
from gateway.runner.settling import Settling
from tests.runner.harness import Stage, configuration, stage, tree, write

T = TypeVar("T")


def channel_text(root: Path, more: str = "", place: str = "", *, name: str = "shop", endpoint: str = "far") -> str:
    """A channel of the catalogue `titles` to an endpoint."""
    return f"""
[catalogues.titles]
path = "{root}/titles"
metadata = ["*.xml"]
[channels.{name}]
endpoint = "{endpoint}"
catalogue = "titles"
start = "all"
{more}
[channels.{name}.place]
files = "{{item}}_{{name}}"
{place}
"""


def lay_item(root: Path, item: str, **files: str) -> Path:
    """An item of the catalogue; `book_epub="x"` is its file book.epub."""
    for name, content in (files or {"onix_xml": f"<p>{item}</p>", "book_epub": f"text of {item}"}).items():
        write(root / "titles" / item / name.replace("_", "."), content, age_s=3600)
    return root / "titles" / item


@dataclass
class ChannelStage:
    """`channels` is the engine."""

    made: Stage
    channels: ChannelEngine

    @property
    def arrived(self) -> dict[str, str]:
        """What the recipient has, without what is on its way."""
        return {name: text for name, text in tree(self.made.far).items() if not name.startswith(".")}

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self.made.ledger(work)

    async def batches(self, name: str = "shop") -> list[BatchRow]:
        """All of them, oldest first."""
        return [*reversed(await self.read(partial(channel_batches.latest, channel=name)))]

    async def states(self, name: str = "shop") -> dict[str, str]:
        """What became of each change in the end, by item and kind."""
        rows = await self.read(partial(channel_events.history, channel=name))
        ended = (row for row in reversed(rows) if row.state is not EventState.FAILED)
        return {f"{row.item} {row.kind}": row.state.value for row in ended}

    async def go_on(self, until: datetime) -> None:
        """Time passes; whatever comes due is done in its moment, to its end."""
        clock = self.made.clock
        assert isinstance(clock, TurnedClock)
        while True:
            next_at = await self.made.ending(self.channels.settled())
            now = clock.now()
            if now >= until:
                return
            wanted = until if next_at is None else min(next_at, until)
            await clock.turn(max(wanted - now, timedelta(0)))

    async def reload(self, text: str) -> None:
        """Another configuration, as a reload takes it."""
        root = self.made.root
        loaded = load(configuration(root, text, gateway=NO_WAIT))
        self.channels.renew(loaded, await asyncio.to_thread(read_channels, loaded))


NO_WAIT = "stable_for = '0s'"


@asynccontextmanager
async def channel_stage(
    root: Path, text: str, *, clock: Clock | None = None, endpoint: str = "", gateway: str = NO_WAIT
) -> AsyncIterator[ChannelStage]:
    """The engine over `root`, which may hold what an earlier one left."""
    (root / "titles").mkdir(exist_ok=True)
    async with stage(root, text, clock=clock, endpoint=endpoint, gateway=gateway) as made:
        loaded = made.engine.loaded
        channels = await asyncio.to_thread(read_channels, loaded)
        assert not channels.broken, channels.findings
        settling = Settling(lambda: made.engine.runner.services, lambda _: None)
        around = Around(
            services=lambda: made.engine.runner.services,
            places=Places(64),
            settle=settling.look,
        )
        engine = ChannelEngine(loaded, channels, around)
        try:
            yield ChannelStage(made, engine)
        finally:
            await engine.close()
