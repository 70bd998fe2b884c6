"""The bounded streams between the thread of an FTP session and the event loop."""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator

_AHEAD_BYTES = 4 * 1024 * 1024
"""So much waits between the two sides; each block that crosses wakes a thread, so blocks are large and few."""
_BLOCKS_AHEAD = 2
"""The same towards the loop, in blocks as they are received."""


class GaveUp(Exception):
    """The other side of a stream has given up."""


class ToThread:
    """Blocks from the loop to the thread; a few at most wait in between."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._blocks: queue.SimpleQueue[bytes | GaveUp | None] = queue.SimpleQueue()
        self._waiting_bytes = 0
        self._room = asyncio.Event()
        self._over = False

    async def put(self, block: bytes) -> bool:
        """Hand one block over; False if the thread takes no more."""
        while self._waiting_bytes and self._waiting_bytes + len(block) > _AHEAD_BYTES and not self._over:
            self._room.clear()
            await self._room.wait()
        if not self._over:
            self._waiting_bytes += len(block)
            self._blocks.put(block)
        return not self._over

    def finish(self) -> None:
        """That was all."""
        self._blocks.put(None)

    def give_up(self) -> None:
        """The thread's `blocks` raises GaveUp."""
        self._blocks.put(GaveUp())

    def over(self) -> None:
        """The thread has ended: nobody waits for room any more."""
        self._over = True
        self._room.set()

    def blocks(self) -> Iterator[bytes]:
        """In the thread: each block as it comes."""
        while (block := self._blocks.get()) is not None:
            if isinstance(block, GaveUp):
                raise block
            yield block
            self._call(self._taken, len(block))

    def _call(self, work: Callable[[int], None], size: int) -> None:
        try:
            self._loop.call_soon_threadsafe(work, size)
        except RuntimeError as exc:  # the loop is gone, and with it whoever waited
            raise GaveUp from exc

    def _taken(self, size: int) -> None:
        self._waiting_bytes -= size
        self._room.set()


class FromThread:
    """Blocks from the thread to the loop; the thread waits while a few are not yet taken."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._blocks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._room = threading.Semaphore(_BLOCKS_AHEAD)
        self._gave_up = False

    def put(self, block: bytes) -> None:
        """In the thread: hand one block over.  Raises GaveUp."""
        self._room.acquire()
        if self._gave_up:
            raise GaveUp
        try:
            self._loop.call_soon_threadsafe(self._blocks.put_nowait, block)
        except RuntimeError as exc:
            raise GaveUp from exc

    def over(self) -> None:
        """On the loop: the thread has ended, no more will come."""
        self._blocks.put_nowait(None)

    async def get(self) -> bytes | None:
        """The next block, None at the end."""
        block = await self._blocks.get()
        self._room.release()
        return block

    def give_up(self) -> None:
        """The thread's `put` raises GaveUp."""
        self._gave_up = True
        self._room.release()
