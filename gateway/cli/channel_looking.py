"""What the verbs of `gateway channel` that only look read: the channels, and what the ledger knows of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from gateway.channels.due import HAND_OF, next_of
from gateway.channels.model import Channel, Channels, Kind
from gateway.channels.read import read_channels
from gateway.cli.channel_reading import channel_of
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.ledger import Connection
from gateway.service.reading import NothingYet, reading

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Generic[T]):
    """`found` is what the ledger says, None where there is none yet."""

    loaded: Loaded
    channels: Channels
    now: datetime
    found: T | None

    def next_of(self, channel: str, kind: str) -> datetime | None:
        """When this kind goes out next, None for a channel that can't run."""
        one = self.channels.sound().get(channel)
        if one is None:
            return None
        return next_of(one, HAND_OF[Kind(kind)], self.now).astimezone(one.zone)

    def chosen(self, name: str | None) -> list[Channel]:
        """One channel, or all.  Raises Unknown."""
        return [*self.channels.channels.values()] if name is None else [channel_of(self.channels, name)]


async def look(loaded: Loaded, clock: Clock, work: Callable[[Connection], T]) -> Read[T]:
    """Read it."""
    found: T | None = None
    try:
        async with reading(loaded, clock) as ledger:
            found = await ledger.read(work)
    except NothingYet:
        pass
    return Read(loaded=loaded, channels=read_channels(loaded), now=clock.now(), found=found)
