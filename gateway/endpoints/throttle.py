"""Keeps the transfers of an endpoint within its bytes a second."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from gateway.endpoints.base import Endpoint, Laid
from gateway.endpoints.budget import Budget
from gateway.endpoints.wrap import Wrapped, close_iterator


class Throttled(Wrapped):
    """Both directions go on one account.  What is sent is paid for first, what is received before the next is taken.

    No call of the inner endpoint is under way while a block waits for its turn: its deadlines don't count the wait.
    """

    def __init__(self, inner: Endpoint, budget: Budget) -> None:
        super().__init__(inner)
        self._budget = budget

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """As fast as the budget allows."""
        blocks = self._inner.read(path, offset)
        try:
            async for block in blocks:
                left = len(block)
                while left:
                    left -= await self._budget.take(left)
                yield block
        finally:
            await close_iterator(blocks)

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        """As fast as the budget allows."""
        async with aclosing(self._paid(blocks)) as paid:
            return await self._inner.write(path, paid, offset=offset, sync=sync)

    async def lay(self, path: str, blocks: AsyncIterator[bytes], *, mtime_ns: int | None = None) -> Laid:
        """As fast as the budget allows."""
        async with aclosing(self._paid(blocks)) as paid:
            return await self._inner.lay(path, paid, mtime_ns=mtime_ns)

    async def append(self, path: str, blocks: AsyncIterator[bytes]) -> int:
        """As fast as the budget allows."""
        async with aclosing(self._paid(blocks)) as paid:
            return await self._inner.append(path, paid)

    async def _paid(self, blocks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        """`blocks`, cut into what may go at once."""
        async for block in blocks:
            at = 0
            while at < len(block):
                some = await self._budget.take(len(block) - at)
                yield block if some == len(block) else block[at : at + some]
                at += some
