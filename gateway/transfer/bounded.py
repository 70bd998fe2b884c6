"""Waiting that ends: work that a cancel must not cut, clean-up of bounded length, files that make no progress."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterator
from datetime import timedelta
from typing import Any, TypeVar

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


@contextlib.asynccontextmanager
async def progressing(clock: Clock, limit: timedelta, what: str) -> AsyncIterator[Progress]:
    """End the body with LinkLost once it has made no progress for `limit`, by `clock`."""
    progress = Progress(clock)
    seconds = limit.total_seconds()

    async def watch() -> None:
        while (left := seconds - progress.still_s) > 0:
            await clock.sleep(left)
        scope.reschedule(asyncio.get_running_loop().time())

    try:
        async with asyncio.timeout(None) as scope:
            watcher = asyncio.ensure_future(watch())
            try:
                with watched_by(progress.waiting):
                    yield progress
            finally:
                watcher.cancel()
    except TimeoutError as exc:
        if not scope.expired():
            raise
        raise LinkLost(f"{what}: no progress for {seconds:g} s; check the peer, or raise @timeout") from exc
