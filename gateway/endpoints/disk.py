"""A bounded set of threads for the blocking calls on this machine's disks."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

_THREADS = 8
_TOGETHER = 16
"""Short calls that one thread does in a row: handing each over costs more than most of them."""


class _Call:
    """One blocking call and what came of it."""

    __slots__ = ("error", "future", "result", "unwanted", "work")

    def __init__(
        self, work: Callable[[], Any], future: "asyncio.Future[Any]", unwanted: Callable[[Any], None] | None
    ) -> None:
        self.unwanted = unwanted
        self.work = work
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None

    def do(self) -> None:
        """In a thread."""
        try:
            self.result = self.work()
        except BaseException as exc:  # whatever it is belongs to whoever waits
            self.error = exc

    def tell(self) -> None:
        """On the loop."""
        if self.future.done():
            if self.unwanted is not None and self.error is None:
                self.unwanted(self.result)
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class Disk:
    """Threads of its own: a hung file system holds these up and nothing else."""

    def __init__(self, threads: int = _THREADS) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="disk")
        self._asked: dict[tuple[str, float], list[_Call]] = {}

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def start(self, work: Callable[[], T]) -> "Future[T]":
        """The same, begun at once; cancelling whoever waits for it changes nothing."""
        return self._threads.submit(work)

    def run_quick(
        self, work: Callable[[], T], folder: str, timeout_s: float, unwanted: Callable[[T], None] | None = None
    ) -> "asyncio.Future[T]":
        """The same for a short call on something in `folder`; TimeoutError after `timeout_s`.

        `unwanted` is told what the call returned when nobody waits for it any more.  Calls of one turn of the event
        loop on one folder share a thread: where one hangs the others would, too.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if not self._asked:
            loop.call_soon(self._hand_over, loop)
        self._asked.setdefault((folder, timeout_s), []).append(_Call(work, future, unwanted))
        return future

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        asked, self._asked = self._asked, {}
        for (_, timeout_s), calls in asked.items():
            for start in range(0, len(calls), _TOGETHER):
                self._submit(_Batch(calls[start : start + _TOGETHER], loop, timeout_s))

    def _submit(self, batch: "_Batch") -> None:
        try:
            self._threads.submit(batch.do).add_done_callback(batch.dropped)
        except RuntimeError as exc:  # closed meanwhile
            batch.fail(exc)

    def close(self) -> None:
        """Let the threads end; what hangs is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class _Batch:
    """Calls that one thread does in a row, and their deadline."""

    def __init__(self, calls: list[_Call], loop: asyncio.AbstractEventLoop, timeout_s: float) -> None:
        self._calls = calls
        self._loop = loop
        self._timer = loop.call_later(timeout_s, self.fail, TimeoutError())

    def do(self) -> None:
        """In the thread."""
        for call in self._calls:
            call.do()
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._timer.cancel()
        for call in self._calls:
            call.tell()

    def fail(self, error: Exception) -> None:
        """On the loop: nobody waits any longer."""
        self._timer.cancel()
        for call in self._calls:
            if not call.future.done():
                call.future.set_exception(error)

    def dropped(self, done: "Future[None]") -> None:
        """Calls that were still waiting for a thread at the close."""
        if done.cancelled() and not self._loop.is_closed():
            for call in self._calls:
                self._loop.call_soon_threadsafe(call.future.cancel)


def sync_folder(path: str) -> None:
    """Have the names in the folder `path` on disk.  Blocking."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
