"""A session on which nothing takes its final name yet: all bytes go there, and are proved."""

from collections.abc import AsyncIterator

from gateway.endpoints.base import Laid
from gateway.endpoints.wrap import Wrapped
from gateway.runner.order import NotMyTurn


class NotReleased(NotMyTurn):
    """The bytes are there; the name is given once the job's run says so."""


class Gated(Wrapped):
    """Refuses to rename; a delivery that comes to it stays as it is, in the ledger and at the peer."""

    async def lay(self, path: str, blocks: AsyncIterator[bytes], *, mtime_ns: int | None = None) -> Laid:
        """Forwarded."""
        return await self._inner.lay(path, blocks, mtime_ns=mtime_ns)

    async def rename(self, source: str, target: str) -> None:  # noqa: ARG002
        """Refused."""
        raise NotReleased(f"{target}: all bytes are there; its name is given with those of the others")

    async def rename_noreplace(self, source: str, target: str) -> None:
        """Refused."""
        await self.rename(source, target)
