"""A job with a source to index, and the run that it is indexed for."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from gateway.core.clock import TurnedClock
from gateway.jobs.frozen import digest, freeze
from gateway.jobs.indexing import Indexed, index
from gateway.jobs.manifest import entries
from gateway.jobs.model import Job
from gateway.ledger import job_runs
from gateway.ledger.job_contents import Entry
from gateway.ledger.job_runs import JobRunRow, NewJobRun
from gateway.ledger.job_states import JobState
from gateway.runner.services import Services
from gateway.transfer.hashing import Keeper
from tests.jobs.setup import read
from tests.runner.harness import stage

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@dataclass(slots=True)
class Indexer:
    """The source `folder` and a ledger; the clock is turned by the test."""

    folder: Path
    job: Job
    services: Services
    clock: TurnedClock
    runs: list[int] = field(default_factory=list)

    async def begin(self) -> int:
        """A run that prepares; one that was under way before is over."""
        ledger, job = self.services.ledger, self.job
        if self.runs:
            row = await self.row()
            await ledger.write(partial(job_runs.advance, row=row, target=JobState.FAILED, at=ledger.now_ns()))
        new = NewJobRun(
            job=job.name,
            text=freeze(job),
            digest=digest(job),
            trigger="hand",
            priority=5,
            due_at=ledger.now_ns(),
            has_after_all=False,
        )
        run = await ledger.write(partial(job_runs.schedule_run, new=new, at=ledger.now_ns()))
        self.runs.append(run)
        await ledger.write(
            partial(job_runs.advance, row=await self.row(), target=JobState.PREPARING, at=ledger.now_ns())
        )
        return run

    async def row(self) -> JobRunRow:
        """The latest run's row."""
        found = await self.services.ledger.read(partial(job_runs.get, found=self.runs[-1]))
        assert found is not None
        return found

    async def index(self, *, rehash: bool = False, cache: Keeper | None = None, goes_on: bool = False) -> Indexed:
        """As a run does it, a new one unless it `goes_on`."""
        run = self.runs[-1] if goes_on else await self.begin()
        return await index(run, self.job, self.folder, self.services, rehash=rehash, cache=cache)

    async def manifest(self) -> dict[str, Entry]:
        """What the latest run is to distribute."""
        found = (await self.row()).manifest
        assert found is not None
        return {one.relative: one for one in await entries(self.services.ledger, found)}

    def ignoring(self, *patterns: str) -> None:
        """All destinations leave these out."""
        self.each_ignoring(*[patterns] * len(self.job.destinations))

    def each_ignoring(self, *patterns: Sequence[str]) -> None:
        """Every destination leaves out its own."""
        made = [
            replace(to, profile=replace(to.profile, ignore=tuple(own)))
            for to, own in zip(self.job.destinations, patterns, strict=True)
        ]
        self.job = replace(self.job, destinations=tuple(made))

    def following(self) -> None:
        """Links of the source are followed."""
        self.job = replace(self.job, source=replace(self.job.source, follow_links=True))

    def put(self, files: Mapping[str, str]) -> None:
        """Make files; their times are a little past, as those of most files are."""
        for relative, text in files.items():
            path = self.folder / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(10**18, 10**18))


@asynccontextmanager
async def indexer(folder: Path, files: Mapping[str, str]) -> AsyncIterator[Indexer]:
    """A source with these files, and two destinations."""
    source = folder / "prices"
    source.mkdir()
    text = f'[source]\npath = "{source}"\n[[destinations]]\ngroup = "shops"\n'
    job = read(folder / "jobs", prices=text).jobs["prices"]
    clock = TurnedClock(START)
    async with stage(folder, clock=clock) as made:
        one = Indexer(source, job, made.engine.runner.services, clock)
        one.put(files)
        yield one
