"""Clears away the partials that failed deliveries have left, at endpoints that can be reached.

A large partial stays for a day: the next delivery of the same file goes on with it.
"""

from collections.abc import Callable

import structlog

from gateway.core.errors import GatewayError
from gateway.ledger import deliveries
from gateway.runner.by_endpoint import ByEndpoint
from gateway.runner.services import Services
from gateway.transfer.sweep import sweep

log = structlog.get_logger(__name__)

FIRST_AFTER_S = 60.0
SWEEP_EVERY_S = 900.0


class Sweeping:
    """Sweeps a minute after the start and then every quarter of an hour, each endpoint for itself."""

    def __init__(self, services: Callable[[], Services]) -> None:
        self._services = services
        self._tasks = ByEndpoint("sweeping")

    async def run(self) -> None:
        """Until cancelled."""
        pause_s = FIRST_AFTER_S
        try:
            while True:
                await self._services().clock.sleep(pause_s)
                await self._begin()
                pause_s = SWEEP_EVERY_S
        finally:
            await self._tasks.end()

    async def look(self) -> None:
        """One round to its end."""
        await self._begin()
        await self._tasks.over()

    async def _begin(self) -> None:
        services = self._services()
        for place in await services.ledger.read(deliveries.littered):
            if not self._tasks.is_busy(place):
                self._tasks.start(place, _sweep(services, place))


async def _sweep(services: Services, place: str) -> None:
    """An endpoint that can't be reached is swept at another time."""
    try:
        if not place:
            await sweep(services.ledger, place, services.local)
            return
        async with services.pool.session(place) as peer:
            await sweep(services.ledger, place, peer)
    except GatewayError as error:
        log.debug("partials are not cleared away yet", endpoint=place or "this machine", error=str(error))
