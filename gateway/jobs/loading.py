"""The files that a destination lacks, on their way as those of any action are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from gateway.core.model import Stamp
from gateway.core.timetable import parse_timetable
from gateway.endpoints.base import Endpoint
from gateway.endpoints.budget import Budget
from gateway.endpoints.lane import Lane
from gateway.endpoints.paths import join
from gateway.endpoints.throttle import Throttled
from gateway.jobs.gated import Gated
from gateway.jobs.model import Destination
from gateway.jobs.place_tree import ARCHIVE
from gateway.jobs.two_steps import TwoSteps
from gateway.language.nodes import Put
from gateway.ledger import job_rounds
from gateway.ledger.delivery_row import DeliveryRow
from gateway.ledger.intent import Intent, Share
from gateway.ledger.job_contents import Entry, ctimes
from gateway.ledger.runs import FrozenFile
from gateway.runner.carrying import Carrying
from gateway.runner.intents import Destination as Going
from gateway.runner.intents import plan
from gateway.runner.interrupted import Work
from gateway.runner.jobs import Ends, Job
from gateway.runner.run import CommandFailed, Run
from gateway.runner.sending import lanes, width

_EXECUTABLE = 0o111
_LANES = 16
"""To all destinations of a run: where they are many, one more login each would win nothing."""
_NUMBER = 1
"""The PUT is a destination's first command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """One destination's load, of `loads` of the run.

    `folder` is where the files of the source of `job` lie, `job_run` and `place` are rows.
    """

    run: Run
    put: Put
    to: Destination
    job_run: int
    place: int
    source: Endpoint
    folder: str
    loads: int
    job: str

    async def send(self, missing: Sequence[Entry], standing: frozenset[str], *, gated: bool) -> None:
        """Bring all that is `missing`; `gated`: as far as just before it takes its name.

        What fails of single files stands in the ledger.  Raises what concerns the whole endpoint.
        """
        jobs = [Job(intent.n, intent) for intent in await self._intents(missing, standing)]
        if gated and jobs and self._budget() is None:
            async with lanes(self.run)() as lane:
                jobs = await TwoSteps(self.run, self.source, lane).lay(jobs)
        await self._carry(jobs, gated=gated)
        if gated:
            self.run.notes.clear()  # that each was left without its name says nothing

    async def place_all(self, rows: Sequence[DeliveryRow]) -> None:
        """Give their names to files that were laid down."""
        if rows:
            async with lanes(self.run)() as lane:
                rows = await TwoSteps(self.run, self.source, lane).name(rows)
        await self._carry([Job(row.intent.n, row.intent, row.id) for row in rows], gated=False)

    async def laid(self) -> tuple[DeliveryRow, ...]:
        """What lies there and has no name yet."""
        return await self.run.services.ledger.read(partial(job_rounds.laid, found=self.run.id))

    async def _carry(self, jobs: Sequence[Job], *, gated: bool) -> None:
        if not jobs:
            return
        budget = self._budget()

        def target(lane: Lane) -> Endpoint:
            paid = lane.endpoint if budget is None else Throttled(lane.endpoint, budget)
            return Gated(paid) if gated else paid

        ends = Ends(source=lambda _: self.source, target=target)
        try:
            await Carrying(self.run, _NUMBER, self.put, ends).carry(Work(jobs), lanes(self.run), self._width)
        except CommandFailed as error:
            if error.cause.concerns_endpoint:
                raise error.cause from error
        if not gated:
            ledger = self.run.services.ledger
            await ledger.write(partial(job_rounds.note_unsettled, found=self.run.id, at=ledger.now_ns()))

    @property
    def _width(self) -> int:
        return max(1, min(width(self.run), _LANES // self.loads))

    def _budget(self) -> Budget | None:
        """What the profile lets through, beside what the endpoint does."""
        if self.to.profile.bandwidth == "off":
            return None
        services = self.run.services
        limits = parse_timetable(self.to.profile.bandwidth)
        own = replace(services.pool.place(self.run.endpoint), bandwidth=limits, zone=self.run.instance.zone)
        return Budget(own, services.clock)

    async def _intents(self, missing: Sequence[Entry], standing: frozenset[str]) -> list[Intent]:
        """What is intended for each, as the PUT says it."""
        if not missing:
            return []
        touched = await self.run.services.ledger.read(partial(ctimes, job=self.job, entries=missing))
        files = [self._file(entry, touched.get(entry.relative)) for entry in missing]
        async with self.run.services.pool.session(self.run.endpoint) as peer:
            going = Going(peer, False, self.run.folder, self.put.target)
            planned = await plan(self.run, _NUMBER, self.put, files, going, of=len(files))
        pairs = zip(planned, missing, strict=True)
        return [self._of_job(one.intent, entry, entry.relative in standing) for one, entry in pairs]

    def _file(self, entry: Entry, touched_ns: int | None) -> FrozenFile:
        stamp = Stamp(entry.size, entry.mtime_ns, ctime_ns=touched_ns)
        return FrozenFile(entry.n, join(self.folder, entry.relative), entry.relative, stamp)

    def _of_job(self, intent: Intent, entry: Entry, stands: bool) -> Intent:
        kept = f"{self.to.place.rstrip('/')}/{ARCHIVE}/{self.job_run}/{entry.relative}"
        return replace(
            intent,
            sha256=entry.sha256,
            executable=bool(entry.mode & _EXECUTABLE),
            archive=kept if stands and self.to.profile.archive else None,
            share=Share(run=self.job_run, place=self.place, relative=entry.relative, digest=entry.digest),
        )
