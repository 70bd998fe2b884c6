"""An endpoint that never answers holds up settling and answers of no other."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.clock import TurnedClock
from tests.runner.harness import START, Stage, stage, tree, write
from tests.settled import settled


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Stage]:
    """`far`, and `hole`, which can be made to swallow all that is asked of it."""
    (tmp_path / "hole").mkdir()
    extra = f'[endpoints.hole]\nurl = "file://{tmp_path}/hole"\noutbox = "outbox2"\ninbox = "inbox2"\n'
    async with stage(tmp_path, extra, clock=TurnedClock(START)) as made:
        yield made


def swallow(act: Stage) -> asyncio.Event:
    """From now on `hole` answers nothing; the event says that it was asked."""
    asked = asyncio.Event()

    async def before(call: str, path: str) -> None:
        if (call, path) == ("login", "hole"):
            asked.set()
            await asyncio.Event().wait()

    act.disturb(before)
    return asked


@asynccontextmanager
async def at_work(work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        left = [each for each in asyncio.all_tasks() if "ByEndpoint" in repr(each)]
        assert not left, "what it started has ended with it"


async def turned_until(act: Stage, reached: Callable[[], bool]) -> None:
    assert isinstance(act.clock, TurnedClock)
    for _ in range(100):
        if reached():
            return
        await settled()
        await act.clock.turn(timedelta(seconds=1))
    raise AssertionError("the clock was turned and nothing came of it")


async def test_settling_goes_on_for_the_others(two: Stage) -> None:
    for name, endpoint, inbox in (("one", "far", "inbox"), ("two", "hole", "inbox2")):
        write(two.root / inbox / "a", "old")
        write(two.root / endpoint / "a", "new")
        await two.run(f"@endpoint {endpoint}\nGET -DEL a", name=name)
    asked = swallow(two)
    async with at_work(two.engine.settling.run):
        await turned_until(two, asked.is_set)
        (two.inbox / "a").unlink()
        await turned_until(two, lambda: tree(two.inbox) == {"a": "new"})
    assert tree(two.root / "inbox2") == {"a": "old"}


async def test_answers_of_the_others_are_fetched(two: Stage) -> None:
    for name, endpoint, outbox in (("one", "far", "outbox"), ("two", "hole", "outbox2")):
        write(two.root / outbox / "a.req")
        await two.run(f"@endpoint {endpoint}\nPUT+GET -DEL a.req a.req a.rsp a.rsp Wait=1H", name=name)
    asked = swallow(two)
    async with at_work(two.engine.answers.run):
        await turned_until(two, asked.is_set)
        write(two.far / "a.rsp", "answer")
        await turned_until(two, lambda: tree(two.inbox) == {"a.rsp": "answer"})


async def test_a_defect_at_one_endpoint_ends_no_other(two: Stage) -> None:
    for name, endpoint, inbox in (("one", "hole", "inbox2"), ("two", "far", "inbox")):
        write(two.root / inbox / "a", "old")
        write(two.root / endpoint / "a", "new")
        await two.run(f"@endpoint {endpoint}\nGET -DEL a", name=name)
        (two.root / inbox / "a").unlink()

    async def before(call: str, path: str) -> None:
        if (call, path) == ("login", "hole"):
            raise ZeroDivisionError

    two.disturb(before)
    await two.engine.settling.look()
    assert tree(two.inbox) == {"a": "new"}
