"""Tells an endpoint's circuit how calls for many files end: a link that fails for all of them failed once."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from gateway.core.errors import GatewayError
from gateway.core.model import Entry
from gateway.endpoints.base import BulkTarget, Laid, Small
from gateway.endpoints.breaker import Breaker

T = TypeVar("T")


class GuardedBulk:
    """`seen` says what a call that begins now knows of the circuit."""

    def __init__(self, inner: BulkTarget, breaker: Breaker, seen: Callable[[], int]) -> None:
        self._inner = inner
        self._breaker = breaker
        self._seen = seen

    async def stat_all(self, paths: Sequence[str]) -> list[Entry | GatewayError]:
        """Counted."""
        return await self._told(self._inner.stat_all(paths), self._breaker.answered)

    async def lay_all(self, files: Sequence[Small]) -> list[Laid | GatewayError]:
        """Counted; carried if any was."""
        return await self._told(self._inner.lay_all(files), self._breaker.carried)

    async def rename_all(self, names: Sequence[tuple[str, str]]) -> list[GatewayError | None]:
        """Counted."""
        return await self._told(self._inner.rename_all(names), self._breaker.answered)

    async def _told(self, call: Awaitable[list[T]], worked: Callable[[], Awaitable[None]]) -> list[T]:
        seen = self._seen()
        answers = await call
        failed = next((one for one in answers if isinstance(one, GatewayError) and one.concerns_endpoint), None)
        if failed is not None:
            await self._breaker.call_failed(failed, seen)
        elif not all(isinstance(one, GatewayError) for one in answers):
            await worked()
        return answers
