"""A session that outlives its link, as far as that is safe."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import tenacity

from gateway.core.clock import Clock
from gateway.core.errors import LinkLost
from gateway.core.model import Entry
from gateway.endpoints.base import BulkTarget, Laid
from gateway.endpoints.session import Session
from gateway.endpoints.wrap import Wrapped, close_iterator

T = TypeVar("T")


class Steady(Wrapped):
    """Repeats once, on a new session, what may be done twice: stat, the start of a scan, a checksum, a time, a mode.

    A transfer is retried by settling it (DESIGN §4); a rename never.  But one that comes when the session is over
    already was sent nowhere: a new session takes it.  Files wait for their turn to rename while others lose the link.
    """

    _inner: Session

    def __init__(self, inner: Session, reopen: Callable[[Session], Awaitable[Session]], clock: Clock) -> None:
        super().__init__(inner)
        self._reopen = reopen
        self._clock = clock

    @property
    def usable(self) -> bool:
        """False while the session that is asked here is over, whoever has another one by now."""
        return self._inner.usable

    @property
    def bulk_target(self) -> BulkTarget | None:
        """Forwarded, once: a file that fails is tried again by itself."""
        return self._inner.bulk_target

    async def lay(self, path: str, blocks: AsyncIterator[bytes], *, mtime_ns: int | None = None) -> Laid:
        """Forwarded, once: blocks can't be had again."""
        return await self._inner.lay(path, blocks, mtime_ns=mtime_ns)

    async def stat(self, path: str) -> Entry:
        """Repeated."""
        return await self._again(lambda: self._inner.stat(path))

    async def remote_hash(self, path: str, algorithm: str, *, first_bytes: int | None = None) -> str | None:
        """Repeated."""
        return await self._again(lambda: self._inner.remote_hash(path, algorithm, first_bytes=first_bytes))

    async def set_mtime(self, path: str, mtime_ns: int) -> bool:
        """Repeated: a firewall may have ended the control line of FTP while the bytes went."""
        return await self._again(lambda: self._inner.set_mtime(path, mtime_ns))

    async def let_run(self, path: str, *, allowed: bool = True) -> bool:
        """Repeated."""
        return await self._again(lambda: self._inner.let_run(path, allowed=allowed))

    async def rename(self, source: str, target: str) -> None:
        """Sent once, on a session that lives."""
        await self.ready()
        await self._inner.rename(source, target)

    async def rename_noreplace(self, source: str, target: str) -> None:
        """Sent once, on a session that lives."""
        await self.ready()
        await self._inner.rename_noreplace(source, target)

    async def ready(self) -> None:
        """A new session takes the place of one that is over."""
        if not self.usable:
            self._inner = await self._reopen(self._inner)

    async def scan(self, folder: str) -> AsyncIterator[Entry]:
        """Repeated until the first name came."""

        async def start() -> tuple[Entry | None, AsyncIterator[Entry]]:
            listing = self._inner.scan(folder)
            return await anext(listing, None), listing

        first, listing = await self._again(start)
        try:
            if first is not None:
                yield first
                async for entry in listing:
                    yield entry
        finally:
            await close_iterator(listing)

    async def _again(self, work: Callable[[], Awaitable[T]]) -> T:
        """Plainly at first: what counts attempts costs more than most calls, and is hardly ever needed."""
        try:
            return await work()
        except LinkLost as exc:
            return await self._repeat(work, exc)

    async def _repeat(self, work: Callable[[], Awaitable[T]], lost: LinkLost) -> T:
        attempts = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(2),
            wait=tenacity.wait_none(),
            retry=tenacity.retry_if_exception_type(LinkLost),
            sleep=self._clock.sleep,
            before_sleep=self._replace,
            reraise=True,
        )
        failed = [lost]  # the plain call was the first attempt

        async def attempt() -> T:
            if failed:
                raise failed.pop()
            return await work()

        return await attempts(attempt)

    async def _replace(self, _: tenacity.RetryCallState) -> None:
        self._inner = await self._reopen(self._inner)
