"""Many files at once on one lane: how many, how much of them, and what a failure means for the others."""

import asyncio
from pathlib import Path

import pytest

from gateway.core.errors import PathRefused
from gateway.runner.due import Outcome
from gateway.runner.load import Load
from tests.runner.harness import Stage
from tests.settled import settled


class Crowd:
    """Counts the writes that are under way at once; each goes on once all have come that come."""

    def __init__(self, refuses: str = "") -> None:
        self.now = self.most = self.count = 0
        self._refuses = refuses

    async def before(self, call: str, path: str) -> None:
        if call != "write":
            return
        self.count += 1
        self.now += 1
        self.most = max(self.most, self.now)
        await settled()
        self.now -= 1
        if self._refuses and f".{self._refuses}." in path:
            raise PathRefused("no")


def fill(folder: Path, count: int, size: int = 1) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number:03}").write_bytes(b"x" * size)


async def test_a_session_that_answers_many_calls_carries_many_small_files_at_once(act: Stage) -> None:
    crowd = Crowd()
    act.disturb(crowd.before)
    fill(act.outbox, 60)
    result = await act.run("PUT -DEL *")
    assert (result.outcome, result.files) == (Outcome.DONE, 60)
    assert crowd.most > 20


async def test_of_large_files_only_a_few_are_in_memory_at_once(act: Stage) -> None:
    crowd = Crowd()
    act.disturb(crowd.before)
    fill(act.outbox, 12, 4 * 1024 * 1024)
    assert (await act.run("PUT *")).files == 12
    assert 2 < crowd.most <= 8, "two sessions, four files each"


async def test_what_refuses_the_first_file_is_not_asked_for_all_of_them(act: Stage) -> None:
    crowd = Crowd(refuses="000")
    act.disturb(crowd.before)
    fill(act.outbox, 60)
    result = await act.run("@next_file_on_fail no\nPUT *")
    assert result.outcome is Outcome.FAILED
    assert crowd.count <= 3, "each session had one file, and one more may have begun"


async def test_room_is_given_in_the_order_in_which_it_was_asked_for() -> None:
    load, came = Load(10), list[int]()

    async def come(number: int, size: int) -> None:
        async with load.of(size):
            came.append(number)
            await asyncio.sleep(0)

    sizes = (8, 5, 1, 9, 2)
    await asyncio.wait_for(asyncio.gather(*(come(number, size) for number, size in enumerate(sizes))), 100)
    assert came == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("moment", ["waiting", "woken"])
async def test_a_cancel_leaks_no_room(moment: str) -> None:
    load = Load(10)
    async with load.of(10):
        waiting = asyncio.ensure_future(load.of(10).__aenter__())
        await asyncio.sleep(0)
        if moment == "waiting":
            waiting.cancel()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(100), load.of(10):
        pass
