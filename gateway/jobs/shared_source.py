"""The source of a job's run as all its destinations read it: each byte once for those that keep pace."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from gateway.core.errors import GatewayError
from gateway.endpoints.base import BulkSource, Claim, Endpoint, Whole
from gateway.endpoints.wrap import Wrapped
from gateway.jobs.content_cache import ContentCache
from gateway.jobs.reading import Reading, Window

_BLOCK_BYTES = 1024 * 1024
_KEPT_BYTES = 8 * 1024 * 1024
"""The largest file that is kept for those who come later: a larger one is read by each who is too late."""

_Answer = Whole | GatewayError


class SharedSource(Wrapped):
    """Reads through `inner`; `cache` holds what others are still to get, `bytes_read` counts what was really read.

    A destination that is far behind reads for itself.  Nobody waits for another one: only for the disk.
    """

    def __init__(self, inner: Endpoint, cache: ContentCache, window: Window | None = None) -> None:
        super().__init__(inner)
        self.cache = cache
        self.bytes_read = 0
        self._users = 0
        self._window = window or Window()
        self._readings: defaultdict[str, list[Reading]] = defaultdict(list)
        self._bulk = SharedBulk(inner.bulk_source, self) if inner.bulk_source is not None else None

    @property
    def bulk_source(self) -> BulkSource | None:
        """Small files, each batch read once."""
        return self._bulk

    @contextmanager
    def used(self) -> Iterator[None]:
        """For the block somebody reads, or waits for his turn to; what is kept goes with the last one."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                self.cache.clear()

    def read_more(self, size_bytes: int) -> None:
        """So much was really read."""
        self.bytes_read += size_bytes

    def counted(self) -> int:
        """The bytes that were read since the last call."""
        read, self.bytes_read = self.bytes_read, 0
        return read

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """As the contract says; from what was read for somebody else where that is at hand."""
        kept = self.cache.take(path)
        if kept is not None:
            for part in _blocks(kept.data, offset):
                yield part
            return
        reading = self._join(path, offset)
        try:
            while True:
                if offset < reading.begin:  # too far behind: what comes next was dropped
                    await self._leave(path, reading)
                    reading = self._join(path, offset)
                block = reading.block_at(offset)
                if block is not None:
                    yield block
                    offset += len(block)
                elif reading.over:
                    return
                else:
                    await reading.more()
        finally:
            await self._leave(path, reading)

    def _join(self, path: str, offset: int) -> Reading:
        """A pass that is near, else a new one."""
        found = next((one for one in self._readings[path] if one.covers(offset)), None)
        if found is None:
            found = Reading(self._inner.read(path, offset), offset, self._window, self.read_more)
            self._readings[path].append(found)
        found.followers += 1
        return found

    async def _leave(self, path: str, reading: Reading) -> None:
        reading.followers -= 1
        if reading.followers:
            return
        self._readings[path].remove(reading)
        if not self._readings[path]:
            del self._readings[path]
        try:
            await self._keep(path, reading)
        finally:
            await reading.close()

    async def _keep(self, path: str, reading: Reading) -> None:
        """For those who come to it later."""
        if not reading.over or reading.end > _KEPT_BYTES or not self.cache.fits(reading.end):
            return
        data = reading.whole()
        if data is None:
            return
        try:
            stamp = (await self._inner.stat(path)).stamp
        except GatewayError:
            return
        if stamp.size_bytes == len(data):
            self.cache.put(path, data, stamp, {})


def _blocks(data: bytes, offset: int) -> list[bytes]:
    if not offset and len(data) <= _BLOCK_BYTES:
        return [data] if data else []
    view = memoryview(data)
    return [bytes(view[at : at + _BLOCK_BYTES]) for at in range(offset, len(data), _BLOCK_BYTES)]


class SharedBulk:
    """Small files: who asks for what another one is reading waits for that."""

    def __init__(self, inner: BulkSource, shared: SharedSource) -> None:
        self._inner = inner
        self._shared = shared
        self._coming: dict[str, asyncio.Task[dict[str, _Answer]]] = {}
        self._algorithms: frozenset[str] = frozenset()

    async def read_all(
        self, paths: Sequence[str], *, most_bytes: int, algorithms: frozenset[str]
    ) -> list[Whole | GatewayError]:
        """As the contract says."""
        self._algorithms |= algorithms
        found: dict[str, _Answer] = {}
        for path in paths:
            kept = self._shared.cache.take(path)
            if kept is not None and len(kept.data) <= most_bytes:
                found[path] = kept
        coming = {path: self._coming[path] for path in paths if path not in found and path in self._coming}
        rest = [path for path in paths if path not in found and path not in coming]
        tasks = {*coming.values(), *([self._begin(rest, most_bytes)] if rest else [])}
        for task in tasks:
            read = await asyncio.shield(task)
            found.update({path: read[path] for path in paths if path in read and path not in found})
        for path in coming:
            self._shared.cache.take(path)
        for path, whole in (await _hashed(found, algorithms)).items():
            found[path] = whole
            self._shared.cache.learn(path, whole)
        return [found[path] for path in paths]

    async def collect_all(self, claims: Sequence[Claim]) -> list[GatewayError | None]:
        """Forwarded."""
        return await self._inner.collect_all(claims)

    def _begin(self, paths: Sequence[str], most_bytes: int) -> asyncio.Task[dict[str, _Answer]]:
        """It goes on whatever becomes of who asked first."""
        task = asyncio.ensure_future(self._read(paths, most_bytes))
        self._coming.update(dict.fromkeys(paths, task))
        task.add_done_callback(lambda _: self._came(paths))
        return task

    def _came(self, paths: Sequence[str]) -> None:
        for path in paths:
            self._coming.pop(path, None)

    async def _read(self, paths: Sequence[str], most_bytes: int) -> dict[str, _Answer]:
        answers = await self._inner.read_all(paths, most_bytes=most_bytes, algorithms=self._algorithms)
        for path, answer in zip(paths, answers, strict=True):
            if not isinstance(answer, Whole):
                continue
            self._shared.read_more(len(answer.data))
            if answer.opened == answer.after:
                self._shared.cache.put(path, answer.data, answer.opened, answer.digests)
                self._shared.cache.take(path)  # whoever asked has it
        return dict(zip(paths, answers, strict=True))


async def _hashed(found: Mapping[str, _Answer], algorithms: frozenset[str]) -> Mapping[str, Whole]:
    """Those of which somebody wants digests that nobody asked for before, with them."""
    lacking = {
        path: whole
        for path, whole in found.items()
        if isinstance(whole, Whole) and not algorithms <= whole.digests.keys()
    }
    if not lacking:
        return {}
    return await asyncio.to_thread(lambda: {path: _with(whole, algorithms) for path, whole in lacking.items()})


def _with(whole: Whole, algorithms: frozenset[str]) -> Whole:
    digests = {name: hashlib.new(name, whole.data).hexdigest() for name in algorithms - whole.digests.keys()}
    return replace(whole, digests={**whole.digests, **digests})
