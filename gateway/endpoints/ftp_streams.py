"""The bounded streams between the thread of an FTP session and the event loop."""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator

_BLOCKS_AHEAD = 4


class GaveUp(Exception):
    """The other side of a stream has given up."""


class ToThread:
    """Blocks from the loop to the thread; at most a few wait in between."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._blocks: queue.SimpleQueue[bytes | GaveUp | None] = queue.SimpleQueue()
        self._room = asyncio.Semaphore(_BLOCKS_AHEAD)
        self._over = False

    async def put(self, block: bytes) -> bool:
        """Hand one block over; False if the thread takes no more."""
        await self._room.acquire()
        if not self._over:
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
        self._room.release()

    def blocks(self) -> Iterator[bytes]:
        """In the thread: each block as it comes."""
        while (block := self._blocks.get()) is not None:
            if isinstance(block, GaveUp):
                raise block
            yield block
            self._call(self._room.release)

    def _call(self, work: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(work)
        except RuntimeError as exc:  # the loop is gone, and with it whoever waited
            raise GaveUp from exc


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
