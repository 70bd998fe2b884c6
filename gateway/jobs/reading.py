"""One pass over a file that several follow: the foremost has it read on, the others find what was read.

Nobody waits for anybody behind: what lies further back than the window is dropped; whoever needed it reads it again.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from gateway.core.errors import Retryable
from gateway.endpoints.wrap import close_iterator

WINDOW_BYTES = 32 * 1024 * 1024


class Window:
    """How much all passes together hold: a pass gives up what it has behind once that is too much."""

    def __init__(self, each_bytes: int = WINDOW_BYTES, all_bytes: int = 2 * WINDOW_BYTES) -> None:
        self.each_bytes = each_bytes
        self.all_bytes = all_bytes
        self.held_bytes = 0


class Reading:
    """`begin` is where what is held starts, `end` how far the file was read.  `followers` are counted by the caller."""

    def __init__(self, blocks: AsyncIterator[bytes], begin: int, window: Window, read: Callable[[int], None]) -> None:
        self._blocks = blocks
        self._window = window
        self._read = read
        self._held: deque[tuple[int, bytes]] = deque()
        self._pulling: asyncio.Task[None] | None = None
        self.first = begin
        self.begin = self.end = begin
        self.over = False
        self._failed = False
        self.followers = 0

    def covers(self, offset: int) -> bool:
        """True if a follower can come in there."""
        return not self._failed and self.begin <= offset <= self.end

    def block_at(self, offset: int) -> bytes | None:
        """What was read from `offset` on, None where that is still to be read."""
        for at, block in reversed(self._held):
            if at <= offset < at + len(block):
                return block if at == offset else block[offset - at :]
        return None

    def whole(self) -> bytes | None:
        """All of it, None unless it was read from its first byte to its last and is still held."""
        return b"".join(block for _, block in self._held) if self.over and self.begin == 0 == self.first else None

    async def more(self) -> None:
        """One block more, or the end; several wait for one.  Raises what reading raises."""
        if self._pulling is None:
            self._pulling = asyncio.ensure_future(self._pull())
        await asyncio.shield(self._pulling)

    async def _pull(self) -> None:
        try:
            if self._failed:
                raise Retryable("the file can't be read on after an error; it is read anew")
            block = await anext(self._blocks, None)
            if block is None:
                self.over = True
            elif block:
                self._hold(block)
        except BaseException:
            self._failed = True  # what ended with an error would pass for a short file
            raise
        finally:
            self._pulling = None

    def _hold(self, block: bytes) -> None:
        self._read(len(block))
        self._held.append((self.end, block))
        self.end += len(block)
        self._window.held_bytes += len(block)
        while len(self._held) > 1 and self._is_too_much():
            self._drop()

    def _is_too_much(self) -> bool:
        window = self._window
        return self.end - self.begin > window.each_bytes or window.held_bytes > window.all_bytes

    def _drop(self) -> None:
        at, block = self._held.popleft()
        self._window.held_bytes -= len(block)
        self.begin = at + len(block)

    async def close(self) -> None:
        """Nobody follows any more."""
        while self._held:
            self._drop()
        if self._pulling is not None:
            self._pulling.cancel()
            await asyncio.wait({self._pulling})
        await close_iterator(self._blocks)
