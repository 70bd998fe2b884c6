"""The engine of job runs: each live run has a life of its own here, whoever started it, and whatever was killed."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import structlog

from gateway.config.findings import suggestion
from gateway.config.loaded import Loaded
from gateway.core.errors import GatewayError, Refused, Unknown
from gateway.core.moments import moment, ns
from gateway.jobs import orders
from gateway.jobs.frozen import thaw
from gateway.jobs.hands import Hands
from gateway.jobs.life_rows import read_rows
from gateway.jobs.model import Job
from gateway.jobs.read import Jobs
from gateway.jobs.run_life import May, Order, RunLife
from gateway.jobs.schedule import deadline_at
from gateway.jobs.starting import RESTART, Also, Start, clocks_of, frozen_run, start_row
from gateway.jobs.underway import Underway
from gateway.ledger import job_runs
from gateway.ledger.job_runs import JobRunRow
from gateway.runner.places import Places
from gateway.runner.services import Services

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 30.0
_FAULT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the engine finds in the process that it works in; asked anew at each start, since a reload changes it."""

    services: Callable[[], Services]
    places: Places
    hands: Hands


class JobEngine:
    """Starts runs, keeps them going, and does what a person asks of them."""

    def __init__(self, loaded: Loaded, jobs: Jobs, around: Around) -> None:
        self.loaded = loaded
        self.jobs = jobs
        self._around = around
        self._lives: dict[int, RunLife] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self.changed = asyncio.Event()
        """Set when there are other jobs, or one was saved or held: whoever starts them by the clock looks anew."""

    @property
    def services(self) -> Services:
        """Those of now; a run under way keeps its own."""
        return self._around.services()

    def renew(self, loaded: Loaded, jobs: Jobs) -> None:
        """Take over a reloaded configuration; runs under way keep what they began with."""
        self.loaded, self.jobs = loaded, jobs
        self.changed.set()
        self.stir()

    def stir(self) -> None:
        """A pause ended, an endpoint answers again: every run looks."""
        for life in self._lives.values():
            life.stir()

    def job(self, name: str) -> Job:
        """A job that can run.  Raises Unknown, Refused with its first error."""
        if name not in self.jobs.jobs:
            raise Unknown(f"there is no job {name!r}; {suggestion(name, self.jobs.jobs)}")
        if name in self.jobs.broken:
            raise Refused(f"{name} can't run: {self.jobs.broken[name]}")
        if not self.jobs.jobs[name].enabled:
            raise Refused(f"{name} can't run: enabled = false ({self.jobs.jobs[name].span})")
        return self.jobs.jobs[name]

    async def start(self, name: str, start: Start | None = None) -> int:
        """Start a run; its number.  Raises Unknown, Refused, JobAlreadyRuns beside one that goes on.

        A job that is held is held no more.
        """
        release = partial(job_runs.let_go, job=name, at=self._now())
        return await self.start_job(self.job(name), start or Start(), release)

    async def start_job(self, job: Job, start: Start, also: Also | None = None) -> int:
        """Start a run of exactly this job; `also` is written in the same commit."""
        ledger, now = self.services.ledger, self.services.clock.now()
        saved_at = await self.saved_at(job.name, now)
        frozen = await asyncio.to_thread(frozen_run, self.loaded, job, start, saved_at, now)
        begin = partial(
            start_row,
            frozen=frozen,
            at=ns(now),
            asked=start.is_asked,
            skip_if_running=job.schedule.skip_if_running,
            also=also,
        )
        await self.adopt()
        found = await ledger.take(begin)
        await self.adopt()
        return found

    async def restart(self, run: int, endpoint: str | None = None, *, by: str | None = None) -> int:
        """Run the job of an ended run again, or begin one destination anew; the number of the run that does it."""
        row = await self._row(run)
        if endpoint is not None:
            await self._restart_place(row, endpoint)
            return run
        if not row.terminal:
            raise Refused(f"run {run} of {row.job} is {row.state.value}; stop it first: gateway job stop {run}")
        job = self.job(row.job) if row.job in self.jobs.jobs else thaw(row.text)
        return await self.start_job(job, Start(trigger=RESTART, by=by, restarted_from=run))

    async def pause(self, run: int, by: str = "") -> None:
        """Hold a run: partials stay, it goes on with them."""
        await self._order(run, partial(orders.pause, by=by, at=self._now()), ending=None, may=orders.may_pause)

    async def resume(self, run: int) -> None:
        """Let a paused run go on."""
        await self._order(run, partial(orders.resume, at=self._now()))

    async def stop(self, run: int, by: str = "") -> None:
        """End a run as it is."""
        await self._order(run, partial(orders.stop, by=by, at=self._now()), ending=None)

    async def approve(self, run: int, endpoint: str | None = None) -> None:
        """Let what waits for a person's word go on."""
        await self._order(run, partial(orders.approve, endpoint=endpoint, at=self._now()))

    async def adopt(self) -> None:
        """Go on with every run that nobody works on: started just now, or left by a process that died."""
        for row in await self.services.ledger.read(job_runs.orphans):
            if row.id not in self._tasks:
                self._take(row)

    @property
    def is_busy(self) -> bool:
        """True while a run goes on here."""
        return bool(self._tasks)

    async def over(self, run: int) -> JobRunRow:
        """Wait until a run is over, or until nobody here works on it any more."""
        task = self._tasks.get(run)
        if task is not None:
            await asyncio.wait({task})
        return await self._row(run)

    async def run(self) -> None:
        """Keep every run going until cancelled; they go on at the next start."""
        try:
            while True:
                await self.adopt()
                await self.services.clock.sleep(_LOOK_EVERY_S)
        except asyncio.CancelledError:  # trouble with a look ends no run
            await self.close()
            raise

    async def close(self) -> None:
        """End the lives here; the runs stay live in the ledger."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _take(self, row: JobRunRow) -> None:
        life = RunLife(self._under(row), self._around.hands)
        self._lives[row.id] = life
        self._tasks[row.id] = asyncio.get_running_loop().create_task(self._lived(life))

    def _under(self, row: JobRunRow) -> Underway:
        job, services = thaw(row.text), self.services
        return Underway(
            row=row,
            job=job,
            loaded=self.loaded,
            services=services,
            places=self._around.places,
            source=self._around.hands.source(services, job),
        )

    async def _lived(self, life: RunLife) -> None:
        """A fault of ours costs this run a minute, no other anything."""
        run = life.under.run
        try:
            while True:
                try:
                    await life.live()
                except GatewayError as error:
                    log.error("job run can't go on now", run=run, error=str(error))
                except Exception:
                    log.exception("job run crashed, it is taken up again", run=run)
                else:
                    return
                await self.services.clock.sleep(_FAULT_S)
        finally:
            self._lives.pop(run, None)
            self._tasks.pop(run, None)
            self.stir()  # one of the same job may wait for this end

    async def _order(
        self, run: int, change: Order, *, ending: Iterable[str] | None = (), may: May | None = None
    ) -> None:
        row = await self._row(run)
        await self.adopt()
        life = self._lives.get(run)
        if life is not None:
            await life.order(change, ending, may)
            return
        await self._change(row.id, change)

    async def _restart_place(self, row: JobRunRow, endpoint: str) -> None:
        """A person says so: an endpoint that has failed again and again is tried at once."""
        if endpoint in self.loaded.config.endpoints:
            await self.services.pool.forget_trouble(endpoint)
        if not row.terminal:
            again = partial(orders.begin_again, endpoint=endpoint, at=self._now())
            try:
                await self._order(
                    row.id, again, ending=[endpoint], may=partial(orders.may_begin_again, endpoint=endpoint)
                )
            except orders.RunIsOver:
                row = await self.over(row.id)  # it came to its end since it was looked at
            else:
                return
        await self._reopen(row, endpoint)

    async def _reopen(self, row: JobRunRow, endpoint: str) -> None:
        job, now = thaw(row.text), self.services.clock.now()
        clocks = clocks_of(self.loaded, job, await self.saved_at(job.name, now))
        until = ns(deadline_at(job.deadline, now, job.schedule, clocks))
        await self._change(row.id, partial(orders.reopen, endpoint=endpoint, deadline_at=until, at=self._now()))
        await self.adopt()

    async def _change(self, run: int, change: Order) -> None:
        ledger = self.services.ledger
        await ledger.write(lambda connection: change(connection, read_rows(connection, run, ledger.now_ns())))

    async def _row(self, run: int) -> JobRunRow:
        row = await self.services.ledger.read(partial(job_runs.get, found=run))
        if row is None:
            raise Unknown(f"there is no job run {run}; gateway job runs shows those that there are")
        return row

    async def saved_at(self, job: str, now: datetime) -> datetime:
        """When the job was saved; one that never was counts from now."""
        own = (await self.services.ledger.read(job_runs.remembered)).get(job)
        return moment(own.saved_at, UTC) if own is not None else now

    def _now(self) -> int:
        return self.services.ledger.now_ns()
