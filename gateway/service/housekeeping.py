"""House-keeping: what is old is dropped, the sentboxes are kept small.  Nothing that delivery needs depends on it.

`schedule` uses the naive wall clock and lets one job's exception starve the others, so its jobs only set a flag.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import schedule
import structlog

from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError
from gateway.core.moments import length_ns
from gateway.ledger import Connection, Ledger, absence, channel_retention, job_retention, requests, retention
from gateway.ledger.looks import forget_looks
from gateway.service.absence import forget_gone
from gateway.service.leaving import Leaving
from gateway.service.sentboxes import tidy_sentbox

log = structlog.get_logger(__name__)

_TICK_S = 30.0
_DAY_S = 24 * 3600.0
_TIDIED = "tidied"
_KEEP_REQUESTS = timedelta(days=1)
_KEEP_COUNTERS = timedelta(days=7)


class Housekeeping:
    """Tidies once at start and then every night.

    `trouble`: why old history is kept for longer than it should be; that is tried again every hour.
    """

    def __init__(self, ledger: Ledger, clock: Clock, loaded: Callable[[], Loaded]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._loaded = loaded
        self._due = True
        self._jobs = schedule.Scheduler()
        self._jobs.every().day.at("03:40").do(self._wake)
        self._jobs.every().hour.do(self._try_again)
        self.trouble: GatewayError | None = None

    def _wake(self) -> None:
        self._due = True

    def _try_again(self) -> None:
        self._due = self._due or self.trouble is not None

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
        rows = await self._forget(job_retention.forgetting(self._history_before()))  # what they refer to can go then
        rows += await self._forget(
            channel_retention.forgetting(self._history_before(), lambda: self._loaded().config.catalogues)
        )
        rows += await self._history()
        rows += await self._forget(self._forgetting())
        rows += await forget_gone(self._ledger, self._history_before())
        files = await asyncio.to_thread(self._sentboxes, self._clock.now().timestamp())
        log.debug("tidied", rows=rows, sent_files=files)

    def _history_before(self) -> int:
        return self._ledger.now_ns() - length_ns(self._loaded().config.gateway.keep_history)

    async def _forget(self, forgetting: Iterable[Callable[[Connection], int]]) -> int:
        """Each is called until it finds nothing more; how many rows."""
        rows = 0
        for forget in forgetting:
            while dropped := await self._ledger.write(forget):
                rows += dropped
        return rows

    async def _history(self) -> int:
        """Old deliveries, then old runs; kept where they are to be exported and can't be."""
        try:
            rows = await Leaving(self._ledger, self._clock, self._loaded()).leave(self._history_before())
        except GatewayError as problem:
            self.trouble = problem
            log.error("old history is kept", error=str(problem))
            return 0
        self.trouble = None
        return rows

    def _forgetting(self) -> Iterator[Callable[[Connection], int]]:
        """What goes besides."""
        settings, now = self._loaded().config.gateway, self._ledger.now_ns()
        history_before = self._history_before()
        last_days = (self._clock.now() - _KEEP_COUNTERS).date().isoformat()
        yield partial(forget_looks, before=now - length_ns(settings.keep_looks))
        yield partial(retention.forget_reactions, before=history_before)
        yield partial(retention.forget_instances, before=history_before)
        yield partial(retention.forget_counters, before_day=last_days)
        yield partial(absence.forget_sightings, before=history_before)
        yield partial(absence.forget_reports, before=history_before)
        yield partial(requests.forget, before=now - length_ns(_KEEP_REQUESTS))

    def _sentboxes(self, now_s: float) -> int:
        loaded = self._loaded()
        return sum(
            tidy_sentbox(loaded.sent(name), own.sent_keep, now_s) for name, own in loaded.config.endpoints.items()
        )


async def tidy_after_run(ledger: Ledger, clock: Clock, loaded: Loaded) -> GatewayError | None:
    """Where no gateway serves, runs tidy: at most once a day.  Returns why old history is kept, if it is."""
    mark = loaded.state / _TIDIED
    if await asyncio.to_thread(_is_fresh, mark, clock.now().timestamp()):
        return None
    keeping = Housekeeping(ledger, clock, lambda: loaded)
    await keeping.tidy()
    if keeping.trouble is None:
        await asyncio.to_thread(mark.touch)
    return keeping.trouble


def _is_fresh(mark: Path, now_s: float) -> bool:
    try:
        return abs(now_s - mark.stat().st_mtime) < _DAY_S
    except FileNotFoundError:
        return False
