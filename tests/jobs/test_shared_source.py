"""A source that many read: each byte once for those that keep pace, and nobody waits for anybody else."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence

import pytest

from gateway.core.errors import GatewayError, LinkLost
from gateway.core.model import Stamp
from gateway.endpoints.base import BulkSource, Claim, Whole
from gateway.endpoints.memory import MemoryEndpoint, MemoryStore
from gateway.jobs.content_cache import ContentCache
from gateway.jobs.reading import Window
from gateway.jobs.shared_source import SharedSource

MB = 1024 * 1024
BLOCK = 256 * 1024


class Counted(MemoryEndpoint):
    """Tells what was really read; small files come in batches, too."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.read_bytes = 0
        self.batches: list[list[str]] = []
        self.fails_at: int | None = None
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    @property
    def bulk_source(self) -> BulkSource:  # type: ignore[override]
        return self

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        at = offset
        async for block in super().read(path, offset):
            await self.goes_on.wait()
            if self.fails_at is not None and at >= self.fails_at:
                raise LinkLost(f"{path}: the disk has gone")
            self.read_bytes += len(block)
            at += len(block)
            yield block

    async def read_all(
        self, paths: Sequence[str], *, most_bytes: int, algorithms: frozenset[str]
    ) -> list[Whole | GatewayError]:
        await self.goes_on.wait()
        self.batches.append([*paths])
        return [self._whole(path, algorithms) for path in paths]

    def _whole(self, path: str, algorithms: frozenset[str]) -> Whole:
        data = bytes(self.store.file(path).data)
        stamp = self.store.entry(path, path).stamp
        return Whole(data, stamp, stamp, {name: hashlib.new(name, data).hexdigest() for name in algorithms})

    async def collect_all(self, claims: Sequence[Claim]) -> list[GatewayError | None]:
        return [None for _ in claims]


def source(size: int = 4 * MB, readers: int = 8) -> tuple[SharedSource, Counted, bytes]:
    store = MemoryStore()
    data = hashlib.sha256(b"x").digest() * (size // 32)
    store.put("/big", data)
    inner = Counted(store)
    return SharedSource(inner, ContentCache(readers), Window(MB, 2 * MB)), inner, data


async def read(shared: SharedSource, offset: int = 0, pause_each: int = 0) -> bytes:
    got = bytearray()
    async for block in shared.read("/big", offset):
        got += block
        for _ in range(pause_each):
            await asyncio.sleep(0)
    return bytes(got)


async def test_those_that_keep_pace_share_one_reading() -> None:
    shared, inner, data = source()
    got = await asyncio.gather(*(read(shared) for _ in range(8)))
    assert all(one == data for one in got)
    assert inner.read_bytes == len(data) == shared.counted()


async def test_one_that_comes_a_little_later_joins_one_that_comes_too_late_is_served_from_what_was_kept() -> None:
    shared, inner, data = source(512 * 1024)
    assert await read(shared) == data
    assert await read(shared) == data
    assert inner.read_bytes == len(data)


async def test_a_large_file_is_read_again_by_whoever_is_too_late() -> None:
    shared, inner, data = source(16 * MB)
    assert await read(shared) == data
    assert await read(shared) == data
    assert inner.read_bytes == 2 * len(data)


async def test_a_slow_one_holds_nobody_up_and_reads_for_itself_once_it_is_far_behind() -> None:
    shared, inner, data = source(8 * MB)
    slow = shared.read("/big")
    first = await anext(slow)
    assert await read(shared) == data, "the fast one is through while the slow one has one block"
    rest = b"".join([block async for block in slow])
    assert first + rest == data
    assert inner.read_bytes <= 2 * len(data)


async def test_what_all_passes_hold_is_bounded() -> None:
    store = MemoryStore()
    for n in range(16):
        store.put(f"/f{n}", bytes(2 * MB))
    window = Window(2 * MB, 4 * MB)
    shared = SharedSource(Counted(store), ContentCache(2, limit_bytes=0), window)
    going = [shared.read(f"/f{n}") for n in range(16)]
    for _ in range(4):
        for one in going:
            await anext(one)
            assert window.held_bytes <= 4 * MB + 16 * BLOCK
    for one in going:
        await one.aclose()  # type: ignore[attr-defined]
    assert window.held_bytes == 0


async def test_an_error_is_everybodys_and_never_passes_for_the_end() -> None:
    shared, inner, _ = source()
    inner.fails_at = MB
    ends = await asyncio.gather(*(read(shared) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(one, GatewayError) for one in ends), ends
    inner.fails_at = None
    assert len(await read(shared)) == 4 * MB


async def test_a_reader_that_is_stopped_stops_nobody_else() -> None:
    shared, inner, data = source()
    inner.goes_on.clear()
    first, second = asyncio.create_task(read(shared)), asyncio.create_task(read(shared))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    inner.goes_on.set()
    assert await second == data
    with pytest.raises(asyncio.CancelledError):
        await first
    assert inner.read_bytes == len(data)


async def test_one_that_goes_on_in_the_middle_gets_the_rest() -> None:
    shared, _, data = source()
    both = await asyncio.gather(read(shared), read(shared, 3 * MB))
    assert both == [data, data[3 * MB :]]


async def test_small_files_are_read_in_one_batch_for_all_and_kept_for_the_late() -> None:
    store = MemoryStore()
    paths = [f"/s{n}" for n in range(50)]
    for path in paths:
        store.put(path, path.encode())
    inner = Counted(store)
    shared = SharedSource(inner, ContentCache(4))
    bulk = shared.bulk_source
    assert bulk is not None
    inner.goes_on.clear()
    asked = [
        asyncio.create_task(bulk.read_all(paths, most_bytes=100, algorithms=frozenset({"sha256"}))) for _ in range(3)
    ]
    await asyncio.sleep(0)
    inner.goes_on.set()
    got = await asyncio.gather(*asked)
    late = await bulk.read_all(paths, most_bytes=100, algorithms=frozenset({"md5"}))
    assert inner.batches == [paths]
    assert [one.data for one in got[2] if isinstance(one, Whole)] == [path.encode() for path in paths]
    assert [one.digests["md5"] for one in late if isinstance(one, Whole)] == [
        hashlib.md5(path.encode()).hexdigest() for path in paths
    ]
    assert shared.counted() == sum(map(len, paths))
    assert shared.cache.held_bytes == 0, "each reader has had each file"


def test_the_cache_holds_no_more_than_it_may_and_lets_the_oldest_go() -> None:
    cache = ContentCache(2, limit_bytes=10_000)
    for n in range(20):
        cache.put(f"/{n}", bytes(2000), Stamp(2000), {})
        assert cache.held_bytes <= 10_000
    assert cache.take("/0") is None
    assert cache.take("/19") is not None
    assert not cache.wants(2000)
    cache.keep("/more", Stamp(2000), bytes(2000))
    assert cache.take("/more") is None, "the index takes nothing away"
    assert not cache.fits(10_000)


async def test_what_is_kept_goes_with_the_last_reader() -> None:
    shared, _, data = source(MB)
    with shared.used():
        with shared.used():
            assert await read(shared) == data
        assert shared.cache.held_bytes > 0
    assert shared.cache.held_bytes == 0
