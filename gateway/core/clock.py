"""The clock is a parameter: the service hands out the system's, tests turn their own."""

import asyncio
import heapq
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Time as the gateway sees it."""

    def now(self) -> datetime:
        """The wall clock, aware, UTC.  For schedules and records, never for measuring a wait."""
        ...

    def monotonic(self) -> float:
        """Seconds that only go forward; untouched by clock steps.  For every wait and every quiet period."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once `monotonic` has advanced by `seconds`."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class TurnedClock:
    """A clock that a test or a simulation turns; sleepers wake in the order of their times."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a turned clock starts at an aware time")
        self._now = start.astimezone(UTC)
        self._elapsed = 0.0
        self._count = 0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        self._count += 1
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, self._count, future))
        await future

    @property
    def next_wake(self) -> float | None:
        """The monotonic time of the earliest sleeper, None if nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def step(self, by: timedelta) -> None:
        """Set the wall clock by `by` without letting time pass, as NTP or an administrator does."""
        self._now += by

    async def turn(self, by: timedelta) -> None:
        """Let `by` pass, waking each sleeper at its own time and letting it run before time goes on."""
        end = self._elapsed + by.total_seconds()
        await self._breathe()
        while (wake := self.next_wake) is not None and wake <= end:
            self._advance(wake)
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
            await self._breathe()
        self._advance(end)

    def _advance(self, to: float) -> None:
        self._now += timedelta(seconds=to - self._elapsed)
        self._elapsed = to

    async def _breathe(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)
