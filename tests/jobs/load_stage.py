"""A job's run with its destinations, brought on one try at a time; endpoints are folders of this machine, or real."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from gateway.core.clock import TurnedClock
from gateway.core.model import Stamp
from gateway.jobs.content_cache import ContentCache
from gateway.jobs.destination import DestinationLife
from gateway.jobs.indexing import index
from gateway.jobs.manifest import entries
from gateway.jobs.read import read_jobs
from gateway.jobs.shared_source import SharedSource
from gateway.jobs.starting import Start, frozen_run, start_row
from gateway.jobs.underway import Underway
from gateway.ledger import deliveries, job_contents, job_destinations, job_rounds, job_runs
from gateway.ledger.intent import Intent
from gateway.ledger.job_contents import There
from gateway.ledger.job_destinations import FileRow, PlaceRow
from gateway.ledger.job_states import JobState, PlaceState, TriggerState
from gateway.runner.places import Places
from gateway.runner.settling import Settling
from tests.runner.harness import START, Stage, stage
from tests.settled import settled

JOB = """
[jobs.prices]
[jobs.prices.source]
path = "{root}/prices"
[[jobs.prices.destinations]]
endpoint = "far"
path = "in"
"""


@dataclass(slots=True)
class Loads:
    """Runs of the job `prices`; `after` is what after_endpoint comes to, None: there is none."""

    made: Stage
    after: TriggerState | None = None
    after_calls: list[str] = field(default_factory=list)
    readers: int = 1

    async def start(self) -> Underway:
        """A new run, its source indexed, its destinations queued."""
        loaded, ledger = self.made.engine.loaded, self.made.engine.ledger
        jobs = await asyncio.to_thread(read_jobs, loaded)
        assert not jobs.broken, jobs.findings
        job, now = jobs.jobs["prices"], self.made.clock.now()
        frozen = frozen_run(loaded, job, Start(), now, now)
        at = ledger.now_ns()
        run = await ledger.write(partial(start_row, frozen=frozen, at=at, asked=False, skip_if_running=False))
        row = await ledger.read(partial(job_runs.get, found=run))
        assert row is not None
        row = await ledger.write(partial(job_runs.advance, row=row, target=JobState.PREPARING, at=at))
        services = self.made.engine.runner.services
        cache = ContentCache(readers=len(job.destinations))
        source = SharedSource(services.sources(follow_links=job.source.follow_links), cache)
        indexed = await index(run, job, Path(job.source.path), services, rehash=False, cache=cache)
        values = {"manifest": indexed.manifest}
        row = await ledger.write(partial(job_runs.advance, row=row, target=JobState.TRANSFERRING, at=at, values=values))
        under = Underway(
            row=row, job=job, loaded=loaded, services=services, places=Places(8), source=source,
            entries=await entries(ledger, indexed.manifest),
        )  # fmt: skip
        if not job.together:
            under.released.set()
        return under

    async def over(self, under: Underway) -> None:
        """The run ends, so that another may start."""
        advance = partial(job_runs.advance, row=under.row, target=JobState.ABORTED, at=self.made.engine.ledger.now_ns())
        await self.made.engine.ledger.write(advance)

    def settling(self) -> Settling:
        """The service's, which goes on with what nobody works on."""
        return Settling(lambda: self.made.engine.runner.services, lambda _: None)

    async def until(self, under: Underway, state: PlaceState, endpoint: str = "far") -> None:
        """Until a destination has come to `state`."""
        async with asyncio.timeout(100):
            while (await self.row(under, endpoint)).state is not state:
                await asyncio.sleep(0.005)

    async def approve(self, under: Underway, endpoint: str = "far") -> None:
        """A person's word."""
        change = partial(job_destinations.change, run=under.run, endpoint=endpoint, values={"approved": True})
        await self.made.engine.ledger.write(change)

    async def lay_open_delivery(self, final: str) -> None:
        """Somebody else's delivery to a name of the endpoint `far`."""
        intent = Intent(
            action="other", command=1, verb="PUT", endpoint="far", place="far", source="/x", stamp=Stamp(1), final=final
        )
        owner, at = self.made.engine.runner.services.owner, self.made.engine.ledger.now_ns()
        await self.made.engine.ledger.write(
            partial(
                deliveries.intend, intent=intent, final=final, before=None, offset=None, owner=owner, at=at,
                name_partial=lambda _: f"{final}.part",
            )
        )  # fmt: skip

    async def abandon(self, under: Underway, endpoint: str = "far") -> None:
        """It is given up for good."""
        found, at = (await self.row(under, endpoint)).action_run, self.made.engine.ledger.now_ns()
        assert found is not None
        await self.made.engine.ledger.write(partial(job_rounds.abandon, found=found, why="it was stopped", at=at))

    async def turn(self, by: timedelta) -> None:
        """Time passes."""
        clock = self.made.clock
        assert isinstance(clock, TurnedClock)
        await clock.turn(by)
        await settled()

    def life(self, under: Underway, endpoint: str = "far") -> DestinationLife:
        """One destination of a run."""

        async def after(row: PlaceRow) -> TriggerState | None:
            self.after_calls.append(row.endpoint)
            return self.after

        return DestinationLife(under=under, endpoint=endpoint, settle=self.settling().look, after_endpoint=after)

    async def carry(self, under: Underway, endpoint: str = "far") -> PlaceRow:
        """One try; what it came to."""
        await self.made.ending(self.life(under, endpoint).carry())
        return await self.row(under, endpoint)

    async def again(self, under: Underway, endpoint: str = "far") -> PlaceRow:
        """The next try, when it is due."""
        next_at = (await self.row(under, endpoint)).next_at
        assert next_at is not None
        await self.turn(timedelta(seconds=max(0.0, (next_at - self.made.engine.ledger.now_ns()) / 1e9)))
        return await self.carry(under, endpoint)

    async def row(self, under: Underway, endpoint: str = "far") -> PlaceRow:
        row = await self.made.ledger(partial(job_destinations.get, run=under.run, endpoint=endpoint))
        assert row is not None
        return row

    async def files(self, under: Underway, endpoint: str = "far") -> Sequence[FileRow]:
        return await self.made.ledger(partial(job_destinations.files_of, run=under.run, endpoint=endpoint))

    async def there(self, under: Underway, endpoint: str = "far") -> dict[str, There]:
        place = (await self.row(under, endpoint)).place
        return await self.made.ledger(partial(job_contents.there, place=place))

    async def distributed(self, endpoint: str = "far") -> PlaceRow:
        """One run with one destination, from its start to its end."""
        under = await self.start()
        row = await self.carry(under, endpoint)
        await self.over(under)
        return row


@asynccontextmanager
async def loads(root: Path, job: str = JOB, *, endpoint: str = "", turned: bool = False) -> AsyncIterator[Loads]:
    """An engine with the job, its source made; `endpoint` are more lines for the endpoint `far`."""
    (root / "prices").mkdir(exist_ok=True)
    clock = TurnedClock(START) if turned else None
    async with stage(root, job.format(root=root), endpoint=endpoint, clock=clock) as made:
        yield Loads(made)
