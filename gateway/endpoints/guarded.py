"""Tells an endpoint's circuit how the calls of its sessions end."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from gateway.core.errors import GatewayError
from gateway.core.model import Entry
from gateway.endpoints.base import Endpoint, Laid, Ran
from gateway.endpoints.breaker import Breaker
from gateway.endpoints.guarded_bulk import GuardedBulk
from gateway.endpoints.wrap import Wrapped, close_iterator

T = TypeVar("T")


class Guarded(Wrapped):
    """Errors pass unchanged; those about the whole endpoint are counted, and so is each file that was carried.

    What fails on a session that is lost already, as cleaning up does, is not counted again.
    """

    def __init__(self, inner: Endpoint, breaker: Breaker, usable: Callable[[], bool]) -> None:
        super().__init__(inner)
        self._breaker = breaker
        self._usable = usable

    def _seen(self) -> int:
        """What a call that begins now knows of; nothing if it can only fail."""
        return self._breaker.seen if self._usable() else -1

    async def _asked(self, call: Awaitable[T]) -> T:
        seen = self._seen()
        try:
            answer = await call
        except GatewayError as exc:
            await self._breaker.call_failed(exc, seen)
            raise
        await self._breaker.answered()
        return answer

    async def _sent(self, blocks: AsyncIterator[bytes], send: Callable[[AsyncIterator[bytes]], Awaitable[T]]) -> T:
        seen, given = self._seen(), _Given(blocks)
        async with aclosing(given.blocks()) as passed:
            try:
                sent = await send(passed)
            except GatewayError as exc:
                if exc is not given.error:
                    await self._breaker.call_failed(exc, seen)
                raise
        await self._breaker.carried()
        return sent

    async def _received(self, items: AsyncIterator[T], at_end: Callable[[], Awaitable[None]]) -> AsyncIterator[T]:
        seen = self._seen()
        try:
            async for item in items:
                yield item
        except GatewayError as exc:
            await self._breaker.call_failed(exc, seen)
            raise
        finally:
            await close_iterator(items)
        await at_end()

    @property
    def bulk_target(self) -> GuardedBulk | None:
        """Counted."""
        inner = self._inner.bulk_target
        return None if inner is None else GuardedBulk(inner, self._breaker, self._seen)

    def scan(self, folder: str) -> AsyncIterator[Entry]:
        """Counted."""
        return self._received(self._inner.scan(folder), self._breaker.answered)

    def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """Counted; carried once its end was reached."""
        return self._received(self._inner.read(path, offset), self._breaker.carried)

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        """Counted, unless the source of the blocks failed."""
        return await self._sent(blocks, lambda given: self._inner.write(path, given, offset=offset, sync=sync))

    async def lay(self, path: str, blocks: AsyncIterator[bytes], *, mtime_ns: int | None = None) -> Laid:
        """As `write`."""
        return await self._sent(blocks, lambda given: self._inner.lay(path, given, mtime_ns=mtime_ns))

    async def append(self, path: str, blocks: AsyncIterator[bytes]) -> int:
        """Counted, unless the source of the blocks failed."""
        return await self._sent(blocks, lambda given: self._inner.append(path, given))

    async def stat(self, path: str) -> Entry:
        """Counted."""
        return await self._asked(self._inner.stat(path))

    async def rename(self, source: str, target: str) -> None:
        """Counted."""
        await self._asked(self._inner.rename(source, target))

    async def rename_noreplace(self, source: str, target: str) -> None:
        """Counted."""
        await self._asked(self._inner.rename_noreplace(source, target))

    async def remove(self, path: str) -> None:
        """Counted."""
        await self._asked(self._inner.remove(path))

    async def mkdir(self, path: str) -> None:
        """Counted."""
        await self._asked(self._inner.mkdir(path))

    async def rmdir(self, path: str) -> None:
        """Counted."""
        await self._asked(self._inner.rmdir(path))

    async def set_mtime(self, path: str, mtime_ns: int) -> bool:
        """Counted."""
        return await self._asked(self._inner.set_mtime(path, mtime_ns))

    async def let_run(self, path: str, *, allowed: bool = True) -> bool:
        """Counted."""
        return await self._asked(self._inner.let_run(path, allowed=allowed))

    async def remote_hash(self, path: str, algorithm: str, *, first_bytes: int | None = None) -> str | None:
        """Counted."""
        return await self._asked(self._inner.remote_hash(path, algorithm, first_bytes=first_bytes))

    async def execute(self, command: str, *, timeout_s: float) -> Ran:
        """Counted."""
        return await self._asked(self._inner.execute(command, timeout_s=timeout_s))

    async def raw(self, line: str) -> str:
        """Counted."""
        return await self._asked(self._inner.raw(line))


class _Given:
    """Blocks to send, and the error that their source ended with."""

    def __init__(self, blocks: AsyncIterator[bytes]) -> None:
        self._blocks = blocks
        self.error: GatewayError | None = None

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        try:
            async for block in self._blocks:
                yield block
        except GatewayError as exc:
            self.error = exc
            raise
