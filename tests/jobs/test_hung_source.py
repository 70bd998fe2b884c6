"""A source whose disk or server answers no more is given up after a while, and the next try takes it from the start."""

import asyncio
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.errors import Retryable
from gateway.jobs import scanning
from gateway.jobs.indexing import Indexed
from gateway.transfer.hanging import STILL_S
from tests.hung_disk import HungDisk
from tests.jobs.indexer import Indexer, indexer

FILES = {"a.csv": "a", "deep/b.csv": "bb"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HungDisk]:
    made = HungDisk(monkeypatch)
    yield made
    made.heal()


async def begun(made: Indexer, server: HungDisk) -> "asyncio.Task[Indexed]":
    """An index that hangs by now."""
    task = asyncio.ensure_future(made.index())
    async with asyncio.timeout(100):
        while not server.asked:
            await asyncio.sleep(0.005)
    return task


@pytest.mark.parametrize(("call", "path"), [("scandir", "/deep"), ("open", "/deep/b.csv")])
async def test_an_index_that_hangs_is_given_up_and_made_once_the_source_answers(
    tmp_path: Path, server: HungDisk, call: str, path: str
) -> None:
    async with indexer(tmp_path, FILES) as made:
        server.hang(call, path)
        task = await begun(made, server)
        await made.clock.turn(timedelta(seconds=STILL_S - 10))
        assert not task.done()
        await made.clock.turn(timedelta(seconds=20))
        said = f"^the source {made.folder} doesn't answer: nothing for 300 s at {made.folder}{path}; check its disk"
        with pytest.raises(Retryable, match=said):
            await asyncio.wait_for(task, 100)
        with pytest.raises(Retryable, match=r"a look at it that began 3\d\d s ago still hangs at"):
            await asyncio.wait_for(made.index(), 100)
        server.heal()
        assert (await made.index()).files == 2


async def test_an_index_that_is_ended_while_it_hangs_ends_at_once(tmp_path: Path, server: HungDisk) -> None:
    async with indexer(tmp_path, FILES) as made:
        server.hang("open", "/a.csv")
        task = await begun(made, server)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=100)
        assert done


async def test_a_source_that_is_slow_is_not_given_up(
    tmp_path: Path, server: HungDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "_BEAT_EVERY", 1)
    async with indexer(tmp_path, {f"{number}.csv": "a" for number in range(5)}) as made:
        slow, goes_on, entries_of = threading.Semaphore(0), threading.Semaphore(0), scanning.entries_of  # type: ignore[attr-defined]

        def slowly(folder: str) -> Iterator["os.DirEntry[str]"]:
            for entry in entries_of(folder):
                slow.release()
                goes_on.acquire(timeout=200)
                yield entry

        monkeypatch.setattr(scanning, "entries_of", slowly)
        task = asyncio.ensure_future(made.index())
        for _ in range(5):
            assert await asyncio.to_thread(slow.acquire, timeout=100)
            await made.clock.turn(timedelta(seconds=STILL_S - 10))
            goes_on.release()
        assert (await asyncio.wait_for(task, 100)).files == 5
