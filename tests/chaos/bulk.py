"""Bulk abilities made of an endpoint's plain calls, one after the other: what those suffer happens to each file."""

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from hashlib import new
from typing import TypeVar

from gateway.core.errors import AlreadyThere, GatewayError, NotThere, SourceChanged
from gateway.core.model import Entry
from gateway.endpoints.base import Claim, Endpoint, Laid, Small, Whole

T = TypeVar("T")


class OneByOne:
    """Both ends' bulk calls over one endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def read_all(
        self, paths: Sequence[str], *, most_bytes: int, algorithms: frozenset[str]
    ) -> list[Whole | GatewayError]:
        return [await answer(self._read(path, most_bytes, algorithms)) for path in paths]

    async def _read(self, path: str, most_bytes: int, algorithms: frozenset[str]) -> Whole:
        opened = (await self.endpoint.stat(path)).stamp
        data = b"".join([block async for block in self.endpoint.read(path)])
        assert len(data) <= most_bytes
        after = (await self.endpoint.stat(path)).stamp
        return Whole(data, opened, after, {name: new(name, data).hexdigest() for name in algorithms})

    async def collect_all(self, claims: Sequence[Claim]) -> list[GatewayError | None]:
        return [await answer(self._collect(claim)) for claim in claims]

    async def _collect(self, claim: Claim) -> None:
        here = self.endpoint
        try:
            await here.stat(claim.claim)
        except NotThere:
            await self._require_same(claim.path, claim)
            await here.rename(claim.path, claim.claim)
            await self._require_same(claim.claim, claim)
            await (here.remove(claim.claim) if claim.kept is None else here.rename(claim.claim, claim.kept))
            return
        raise AlreadyThere(f"{claim.claim}: claimed")

    async def _require_same(self, path: str, claim: Claim) -> None:
        if not (await self.endpoint.stat(path)).stamp.same_version(claim.stamp):
            raise SourceChanged(f"{path}: replaced")

    async def stat_all(self, paths: Sequence[str]) -> list[Entry | GatewayError]:
        return [await answer(self.endpoint.stat(path)) for path in paths]

    async def lay_all(self, files: Sequence[Small]) -> list[Laid | GatewayError]:
        return [await answer(self._lay(file)) for file in files]

    async def _lay(self, file: Small) -> Laid:
        written = await self.endpoint.write(file.path, blocks_of(file.data))
        taken = None if file.mtime_ns is None else await self.endpoint.set_mtime(file.path, file.mtime_ns)
        seen = await self.endpoint.stat(file.path)
        return replace(Laid(written, taken), seen=seen)

    async def rename_all(self, names: Sequence[tuple[str, str]]) -> list[GatewayError | None]:
        return [await answer(self.endpoint.rename(old, new)) for old, new in names]


async def blocks_of(data: bytes):  # type: ignore[no-untyped-def]
    yield data


async def answer(call: Awaitable[T]) -> T | GatewayError:
    """What the contract of bulk calls says: an error is an answer."""
    try:
        return await call
    except GatewayError as exc:
        return exc
