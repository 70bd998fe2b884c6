"""How many runs go on at once: places that are taken by priority and given back while a run only waits."""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable
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
    """One place that a run holds: for as long as one of its tasks works, given back while all of them only wait."""

    def __init__(self, places: Places, priority: int) -> None:
        self._places = places
        self._priority = priority
        self._held = False
        self._working = 1
        self._queueing = asyncio.Lock()

    async def take(self) -> None:
        """Queue for a place; returns at once if it is held already."""
        async with self._queueing:
            if not self._held:
                await self._places._take(self._priority)
                self._held = True

    def give(self) -> None:
        """Give it back; a second call does nothing."""
        if self._held:
            self._held = False
            self._places._give()

    @asynccontextmanager
    async def given_back(self) -> AsyncIterator[None]:
        """This task only waits for the block; the place is free for another run while no task of this one works."""
        self._rest()
        try:
            yield
        finally:
            self._working += 1
        await self.take()

    def _rest(self) -> None:
        self._working -= 1
        if not self._working:
            self.give()

    def joined(self) -> Callable[[], None]:
        """One more task works, started by one that does; it calls what is returned at its end."""
        self._working += 1
        return self._rest

    @asynccontextmanager
    async def shared(self, tasks: int) -> AsyncIterator[Callable[[], None]]:
        """For the block `tasks` other tasks work in place of this one; each calls what is yielded at its end."""
        self._working += tasks - 1
        try:
            yield self._rest
        finally:
            self._working += 1
        await self.take()
