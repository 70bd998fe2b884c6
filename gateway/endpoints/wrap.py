"""Behaviour added to every session by wrapping it: `Wrapped` forwards, `Logged` tells."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from types import TracebackType
from typing import Self, TypeVar

import structlog

from gateway.core.clock import Clock
from gateway.core.errors import GatewayError
from gateway.core.model import Entry
from gateway.endpoints.base import BulkSource, BulkTarget, Endpoint, Features, Laid, Ran

T = TypeVar("T")
log = structlog.get_logger(__name__)


async def close_iterator(iterator: AsyncIterator[T]) -> None:
    """End a stream early: an async generator's clean-up runs now, not when it is collected."""
    if isinstance(iterator, AsyncGenerator):
        await iterator.aclose()


class Wrapped:
    """Forwards every method; a wrapper overrides what it changes."""

    def __init__(self, inner: Endpoint) -> None:
        self._inner = inner

    @property
    def features(self) -> Features:
        """The inner one's."""
        return self._inner.features

    @property
    def bulk_source(self) -> BulkSource | None:
        """None, so that a wrapper that changes a call need not know of this."""
        return None

    @property
    def bulk_target(self) -> BulkTarget | None:
        """None, for the same reason."""
        return None

    def scan(self, folder: str) -> AsyncIterator[Entry]:
        """Forwarded."""
        return self._inner.scan(folder)

    async def stat(self, path: str) -> Entry:
        """Forwarded."""
        return await self._inner.stat(path)

    def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """Forwarded."""
        return self._inner.read(path, offset)

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        """Forwarded."""
        return await self._inner.write(path, blocks, offset=offset, sync=sync)

    async def lay(self, path: str, blocks: AsyncIterator[bytes], *, mtime_ns: int | None = None) -> Laid:  # noqa: ARG002
        """Through `write`, so that a wrapper that changes it need not know of this; the rest is asked for by itself."""
        return Laid(await self.write(path, blocks))

    async def append(self, path: str, blocks: AsyncIterator[bytes]) -> int:
        """Forwarded."""
        return await self._inner.append(path, blocks)

    async def ready(self) -> None:
        """Forwarded."""
        await self._inner.ready()

    async def rename(self, source: str, target: str) -> None:
        """Forwarded, once: after a lost answer a second try says NotThere for a success."""
        await self._inner.rename(source, target)

    async def rename_noreplace(self, source: str, target: str) -> None:
        """Forwarded, once."""
        await self._inner.rename_noreplace(source, target)

    async def remove(self, path: str) -> None:
        """Forwarded."""
        await self._inner.remove(path)

    async def mkdir(self, path: str) -> None:
        """Forwarded."""
        await self._inner.mkdir(path)

    async def rmdir(self, path: str) -> None:
        """Forwarded."""
        await self._inner.rmdir(path)

    async def set_mtime(self, path: str, mtime_ns: int) -> bool:
        """Forwarded."""
        return await self._inner.set_mtime(path, mtime_ns)

    async def let_run(self, path: str, *, allowed: bool = True) -> bool:
        """Forwarded."""
        return await self._inner.let_run(path, allowed=allowed)

    async def remote_hash(self, path: str, algorithm: str, *, first_bytes: int | None = None) -> str | None:
        """Forwarded."""
        return await self._inner.remote_hash(path, algorithm, first_bytes=first_bytes)

    async def execute(self, command: str, *, timeout_s: float) -> Ran:
        """Forwarded."""
        return await self._inner.execute(command, timeout_s=timeout_s)

    async def raw(self, line: str) -> str:
        """Forwarded."""
        return await self._inner.raw(line)

    async def close(self) -> None:
        """Forwarded."""
        await self._inner.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class Logged(Wrapped):
    """Tells what changed at the peer, for whoever follows one delivery at debug level."""

    def __init__(self, inner: Endpoint, endpoint: str, clock: Clock) -> None:
        super().__init__(inner)
        self._log = log.bind(endpoint=endpoint)
        self._clock = clock

    async def _told(self, sentence: str, work: Awaitable[T], **fields: str) -> T:
        started = self._clock.monotonic()
        try:
            answer = await work
        except GatewayError as exc:
            self._log.debug(f"{sentence} failed", error=str(exc), error_class=type(exc).__name__, **fields)
            raise
        took_s = round(self._clock.monotonic() - started, 4)
        self._log.debug(sentence, took_s=took_s, **_size(answer), **fields)
        return answer

    @property
    def bulk_target(self) -> BulkTarget | None:
        """Not told call by call: each file's delivery is."""
        return self._inner.bulk_target

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        """Told with its bytes."""
        return await self._told("written", self._inner.write(path, blocks, offset=offset, sync=sync), path=path)

    async def lay(self, path: str, blocks: AsyncIterator[bytes], *, mtime_ns: int | None = None) -> Laid:
        """Told with its bytes."""
        return await self._told("written", self._inner.lay(path, blocks, mtime_ns=mtime_ns), path=path)

    async def append(self, path: str, blocks: AsyncIterator[bytes]) -> int:
        """Told with its bytes."""
        return await self._told("appended", self._inner.append(path, blocks), path=path)

    async def rename(self, source: str, target: str) -> None:
        """Told."""
        await self._told("renamed", self._inner.rename(source, target), path=source, target=target)

    async def rename_noreplace(self, source: str, target: str) -> None:
        """Told."""
        await self._told("renamed", self._inner.rename_noreplace(source, target), path=source, target=target)

    async def remove(self, path: str) -> None:
        """Told."""
        await self._told("removed", self._inner.remove(path), path=path)

    async def mkdir(self, path: str) -> None:
        """Told."""
        await self._told("folder made", self._inner.mkdir(path), path=path)

    async def rmdir(self, path: str) -> None:
        """Told."""
        await self._told("folder removed", self._inner.rmdir(path), path=path)

    async def execute(self, command: str, *, timeout_s: float) -> Ran:
        """Told, without what it printed."""
        return await self._told("command run", self._inner.execute(command, timeout_s=timeout_s), command=command)


def _size(answer: object) -> dict[str, int]:
    """The bytes that an answer tells, if it tells any."""
    if isinstance(answer, Laid):
        return {"bytes": answer.size_bytes}
    return {"bytes": answer} if isinstance(answer, int) and not isinstance(answer, bool) else {}
