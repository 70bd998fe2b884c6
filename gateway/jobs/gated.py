"""A session on which nothing takes its final name yet: all bytes go there, and are proved."""

from collections.abc import AsyncIterator, Sequence

from gateway.core.errors import GatewayError
from gateway.core.model import Entry
from gateway.endpoints.base import BulkTarget, Laid, Small
from gateway.endpoints.wrap import Wrapped
from gateway.jobs.place_tree import ARCHIVE
from gateway.runner.order import NotMyTurn


class NotReleased(NotMyTurn):
    """The bytes are there; the name is given once the job's run says so."""


class Gated(Wrapped):
    """Refuses to rename; a delivery that comes to it stays as it is, in the ledger and at the peer."""

    async def lay(self, path: str, blocks: AsyncIterator[bytes], *, mtime_ns: int | None = None) -> Laid:
        """Forwarded."""
        return await self._inner.lay(path, blocks, mtime_ns=mtime_ns)

    async def mkdir(self, path: str) -> None:
        """Refused in the archive: nothing is moved there before its name may be given to another."""
        if ARCHIVE in path.split("/"):
            raise NotReleased(f"{path}: all bytes are there; what they replace is moved when they get their names")
        await self._inner.mkdir(path)

    async def rename(self, source: str, target: str) -> None:  # noqa: ARG002
        """Refused."""
        raise NotReleased(f"{target}: all bytes are there; its name is given with those of the others")

    async def rename_noreplace(self, source: str, target: str) -> None:
        """Refused."""
        await self.rename(source, target)


class GatedBulk:
    """The same for many files at once."""

    def __init__(self, inner: BulkTarget) -> None:
        self._inner = inner

    async def stat_all(self, paths: Sequence[str]) -> list[Entry | GatewayError]:
        """Forwarded."""
        return await self._inner.stat_all(paths)

    async def lay_all(self, files: Sequence[Small]) -> list[Laid | GatewayError]:
        """Forwarded."""
        return await self._inner.lay_all(files)

    async def rename_all(self, names: Sequence[tuple[str, str]]) -> list[GatewayError | None]:
        """Refused, each."""
        return [NotReleased(f"{target}: all bytes are there; its name is given later") for _, target in names]
