"""A job engine over a whole gateway in a temporary folder; its hands are real ones, or write the arrows alone."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from gateway.core.clock import Clock
from gateway.jobs.engine import Around, JobEngine
from gateway.jobs.hands import Hands
from gateway.jobs.read import read_jobs
from gateway.ledger import Connection, job_destinations, job_runs, job_triggers
from gateway.ledger.job_destinations import PlaceRow
from gateway.ledger.job_runs import JobRunRow
from gateway.runner.places import Places
from tests.jobs.fake_hands import FakeHands
from tests.runner.harness import Stage, stage, write

T = TypeVar("T")

AFTER_ALL = '[jobs.prices.triggers.after_all]\nlinux = ["/bin/true"]\n'


def job_text(
    root: Path,
    shops: Sequence[str],
    more: str = "",
    schedule: str = "",
    source: str = "",
    path: str = "",
    zones: Sequence[str] = (),
) -> str:
    """A job `prices` to folders of this machine, one for each of `shops`; `zones` are theirs."""
    clocks = [f'timezone = "{zone}"' for zone in zones] or [""] * len(shops)
    pairs = zip(shops, clocks, strict=True)
    ends = "\n".join(f'[endpoints.{one}]\nurl = "file://{root}/{one}"\n{clock}' for one, clock in pairs)
    below = f'\npath = "{path}"' if path else ""
    to = "\n".join(f'[[jobs.prices.destinations]]\nendpoint = "{one}"{below}' for one in shops)
    place = f'path = "{root}/prices"'
    return f"""{ends}
[jobs.prices]
description = "prices"
[jobs.prices.source]
{source or place}
{to}
{schedule}
{more}
"""


@dataclass
class JobStage:
    """`jobs` is the engine; `fake` are its hands where they only write arrows."""

    stage: Stage
    jobs: JobEngine
    fake: FakeHands

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self.stage.ledger(work)

    async def run(self, number: int) -> JobRunRow:
        row = await self.read(partial(job_runs.get, found=number))
        assert row is not None
        return row

    async def over(self, number: int) -> JobRunRow:
        """The run once it is over."""
        return await self.stage.ending(self.jobs.over(number))

    async def places(self, number: int) -> dict[str, PlaceRow]:
        rows = await self.read(partial(job_destinations.of_run, run=number))
        return {row.endpoint: row for row in rows}

    async def states(self, number: int) -> dict[str, str]:
        return {name: row.state.value for name, row in (await self.places(number)).items()}

    async def starts(self, number: int) -> list[tuple[str, str, str]]:
        rows = await self.read(partial(job_triggers.of_run, run=number))
        return [(row.moment, row.place, row.state.value) for row in rows]

    async def until(self, met: Callable[[], object]) -> None:
        """Wait until something is so; the clock is not turned."""
        async with asyncio.timeout(100):
            while True:
                found = met()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return
                await asyncio.sleep(0.005)


@asynccontextmanager
async def job_stage(
    root: Path,
    shops: Sequence[str] = ("shop1", "shop2", "shop3"),
    more: str = "",
    *,
    schedule: str = "",
    source: str = "",
    path: str = "",
    zones: Sequence[str] = (),
    clock: Clock | None = None,
    fake: FakeHands | None = None,
    real: Callable[[Stage], Hands] | None = None,
) -> AsyncIterator[JobStage]:
    """The engine over `root`, which may hold what an earlier one left."""
    write(root / "prices" / "a.csv", "a")
    for one in shops:
        (root / one).mkdir(exist_ok=True)
    text = job_text(root, shops, more, schedule, source, path, zones)
    async with stage(root, text, clock=clock, allow=["/bin/true", "/bin/sh"]) as made:
        jobs = await asyncio.to_thread(read_jobs, made.engine.loaded)
        assert not jobs.broken, jobs.findings
        hands = fake or FakeHands()
        around = Around(
            services=lambda: made.engine.runner.services,
            places=Places(64),
            hands=real(made) if real is not None else hands,
        )
        engine = JobEngine(made.engine.loaded, jobs, around)
        try:
            yield JobStage(made, engine, hands)
        finally:
            await engine.close()
