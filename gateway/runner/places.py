"""How many runs go on at once: places that are taken by priority and given back while a run only waits."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Places:
    """`limit` places; the highest priority waiting gets the next free one, the longest waiting among equals."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._count = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def taken(self, priority: int) -> AsyncIterator["Place"]:
        """Hold a place for the block."""
        place = Place(self, priority)
        await place.take()
        try:
            yield place
        finally:
            place.give()

    async def _take(self, priority: int) -> None:
        if self._free and not self._waiting:
            self._free -= 1
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._waiting, (-priority, self._count, future))
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._give()  # it was handed over in the moment of the cancel
            raise

    def _give(self) -> None:
        while self._waiting:
            _, _, future = heapq.heappop(self._waiting)
            if not future.done():
                future.set_result(None)
                return
        self._free += 1


class Place:
    """One place that a run holds."""

    def __init__(self, places: Places, priority: int) -> None:
        self._places = places
        self._priority = priority
        self._held = False

    async def take(self) -> None:
        """Queue for a place."""
        await self._places._take(self._priority)
        self._held = True

    def give(self) -> None:
        """Give it back; a second call does nothing."""
        if self._held:
            self._held = False
            self._places._give()

    @asynccontextmanager
    async def given_back(self) -> AsyncIterator[None]:
        """Let another run have the place for the block, then queue for one again."""
        self.give()
        yield
        await self.take()
