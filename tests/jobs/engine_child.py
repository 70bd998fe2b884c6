"""A process that runs the job `prices`, and dies at its n-th write to the ledger: before it, or right after its commit.

CONFIGURATION N before|after
CONFIGURATION NAME:N before|after: at the n-th write of the function of this name
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection

from gateway.config.load import load
from gateway.core.clock import SystemClock
from gateway.ledger import Ledger, job_runs
from gateway.service.engine import engine


class Deaths:
    """Counts the writes of the process, or waits for one."""

    def __init__(self, which: str, *, after: bool) -> None:
        name, _, number = which.rpartition(":")
        self._left = int(number)
        self._name = name or None
        self._after = after
        self._submit = Ledger.submit

    def submit(self, ledger: Ledger, work: Callable[[Connection], object]) -> "asyncio.Future[object]":
        self._left -= self._name in (None, getattr(getattr(work, "func", work), "__name__", ""))
        if self._left == 0 and not self._after:
            os.kill(os.getpid(), signal.SIGKILL)
        future = self._submit(ledger, work)
        if self._left == 0:
            future.add_done_callback(lambda _: os.kill(os.getpid(), signal.SIGKILL))
        return future


async def main(path: str) -> None:
    """Go on with what is there, else start the job; until no run is left."""
    async with engine(load(Path(path)), SystemClock(), "test") as built:
        await built.jobs.adopt()
        ran = await built.ledger.read(job_runs.of_job)
        run = ran[0].id if ran else await built.jobs.start("prices")
        sys.stdout.write("\n" + (await built.jobs.over(run)).state.value)


def run(arguments: list[str]) -> None:
    """As a process of its own."""
    path, which, when = arguments
    deaths = Deaths(which, after=when == "after")
    Ledger.submit = lambda ledger, work: deaths.submit(ledger, work)  # type: ignore[method-assign,assignment,return-value]
    asyncio.run(main(path))
