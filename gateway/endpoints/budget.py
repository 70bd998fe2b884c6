"""What one endpoint may cost, over all actions: logins a minute, bytes a second."""

import asyncio
from collections import deque

import structlog

from gateway.core.clock import Clock
from gateway.core.patience import wanted_wait
from gateway.core.timetable import limit_at
from gateway.endpoints.place import Place

log = structlog.get_logger(__name__)

_MINUTE_S = 60.0
_BURST_S = 0.25  # so much may go at once after a pause
_TURN_S = 1 / 16  # so much goes before it is another transfer's turn
_LOOK_S = 1.0  # how soon a login that waits notices another limit


class Budget:
    """Both budgets of one endpoint.  They outlive its sessions, and what a reload changes holds at once."""

    def __init__(self, place: Place, clock: Clock) -> None:
        self._place = place
        self._clock = clock
        self._logins: deque[float] = deque()
        self._login_queue = asyncio.Lock()
        self._byte_queue = asyncio.Lock()  # first come, first served: whoever has had a turn stands at the end again
        self._paid_until_s = 0.0

    def change(self, place: Place) -> None:
        """Go by other settings from now on."""
        self._place = place

    @property
    def limits_bytes(self) -> bool:
        """False if no transfer has to ask."""
        return self._place.bandwidth.limits

    async def login(self) -> bool:
        """Wait until one more login may begin, and count it.  True if there was a wait."""
        waited = False
        async with self._login_queue:
            while (wait_s := self._until_next_login_s()) > 0:
                if not waited:
                    log.info("login waits for its minute", endpoint=self._place.name, in_s=round(wait_s, 1))
                waited = True
                with wanted_wait():
                    await self._clock.sleep(min(wait_s, _LOOK_S))
            self._logins.append(self._clock.monotonic())
        return waited

    def _until_next_login_s(self) -> float:
        limit, now_s = self._place.connects_per_minute, self._clock.monotonic()
        while self._logins and self._logins[0] <= now_s - _MINUTE_S:
            self._logins.popleft()
        if not limit or len(self._logins) < limit:
            return 0.0
        return self._logins[-limit] + _MINUTE_S - now_s

    async def take(self, wanted_bytes: int) -> int:
        """Wait for this transfer's turn; returns how many of its bytes may go now, at least one."""
        if self._limit() is None:
            return wanted_bytes
        with wanted_wait():
            async with self._byte_queue:
                while (limit := self._limit()) is not None:
                    some = min(wanted_bytes, max(int(limit * _TURN_S), 1))
                    now_s = self._clock.monotonic()
                    self._paid_until_s = max(self._paid_until_s, now_s)
                    wait_s = self._paid_until_s + some / limit - now_s - _BURST_S
                    if wait_s <= 0:
                        self._paid_until_s += some / limit
                        return some
                    await self._clock.sleep(wait_s)
        return wanted_bytes

    def _limit(self) -> int | None:
        return limit_at(self._place.bandwidth, self._clock.now(), self._place.zone)
