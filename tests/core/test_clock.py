import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.clock import TurnedClock

START = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def test_sleepers_wake_in_the_order_of_their_times_and_see_their_own_time() -> None:
    clock = TurnedClock(START)
    woken: list[tuple[str, datetime]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now()))

    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper("late", 60))
        group.create_task(sleeper("early", 5))
        await clock.turn(timedelta(minutes=2))
    assert woken == [("early", START + timedelta(seconds=5)), ("late", START + timedelta(seconds=60))]
    assert clock.now() == START + timedelta(minutes=2)


async def test_a_step_of_the_wall_clock_wakes_nobody() -> None:
    clock = TurnedClock(START)
    clock.step(timedelta(hours=1))
    assert clock.now() == START + timedelta(hours=1)
    assert clock.monotonic() == 0


def test_a_clock_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        TurnedClock(datetime(2026, 11, 21))  # noqa: DTZ001
