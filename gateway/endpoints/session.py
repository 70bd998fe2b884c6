"""What all kinds of session share: deadlines, and plain answers to what a kind can't do."""

# ruff: noqa: ARG002  (signatures are given by the seam)

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Protocol, Self

from gateway.core.errors import LinkLost, NeedsOperator
from gateway.endpoints.base import BulkSource, BulkTarget, Endpoint, Laid, Ran


class Session(Endpoint, Protocol):
    """An endpoint as the pool holds it."""

    @property
    def usable(self) -> bool:
        """False once the session can't be trusted with another call: the link is gone, or a call was cut short."""
        ...

    @property
    def banner(self) -> str:
        """How the peer calls itself; empty if it doesn't."""
        ...

    @property
    def extensions(self) -> tuple[str, ...]:
        """What the peer announced beyond the plain protocol."""
        ...

    async def ping(self) -> None:
        """Return once the peer answered anything; raises as other calls do."""
        ...


_OF_PEERS = "is the peer overloaded, or a firewall silent?"


@asynccontextmanager
async def within(seconds: float, what: str, remedy: str = _OF_PEERS) -> AsyncIterator[None]:
    """Bound what is awaited inside.  Raises LinkLost that names `what`."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as exc:
        raise unanswered(what, seconds, remedy) from exc


def unanswered(what: str, seconds: float, remedy: str = _OF_PEERS) -> LinkLost:
    """Our error for what took too long."""
    return LinkLost(f"{what}: no answer within {seconds:g} s; {remedy}")


class Basic:
    """Answers for what a kind of endpoint doesn't know, and the `async with` of a session."""

    usable = True
    banner = ""
    extensions: tuple[str, ...] = ()
    bulk_source: BulkSource | None = None
    bulk_target: BulkTarget | None = None

    async def ping(self) -> None:
        """Nothing to ask."""

    async def ready(self) -> None:
        """Nothing to wait for: a session doesn't replace itself."""

    async def lay(self: Endpoint, path: str, blocks: AsyncIterator[bytes], *, mtime_ns: int | None = None) -> Laid:
        """Only the write: the rest is asked for by itself."""
        return Laid(await self.write(path, blocks))

    async def let_run(self, path: str, *, allowed: bool = True) -> bool:
        """False: this kind knows no such bit."""
        return False

    async def remote_hash(self, path: str, algorithm: str, *, first_bytes: int | None = None) -> str | None:
        """None: this kind computes none."""
        return None

    async def execute(self, command: str, *, timeout_s: float) -> Ran:
        """Refused: this kind runs no commands."""
        raise NeedsOperator(f"{command}: this kind of endpoint runs no commands; RSYSTEM needs an sftp:// endpoint")

    async def raw(self, line: str) -> str:
        """Refused: this kind knows no raw commands."""
        raise NeedsOperator(f"{line}: this kind of endpoint knows no raw commands; QUOTE and SITE need FTP")

    async def close(self) -> None:
        """Nothing to end."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
