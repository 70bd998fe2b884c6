"""How much of the files on one lane may be in memory at once."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LANE_BYTES = 16 * 1024 * 1024
_FILE_BYTES = 4 * 1024 * 1024
"""No more of one file is on its way at once."""


class Load:
    """Lets files on by their size, first come first served: many small ones, or a few large ones."""

    def __init__(self, limit_bytes: int = LANE_BYTES) -> None:
        self._free = limit_bytes
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def of(self, size_bytes: int) -> AsyncIterator["Share"]:
        """Wait until there is room for a file of that size; hold it for the block."""
        size_bytes = min(size_bytes, _FILE_BYTES)
        await self._take(size_bytes)
        share = Share(self, size_bytes)
        try:
            yield share
        finally:
            share.give()

    async def _take(self, share: int) -> None:
        if not self._waiting and share <= self._free:
            self._free -= share
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((share, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._free += share  # it was ours already
            self._wake()
            raise

    def give(self, share: int) -> None:
        """So much is free again."""
        self._free += share
        self._wake()

    def _wake(self) -> None:
        while self._waiting and (self._waiting[0][0] <= self._free or self._waiting[0][1].done()):
            share, turn = self._waiting.popleft()
            if not turn.done():
                self._free -= share
                turn.set_result(None)


class Share:
    """What a file holds of a load, or files that go together."""

    def __init__(self, load: Load, size_bytes: int) -> None:
        self._load = load
        self._size_bytes = size_bytes

    def part(self, size_bytes: int) -> "Share":
        """So much of it, to be given by whoever holds it from now on."""
        size_bytes = min(size_bytes, self._size_bytes)
        self._size_bytes -= size_bytes
        return Share(self._load, size_bytes)

    def give(self) -> None:
        """Give it back; a second call does nothing."""
        size_bytes, self._size_bytes = self._size_bytes, 0
        self._load.give(size_bytes)
