"""Blocking work on a disk that hangs, slows down or is given up."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.core.clock import SystemClock, TurnedClock
from gateway.core.errors import Retryable
from gateway.runner.local_files import delete_local
from gateway.transfer.blocking import in_thread
from gateway.transfer.hanging import STILL_S, Pulse
from gateway.transfer.sources import source_spec
from tests.peers.hung_mount import hung_mount, hung_threads


def clock() -> TurnedClock:
    return TurnedClock(datetime(2026, 11, 3, 10, 0, tzinfo=UTC))


async def begun(work: "Callable[[], Any]", when: threading.Event) -> "asyncio.Task[Any]":
    """A task that does `work`, and got as far as `when`."""
    task = asyncio.ensure_future(work())
    assert await asyncio.to_thread(when.wait, 100)
    return task


async def hanging() -> None:
    """Until a thread of ours hangs: while it is on its way there it works, and is given more time."""
    async with asyncio.timeout(100):
        while not hung_threads(os.getpid()):
            await asyncio.sleep(0.01)


async def test_a_disk_that_hangs_is_named_with_the_remedy_and_asked_no_more(tmp_path: Path) -> None:
    turned, asked = clock(), threading.Event()

    def listed(_: Pulse) -> list[str]:
        asked.set()
        return os.listdir(tmp_path)

    with hung_mount(tmp_path):
        task = await begun(lambda: in_thread(tmp_path, turned, listed), asked)
        await hanging()
        await turned.turn(timedelta(seconds=STILL_S - 40))
        assert not task.done()
        await turned.turn(timedelta(seconds=40))
        said = f"^{tmp_path} doesn't answer: nothing for 300 s; check its disk, or the server that it is mounted from$"
        with pytest.raises(Retryable, match=said):
            await asyncio.wait_for(task, 100)
        asked.clear()
        with pytest.raises(Retryable, match="still hangs"):
            await in_thread(tmp_path, turned, listed)
        assert not asked.is_set()


async def test_work_that_says_nothing_but_goes_on_is_not_given_up(tmp_path: Path) -> None:
    turned, asked, goes_on = clock(), threading.Event(), threading.Semaphore(0)

    def works(_pulse: Pulse) -> str:
        for _ in range(30):
            asked.set()
            assert goes_on.acquire(timeout=100)
            begun_s = time.thread_time()
            while time.thread_time() < begun_s + 0.001:
                pass
        return "done"

    task = await begun(lambda: in_thread(tmp_path, turned, works), asked)
    for number in range(30):
        await turned.turn(timedelta(seconds=STILL_S / 2))
        assert not task.done()
        asked.clear()
        goes_on.release()
        assert number == 29 or await asyncio.to_thread(asked.wait, 100)
    assert await asyncio.wait_for(task, 100) == "done"


async def test_a_command_that_is_ended_deletes_nothing_behind_the_back_of_the_next(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.csv").touch()
    asked, goes_on = threading.Event(), threading.Event()

    def delete(pulse: Pulse) -> list[str]:
        def slowly(_: object) -> bool:
            asked.set()
            return goes_on.wait(200)

        return delete_local(source_spec("*.csv", tmp_path), slowly, pulse.beat)

    task = await begun(lambda: in_thread(tmp_path, SystemClock(), delete), asked)
    task.cancel()
    await asyncio.sleep(0.05)
    assert not task.done()
    goes_on.set()
    await asyncio.wait({task}, timeout=100)
    assert task.cancelled()
    assert len(os.listdir(tmp_path)) == 3


async def test_work_on_a_disk_that_hangs_can_be_ended(tmp_path: Path) -> None:
    asked = threading.Event()

    def listed(_: Pulse) -> list[str]:
        asked.set()
        return os.listdir(tmp_path)

    with hung_mount(tmp_path):
        task = await begun(lambda: in_thread(tmp_path, SystemClock(), listed), asked)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=100)
        assert done
        assert task.cancelled()
