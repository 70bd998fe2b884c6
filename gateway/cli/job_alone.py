"""Work on jobs where no gateway serves: this process does it, or one of its own that this one leaves behind."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import IO, TYPE_CHECKING

from gateway.cli.job_following import report_of
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError
from gateway.jobs.report import Report
from gateway.ledger import Connection, job_runs
from gateway.ledger.database import FILE_NAME
from gateway.service.reading import reading, served_by

if TYPE_CHECKING:
    from gateway.service.engine import Engine

_LOOK_EVERY_S = 0.1


@asynccontextmanager
async def answering(engine: "Engine") -> AsyncIterator[None]:
    """For the time of the block, and until no run is left: what is asked of jobs is answered here."""
    from gateway.service.alone import Alone
    from gateway.service.desk import Desk
    from gateway.service.operations_jobs import job_handlers

    alone = Alone(engine)
    desk = Desk(engine.ledger, engine.clock, job_handlers(alone))
    helpers = [asyncio.create_task(desk.run()), asyncio.create_task(engine.work_beside())]
    try:
        yield
        while engine.jobs.is_busy:
            await engine.clock.sleep(_LOOK_EVERY_S)
        await engine.tellings.look()
    finally:
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)


async def nobody_works(loaded: Loaded) -> bool:
    """True if nobody works on this state folder."""
    return await served_by(loaded) is None


async def spawn(loaded: Loaded, clock: Clock, words: Sequence[str]) -> Report:
    """Leave the work to a process of its own; the run that it begins.  Raises GatewayError with what it said."""
    before = await _newest(loaded, clock)
    with tempfile.TemporaryFile() as said:
        command = [sys.executable, "-m", "gateway.cli.main", *words, "--json"]
        child = await asyncio.to_thread(_leave, command, said)
        while True:
            ended = child.poll() is not None
            report = await _first_after(loaded, clock, before)
            if report is not None:
                child.returncode = 0  # it outlives us: nobody waits for it
                return report
            if ended:
                said.seek(0)
                text = said.read().decode("utf-8", "replace").strip().removeprefix("gateway: ")
                raise _Ended(text or f"it ended with exit code {child.returncode}", child.returncode)
            await clock.sleep(_LOOK_EVERY_S)


def _leave(command: Sequence[str], said: IO[bytes]) -> "subprocess.Popen[bytes]":
    nothing = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=said, start_new_session=True)


class _Ended(GatewayError):
    """The process that was to work on the run ended before there was one."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code = code or 1  # type: ignore[misc]


async def _newest(loaded: Loaded, clock: Clock) -> int:
    if not await asyncio.to_thread((loaded.state / FILE_NAME).exists):
        return 0
    async with reading(loaded, clock) as ledger:
        return await ledger.read(_newest_run)


def _newest_run(connection: Connection) -> int:
    rows = job_runs.of_job(connection, limit=1)
    return rows[0].id if rows else 0


async def _first_after(loaded: Loaded, clock: Clock, before: int) -> Report | None:
    if not await asyncio.to_thread((loaded.state / FILE_NAME).exists):
        return None
    async with reading(loaded, clock) as ledger:
        newest = await ledger.read(_newest_run)
        return await report_of(ledger, newest) if newest > before else None
