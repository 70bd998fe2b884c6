"""Waiting that ends: work that a cancel must not cut, clean-up of bounded length, files that make no progress."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, LinkLost
from gateway.core.patience import watched_by

T = TypeVar("T")
CLEANUP_SECONDS = 5.0


async def to_the_end(work: Awaitable[T]) -> T:
    """Await `work` whatever happens; a cancel meanwhile is raised after its end."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as exc:
            cancelled = exc
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # seen, so that asyncio does not complain of it
        raise cancelled
    return task.result()


async def answered(future: "asyncio.Future[T]") -> T:
    """`to_the_end` for what goes on by itself: it needs no task of its own, and most files have three of these."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if not future.cancelled():
            await to_the_end(asyncio.wait({future}))
            if not future.cancelled():
                future.exception()  # seen, so that asyncio does not complain of it
        raise


def result_of(future: "asyncio.Future[T]") -> T | None:
    """What a future has come to; None if it came to nothing."""
    return future.result() if future.done() and not future.cancelled() and future.exception() is None else None


async def cleaned(work: Coroutine[Any, Any, None]) -> bool:
    """Clean-up after an error: bounded, to the end, best effort; the first error is the one worth reporting.

    True if it is done.
    """

    async def bounded() -> bool:
        try:
            async with asyncio.timeout(CLEANUP_SECONDS):
                await work
        except (GatewayError, TimeoutError):
            return False
        return True

    return await to_the_end(bounded())


class Progress:
    """When a file last made progress."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at = clock.monotonic()
        self._waits = 0

    def made(self) -> None:
        """Bytes moved."""
        self._at = self._clock.monotonic()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """A wait that is wanted: it is no lack of progress, however long."""
        self._waits += 1
        try:
            yield
        finally:
            self._waits -= 1
            self.made()

    @property
    def still_s(self) -> float:
        """For how long there has been none."""
        return 0.0 if self._waits else self._clock.monotonic() - self._at


@dataclass(eq=False, slots=True)
class _Watched:
    """One body, the longest time that it may stand still, and what ends it."""

    progress: Progress
    limit_s: float
    scope: asyncio.Timeout


class _Watch:
    """Looks after all bodies on one clock with one task: a task for each would cost more than a small file's bytes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._bodies: set[_Watched] = set()
        self._task: asyncio.Task[None] | None = None
        self._looks_at = 0.0

    def begin(self, watched: _Watched) -> None:
        """Look after it."""
        self._bodies.add(watched)
        if self._task is None or self._clock.monotonic() + watched.limit_s < self._looks_at:
            self._start()

    def end(self, watched: _Watched) -> None:
        """It has ended."""
        self._bodies.discard(watched)
        if not self._bodies and self._task is not None:
            self._task.cancel()
            self._task = None

    def _start(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        """Until nothing is left to look after."""
        while self._bodies:
            left_s = min(map(self._left_s, self._bodies))
            self._looks_at = self._clock.monotonic() + left_s
            await self._clock.sleep(left_s)

    def _left_s(self, watched: _Watched) -> float:
        """How long it may still go on; one whose time is over is ended."""
        left_s = watched.limit_s - watched.progress.still_s
        if left_s > 0:
            return left_s
        if not watched.scope.expired():
            watched.scope.reschedule(asyncio.get_running_loop().time())
        return watched.limit_s


_WATCHES: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Clock, _Watch]]" = WeakKeyDictionary()


def _watch_of(clock: Clock) -> _Watch:
    """The one of this event loop and clock."""
    watches = _WATCHES.setdefault(asyncio.get_running_loop(), {})
    return watches.get(clock) or watches.setdefault(clock, _Watch(clock))


@contextlib.asynccontextmanager
async def progressing(clock: Clock, limit: timedelta, what: str) -> AsyncIterator[Progress]:
    """End the body with LinkLost once it has made no progress for `limit`, by `clock`."""
    progress = Progress(clock)
    seconds = limit.total_seconds()
    watch = _watch_of(clock)
    try:
        async with asyncio.timeout(None) as scope:
            watched = _Watched(progress, seconds, scope)
            watch.begin(watched)
            try:
                with watched_by(progress.waiting):
                    yield progress
            finally:
                watch.end(watched)
    except TimeoutError as exc:
        if not scope.expired():
            raise
        raise LinkLost(f"{what}: no progress for {seconds:g} s; check the peer, or raise @timeout") from exc
