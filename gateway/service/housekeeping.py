"""House-keeping: what is old is dropped, the sentboxes are kept small.  Nothing that delivery needs depends on it.

`schedule` uses the naive wall clock and lets one job's exception starve the others, so its jobs only set a flag.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import schedule
import structlog

from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.ledger import Connection, Ledger, requests
from gateway.ledger.looks import forget_looks
from gateway.ledger.retention import forget_deliveries, forget_runs, forget_the_rest
from gateway.service.sentboxes import tidy_sentbox

log = structlog.get_logger(__name__)

_TICK_S = 30.0
_KEEP_REQUESTS = timedelta(days=1)


class Housekeeping:
    """Tidies once at start and then every night."""

    def __init__(self, ledger: Ledger, clock: Clock, loaded: Callable[[], Loaded]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._loaded = loaded
        self._due = True
        self._jobs = schedule.Scheduler()
        self._jobs.every().day.at("03:40").do(self._wake)

    def _wake(self) -> None:
        self._due = True

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._jobs.run_pending()
            if self._due:
                self._due = False
                await self.tidy()
            await self._clock.sleep(_TICK_S)

    async def tidy(self) -> None:
        """One round: the ledger in small bites, so that nobody waits long for it; then the sentboxes."""
        rows = 0
        for forget in self._forgetting():
            while dropped := await self._ledger.write(forget):
                rows += dropped
        files = await asyncio.to_thread(self._sentboxes, self._clock.now().timestamp())
        log.debug("tidied", rows=rows, sent_files=files)

    def _forgetting(self) -> Iterator[Callable[[Connection], int]]:
        """Each is called until it finds nothing more."""
        settings, now = self._loaded().config.gateway, self._ledger.now_ns()
        history_before = now - _ns(settings.keep_history)
        yield partial(forget_looks, before=now - _ns(settings.keep_looks))
        yield partial(forget_deliveries, before=history_before)
        yield partial(forget_runs, before=history_before)
        yield partial(forget_the_rest, before=history_before)
        yield partial(requests.forget, before=now - _ns(_KEEP_REQUESTS))

    def _sentboxes(self, now_s: float) -> int:
        loaded = self._loaded()
        return sum(
            tidy_sentbox(loaded.sent(name), own.sent_keep, now_s) for name, own in loaded.config.endpoints.items()
        )


def _ns(length: timedelta) -> int:
    return int(length.total_seconds() * 1e9)
