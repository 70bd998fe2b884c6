"""Waiting for whatever comes first."""

import asyncio

import pytest

from gateway.core.waits import first_of


async def _fail() -> None:
    raise ValueError("broken")


async def test_the_first_ends_the_wait_and_the_others_have_ended_then() -> None:
    event, ended = asyncio.Event(), []

    async def lasting() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    asyncio.get_running_loop().call_soon(event.set)
    await asyncio.wait_for(first_of(event.wait(), lasting()), 100)
    assert ended == [True]


async def test_what_the_first_raises_is_raised() -> None:
    with pytest.raises(ValueError, match="broken"):
        await first_of(_fail(), asyncio.Event().wait())


async def test_a_cancel_ends_all_of_them() -> None:
    before = asyncio.all_tasks()
    waiting = asyncio.ensure_future(first_of(asyncio.Event().wait(), asyncio.Event().wait()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert asyncio.all_tasks() == before
