"""House-keeping: what is old is dropped, the sentbox is kept small.  Nothing that delivery needs depends on it.

`schedule` uses the naive wall clock and lets one job's exception starve the others, so its jobs only set a flag.
"""

import asyncio
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import schedule
import structlog

from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.ledger import Connection, Ledger, requests
from gateway.ledger.looks import forget_looks
from gateway.ledger.retention import forget_deliveries, forget_runs, forget_the_rest

log = structlog.get_logger(__name__)

_TICK_S = 30.0
_SENT_SHARE = 0.05
"""The sentbox is never over this share of its disk."""


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
        """One round."""
        settings = self._loaded().config.gateway
        now = self._ledger.now_ns()
        rows = await self._ledger.write(
            lambda connection: _forget(
                connection, now - _ns(settings.keep_history), now - _ns(settings.keep_looks), now
            )
        )
        loaded = self._loaded()
        sent = [(loaded.sent(name), own.sent_keep) for name, own in loaded.config.endpoints.items()]
        files = await asyncio.to_thread(_empty_sentboxes, sent, self._clock.now().timestamp())
        log.debug("tidied", rows=rows, sent_files=files)


def _ns(length: timedelta) -> int:
    return int(length.total_seconds() * 1e9)


def _forget(connection: Connection, history_before: int, looks_before: int, now: int) -> int:
    return (
        forget_looks(connection, looks_before)
        + forget_deliveries(connection, history_before)
        + forget_runs(connection, history_before)
        + forget_the_rest(connection, history_before)
        + requests.forget(connection, now - 24 * 3600 * 1_000_000_000)
    )


def _empty_sentboxes(sent: list[tuple[Path, timedelta]], now_s: float) -> int:
    """Remove what was kept for long enough, and the oldest where a sentbox takes too much of its disk (blocks)."""
    return sum(_empty(folder, keep, now_s) for folder, keep in sent if folder.is_dir())


def _empty(folder: Path, keep: timedelta, now_s: float) -> int:
    found = sorted((state.st_ctime, state.st_size, path) for path in folder.rglob("*") if (state := _file(path)))
    most = shutil.disk_usage(folder).total * _SENT_SHARE
    size, removed = sum(size for _, size, _ in found), 0
    for moved_s, length, path in found:
        if now_s - moved_s < keep.total_seconds() and size <= most:
            break
        path.unlink(missing_ok=True)
        size -= length
        removed += 1
    return removed


def _file(path: Path) -> os.stat_result | None:
    try:
        return path.stat() if path.is_file() else None
    except OSError:
        return None
