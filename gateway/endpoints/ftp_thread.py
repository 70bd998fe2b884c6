"""A thread of its own for each FTP session, and the bounded streams between it and the event loop.

Not the default executor: servers that hang would take all of its threads.
"""

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_BLOCKS_AHEAD = 4
_SMALL_BYTES = 64 * 1024  # smaller blocks are gathered before they cross


class OwnThread:
    """Does one thing after the other; what hangs is ended by shutting its socket down, not by waiting."""

    def __init__(self, name: str) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while (item := self._work.get()) is not None:
            work, answer = item
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                answer.set_result(work())
            except BaseException as exc:  # whatever it is belongs to whoever waits
                answer.set_exception(exc)
            del work, answer, item

    def start(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """What `work` will return or raise, to be awaited on the loop."""
        answer: Future[T] = Future()
        self._work.put((work, answer))
        return asyncio.wrap_future(answer)

    def end(self) -> None:
        """No more work after what is under way."""
        self._work.put(None)


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


async def gathered(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """`blocks`, small ones put together, so that crossing to the thread costs little."""
    held = bytearray()
    async for block in blocks:
        if not held and len(block) >= _SMALL_BYTES:
            yield block
            continue
        held += block
        if len(held) >= _SMALL_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
