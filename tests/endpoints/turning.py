"""Lets time pass exactly as work waits for it: what real I/O takes costs none."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from gateway.core.clock import TurnedClock

T = TypeVar("T")


async def turned(clock: TurnedClock, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives; whenever somebody sleeps, the clock goes on to his time."""
    task = asyncio.ensure_future(work)
    while not task.done():
        wake = clock.next_wake
        if wake is None:
            await asyncio.wait({task}, timeout=0.001)  # real I/O goes on meanwhile
        else:
            left_s = max(0.0, wake - clock.monotonic())
            await clock.turn(timedelta(seconds=left_s, microseconds=1))  # lest rounding miss it
    return await task
