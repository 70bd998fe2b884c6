"""Waiting that ends: work that a cancel must not cut, clean-up of bounded length, files that make no progress."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, LinkLost

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
        self.at = clock.monotonic()

    def made(self) -> None:
        """Bytes moved."""
        self.at = self._clock.monotonic()


@contextlib.asynccontextmanager
async def progressing(clock: Clock, limit: timedelta, what: str) -> AsyncIterator[Progress]:
    """End the body with LinkLost once it has made no progress for `limit`, by `clock`."""
    progress = Progress(clock)
    seconds = limit.total_seconds()

    async def watch() -> None:
        while (left := progress.at + seconds - clock.monotonic()) > 0:
            await clock.sleep(left)
        scope.reschedule(asyncio.get_running_loop().time())

    try:
        async with asyncio.timeout(None) as scope:
            watcher = asyncio.ensure_future(watch())
            try:
                yield progress
            finally:
                watcher.cancel()
    except TimeoutError as exc:
        if not scope.expired():
            raise
        raise LinkLost(f"{what}: no progress for {seconds:g} s; check the peer, or raise @timeout") from exc
