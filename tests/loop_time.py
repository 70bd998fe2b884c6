"""The time of an event loop goes on at once: what is given up after a while is, as soon as a test has seen it hang.

A limit that is short, so that a test need not wait for it, is met by a busy machine, too.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


async def in_time(work: "asyncio.Future[T]", step_s: float = 1000.0) -> T:
    """The end of `work`, whatever the machine's time it waits for."""
    while not work.done():
        pass_time(step_s)
        await asyncio.sleep(0.01)
    return await work


async def given_up(work: Awaitable[T], seconds: float) -> T:
    """The end of `work`, which waits so long for somebody who hangs; what it does after that has its time."""
    going = asyncio.ensure_future(work)
    await asyncio.sleep(0.1)
    pass_time(seconds)
    return await going


def pass_time(seconds: float) -> None:
    """What the running loop is to do within so many seconds is due now."""
    loop: Any = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds
