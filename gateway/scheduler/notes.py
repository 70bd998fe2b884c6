"""Verdicts on their way to the ledger: gathered for a moment and written together, never waited for."""

from collections.abc import Awaitable, Callable, Iterable

import structlog

from gateway.core.clock import Clock
from gateway.ledger.looks import Look
from gateway.scheduler.book import Book

log = structlog.get_logger(__name__)

GATHER_S = 0.5
KEPT_AT_MOST = 50_000


class Notes:
    """Looks that are to be recorded."""

    def __init__(self, book: Book, clock: Clock, start: Callable[[Awaitable[None]], object]) -> None:
        self._book = book
        self._clock = clock
        self._start = start
        self._looks: list[Look] = []
        self._writing = False

    def add(self, looks: Iterable[Look]) -> None:
        """Record `looks` soon."""
        self._looks += looks
        if self._looks and not self._writing:
            self._writing = True
            self._start(self._write())

    async def flush(self) -> None:
        """Record what is left."""
        looks, self._looks = self._looks, []
        for start in range(0, len(looks), KEPT_AT_MOST):
            try:
                await self._book.note(looks[start : start + KEPT_AT_MOST])
            except Exception as exc:  # deliveries matter more than their story: `why` then knows less
                log.warning("verdicts not recorded", count=len(looks), error=str(exc))
                return

    async def _write(self) -> None:
        try:
            await self._clock.sleep(GATHER_S)
            await self.flush()
        finally:
            self._writing = False
        self.add(())
