"""A bounded set of threads for the blocking calls on one file system of this machine."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import get_ident
from time import monotonic
from typing import Any, TypeVar

from gateway.core.errors import Retryable

T = TypeVar("T")

THREADS = 8
HANGS_S = 300.0
"""A call that did not come back for so long hangs: nobody waits longer for one."""
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
    """Threads of its own: a hung file system, mounted at `point`, holds these up and nothing else.

    Each method raises Retryable while all of them hang.
    """

    def __init__(self, threads: int = THREADS, point: str = "/") -> None:
        self._point = point
        self._count = threads
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="disk")
        self._begun_s: dict[int, float] = {}
        self._asked: dict[tuple[str, float], list[_Call]] = {}

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises."""
        return await asyncio.wrap_future(self.start(work))

    def start(self, work: Callable[[], T]) -> "Future[T]":
        """The same, begun at once; cancelling whoever waits for it changes nothing."""
        self._require_one()
        return self._threads.submit(self._do, work)

    def _require_one(self) -> None:
        """More calls would only wait behind those that hang."""
        if len(self._begun_s) < self._count:
            return
        begun_s = list(self._begun_s.values())
        if len(begun_s) == self._count and monotonic() - max(begun_s) >= HANGS_S:
            raise Retryable(
                f"what is mounted at {self._point} doesn't answer: {self._count} calls to it hang for "
                f"{monotonic() - max(begun_s):.0f} s or longer; check that disk, or the server that it is mounted from"
            )

    def _do(self, work: Callable[[], T]) -> T:
        """In a thread."""
        thread = get_ident()
        self._begun_s[thread] = monotonic()
        try:
            return work()
        finally:
            del self._begun_s[thread]

    def run_quick(
        self, work: Callable[[], T], folder: str, timeout_s: float, unwanted: Callable[[T], None] | None = None
    ) -> "asyncio.Future[T]":
        """The same for a short call on something in `folder`; TimeoutError after `timeout_s`.

        `unwanted` is told what the call returned when nobody waits for it any more.  Calls of one turn of the event
        loop on one folder share a thread: where one hangs the others would, too.
        """
        self._require_one()
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
            self._threads.submit(self._do, batch.do).add_done_callback(batch.dropped)
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


def remedy_of(path: str) -> str:
    """What to do about a disk that doesn't answer a call on `path`."""
    return f"check the disk of {os.path.dirname(path) or path}, or the server that it is mounted from"
