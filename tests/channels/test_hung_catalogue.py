"""A catalogue whose disk or server answers no more holds up its own look, for a while, and nothing else."""

import asyncio
import re
from collections.abc import Coroutine, Iterator
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gateway.channels import leaving
from gateway.channels.detect import detect
from gateway.core.clock import TurnedClock
from gateway.core.errors import Retryable
from gateway.ledger import channel_catalogues
from gateway.ledger.channel_batches import BatchFile
from gateway.transfer import hanging
from gateway.transfer.hanging import STILL_S
from tests.channels.catalogue import shop
from tests.channels.delivery_stage import channel_stage, lay_item
from tests.channels.test_engine import at, clock, text
from tests.hung_disk import HungDisk

T = TypeVar("T")
_QUIET_S = 6
HUNG = "doesn't answer: nothing for 300 s"


@pytest.fixture
def mount(monkeypatch: pytest.MonkeyPatch) -> Iterator[HungDisk]:
    made = HungDisk(monkeypatch)
    yield made
    made.heal()


async def asked(calls: int, mount: HungDisk, clock: TurnedClock, task: "asyncio.Task[Any]") -> None:
    """Return once so many calls hung, or the task is over."""
    while mount.asked < calls and not task.done():
        await asyncio.sleep(0.005)
        if 0 < (clock.next_wake or 0.0) - clock.monotonic() < _QUIET_S:  # before files are read
            await clock.turn(timedelta(seconds=_QUIET_S))


async def given_up(mount: HungDisk, clock: TurnedClock, work: Coroutine[Any, Any, T]) -> T:
    """The end of `work`, which is to hang: the clock is turned until it is given up."""
    task = asyncio.ensure_future(work)
    await asked(mount.asked + 1, mount, clock, task)
    await clock.turn(timedelta(seconds=STILL_S - 10))
    assert not task.done()
    await clock.turn(timedelta(seconds=10))
    return await settled(clock, task)


async def settled(clock: TurnedClock, task: "asyncio.Task[T]") -> T:
    """What it comes to; it waits for no more than moments."""
    async with asyncio.timeout(100):
        while not task.done():
            await asyncio.sleep(0.005)
            if 0 < (clock.next_wake or 0.0) - clock.monotonic() < _QUIET_S:
                await clock.turn(timedelta(seconds=1))
    return await task


async def test_a_look_that_hangs_is_given_up_and_no_other_begins_meanwhile(tmp_path: Path, mount: HungDisk) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        mount.hang("scandir", "/titles")
        found = await given_up(mount, made.clock, detect([made.channel], made.services))
        assert HUNG in str(found.error)
        assert HUNG in ((await made.look()).error or "")
        calls = mount.asked
        again = await asyncio.wait_for(detect([made.channel], made.services), 100)
        assert re.search(r"a look at it that began 3\d\d s ago still hangs", str(again.error))
        assert mount.asked == calls
        mount.heal()
        assert (await made.detect()).first == 1
        assert (await made.look()).error is None


@pytest.mark.parametrize(("call", "path"), [("scandir", "/a"), ("open", "/a/book.epub")])
async def test_an_item_that_hangs_is_left_out_of_the_look_and_of_the_next_until_it_is_back(
    tmp_path: Path, mount: HungDisk, call: str, path: str
) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        made.put("b")
        mount.hang(call, path)
        found = (await given_up(mount, made.clock, detect([made.channel], made.services))).found["shop"]
        why = rf"a: a look that began 3\d\d s ago still hangs at {made.path}{path}; check its disk, or its server"
        assert (found.first, await made.states()) == (1, {("b", "first"): "waiting"})
        assert re.fullmatch(why, found.unreadable[0])
        assert re.fullmatch(f"items that hang are left out: {why}", (await made.look()).error or "")
        calls = mount.asked
        made.put("c")
        again = await asyncio.wait_for(made.detect(), 100)
        assert (again.first, len(again.unreadable), mount.asked) == (1, 1, calls)
        mount.heal()
        assert (await made.detect()).first == 1
        assert (await made.look()).error is None


async def test_where_more_items_hang_than_a_few_the_look_is_given_up(tmp_path: Path, mount: HungDisk) -> None:
    async with shop(tmp_path) as made:
        for number in range(5):
            made.put(f"{number}a")
        mount.hang("scandir", "a")
        task = asyncio.ensure_future(detect([made.channel], made.services))
        for calls in range(1, 5):
            await asked(calls, mount, made.clock, task)
            await made.clock.turn(timedelta(seconds=STILL_S))
        found = await settled(made.clock, task)
        assert HUNG in str(found.error)
        assert mount.asked == 4


async def test_of_an_item_that_hangs_nothing_is_concluded(tmp_path: Path, mount: HungDisk) -> None:
    async with shop(tmp_path) as made:
        for item in ("a", "b", "c"):
            made.put(item)
        await made.detect()
        assert await made.deliver("first") == ["a", "b", "c"]
        made.put("b", {"book.epub": "errata"})
        made.put("c", {"book.epub": "errata"})
        mount.hang("scandir", "/a")
        found = (await given_up(mount, made.clock, detect([made.channel], made.services))).found["shop"]
        assert (found.vanished, found.file) == ((), 2)
        mount.heal()
        assert (await made.detect()).nothing_changed


@pytest.mark.parametrize("call", ["scandir", "read"])
async def test_a_look_that_is_slow_is_not_given_up(tmp_path: Path, mount: HungDisk, call: str) -> None:
    async with shop(tmp_path) as made:
        made.put("a", {"book.epub": "x" * 4_000_000})
        mount.hang(call, "")
        task = asyncio.ensure_future(detect([made.channel], made.services))
        begun_s = made.clock.monotonic()
        for calls in count(1):
            await asked(calls, mount, made.clock, task)
            if task.done():
                break
            await made.clock.turn(timedelta(seconds=STILL_S - 100))
            mount.let()
        assert (await task).found["shop"].first == 1
        assert made.clock.monotonic() > begun_s + 2 * STILL_S


async def test_what_is_known_goes_out_while_the_catalogue_hangs(tmp_path: Path, mount: HungDisk) -> None:
    lay_item(tmp_path, "978")
    turned = clock()
    async with channel_stage(tmp_path, text(tmp_path), clock=turned) as made:
        await made.go_on(at(21, 59))
        mount.hang("scandir", "/titles")
        await turned.turn(timedelta(minutes=2))
        await given_up(mount, turned, made.channels.settled())
        assert set(made.arrived) == {"978_onix.xml", "978_book.epub", "1.done"}
        look = await made.read(partial(channel_catalogues.looked, catalogue="titles"))
        assert look is not None
        assert HUNG in (look.error or "")


async def test_what_is_known_does_not_wait_for_a_look_that_takes_long(
    tmp_path: Path, mount: HungDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_item(tmp_path, "978")
    turned = clock()
    monkeypatch.setattr(hanging, "STILL_S", 86_400.0)
    async with channel_stage(tmp_path, text(tmp_path), clock=turned) as made:
        await made.go_on(at(21, 59))
        mount.hang("scandir", "/titles")
        running = asyncio.ensure_future(made.channels.run())
        await turned.turn(timedelta(minutes=2))
        await asked(1, mount, turned, running)
        await turned.turn(timedelta(minutes=5))
        assert await made.batches() == []
        await turned.turn(timedelta(minutes=5))
        for _ in range(2000):
            if "1.done" in made.arrived:
                break
            await turned.turn(timedelta(seconds=5))
            await asyncio.sleep(0.01)
        await asyncio.to_thread(mount.heal)
        running.cancel()
        assert set(made.arrived) == {"978_onix.xml", "978_book.epub", "1.done"}


async def test_what_changed_since_it_was_frozen_is_not_asked_for_ever(tmp_path: Path, mount: HungDisk) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        file = BatchFile(1, 1, f"{made.path}/a/book.epub", "a/book.epub", 1, 1, 1, "", "book.epub")
        mount.hang("stat", "/a/book.epub")
        with pytest.raises(Retryable, match=f"{HUNG} at {made.path}/a/book.epub; check its disk"):
            await given_up(mount, made.clock, leaving.changed(made.channel, [file], (), made.clock))
        made.put("b")
        other = file._replace(event=2, source=f"{made.path}/b/book.epub", relative="b/book.epub")
        assert await asyncio.wait_for(leaving.changed(made.channel, [file, other], (), made.clock), 100) == {
            2: "b/book.epub changed since it was looked at"
        }
        mount.heal()
        assert await leaving.changed(made.channel, [file], (), made.clock) == {
            1: "a/book.epub changed since it was looked at"
        }
