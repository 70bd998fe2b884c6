"""The clock of jobs: starts that come due, those that were missed, and saving, which starts a job.

What was fired is remembered in the commit that starts the run: a kill in between neither loses a start nor repeats it.
"""

import asyncio
import hashlib
from datetime import UTC, datetime
from functools import cache, partial

import structlog
from pydantic import TypeAdapter

from gateway.core.errors import GatewayError
from gateway.core.moments import moment, ns
from gateway.core.waits import first_of
from gateway.jobs.engine import JobEngine
from gateway.jobs.firing import Firing, fire
from gateway.jobs.model import Job, JobSchedule, Repeat
from gateway.jobs.schedule import begun, next_start, starts_on_save
from gateway.jobs.starting import CATCH_UP, SAVED, SCHEDULE, Start, clocks_of, frozen_run, skip_rows
from gateway.ledger import Connection, job_runs, pauses
from gateway.ledger.job_runs import Remembered

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 30.0


@cache
def _schedule() -> TypeAdapter[JobSchedule]:
    return TypeAdapter(JobSchedule)


class Clockwork:
    """Starts jobs by their schedules."""

    def __init__(self, engine: JobEngine) -> None:
        self._engine = engine

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._engine.changed.clear()
            next_at = await self.look()
            await self._wait(next_at)

    async def look(self) -> datetime | None:
        """Start what is due; when the next start is."""
        services, now = self._engine.services, self._engine.services.clock.now()
        if await services.ledger.read(partial(_is_held, now=ns(now))):
            return None
        remembered = await services.ledger.read(job_runs.remembered)
        times = []
        for name, job in self._engine.jobs.sound().items():
            if job.enabled and job.schedule.repeat is not Repeat.MANUAL:
                times.append(await self._one(job, remembered.get(name), now))
        return min((at for at in times if at is not None), default=None)

    async def save(self, name: str, *, by: str | None = None, start: bool = True) -> int | None:
        """A person saved the job: it starts now, unless its schedule is manual or in the future; the run's number.

        `start` False holds it: nothing starts by itself until it is saved again, or started by hand.
        """
        job, now = self._engine.job(name), self._engine.services.clock.now()
        saved = _remembered(job, now, now, held=not start)
        self._engine.changed.set()
        clocks = clocks_of(self._engine.loaded, job, now)
        if start and starts_on_save(job.schedule, now, clocks):
            also = partial(job_runs.remember, values=saved)
            due = begun(job.schedule, now, clocks)
            return await self._engine.start_job(job, Start(trigger=SAVED, by=by, due=due), also)
        await self._engine.services.ledger.write(partial(job_runs.remember, values=saved))
        return None

    async def hold(self, name: str, *, held: bool = True) -> None:
        """Keep a job from starting by itself, or let it go; what came due meanwhile was not missed."""
        job, now = self._engine.job(name), self._engine.services.clock.now()
        saved_at = await self._engine.saved_at(name, now)
        values = _remembered(job, saved_at, now, held=held)
        await self._engine.services.ledger.write(partial(job_runs.remember, values=values))
        self._engine.changed.set()

    async def _one(self, job: Job, own: Remembered | None, now: datetime) -> datetime | None:
        """One job: what is due of it; its next start."""
        if own is None or own.digest != _digest(job) or own.scheduled_at is None or own.held:
            return await self._met(job, own, now)
        saved_at, since = moment(own.saved_at, UTC), moment(own.scheduled_at, UTC)
        clocks = clocks_of(self._engine.loaded, job, saved_at)
        made = await asyncio.to_thread(fire, job.schedule, clocks, since=since, now=now)
        if made.run_for is None and not made.skipped and made.since == since:
            return made.next_at
        values = _remembered(job, saved_at, made.since, held=False)
        try:
            await self._fired(job, made, values, now)
        except GatewayError as error:
            log.error("job could not be started, it is tried again", job=job.name, error=str(error))
        return made.next_at

    async def _met(self, job: Job, own: Remembered | None, now: datetime) -> datetime | None:
        """Seen for the first time, with another schedule than before, or held: nothing was missed."""
        saved_at = moment(own.saved_at, UTC) if own is not None else now
        held = own is not None and own.held
        if own is None or own.digest != _digest(job) or own.scheduled_at is None:
            values = _remembered(job, saved_at, now, held=held)
            await self._engine.services.ledger.write(partial(job_runs.remember, values=values))
        if held:
            return None
        following = next_start(job.schedule, now, clocks_of(self._engine.loaded, job, saved_at))
        return following.at if following is not None else None

    async def _fired(self, job: Job, made: Firing, values: Remembered, now: datetime) -> None:
        start = Start(trigger=SCHEDULE)
        skipped = await asyncio.to_thread(frozen_run, self._engine.loaded, job, start, now, now)

        def also(connection: Connection) -> None:
            skip_rows(connection, skipped.run, made.skipped, ns(now))
            job_runs.remember(connection, values)

        if made.run_for is None:
            await self._engine.services.ledger.write(also)
            return
        start = Start(trigger=CATCH_UP if made.late else SCHEDULE, due=made.run_for)
        run = await self._engine.start_job(job, start, also)
        log.info("job started by its schedule", job=job.name, run=run, due=str(made.run_for.wall), late=made.late)

    async def _wait(self, next_at: datetime | None) -> None:
        clock = self._engine.services.clock
        waits = [_LOOK_EVERY_S] + ([(next_at - clock.now()).total_seconds()] if next_at is not None else [])
        await first_of(self._engine.changed.wait(), clock.sleep(max(0.01, min(waits))))


def _remembered(job: Job, saved_at: datetime, scheduled_at: datetime, *, held: bool) -> Remembered:
    return Remembered(
        job=job.name, saved_at=ns(saved_at), digest=_digest(job), scheduled_at=ns(scheduled_at), held=held
    )


def _digest(job: Job) -> str:
    """Another one with each change of the schedule."""
    return hashlib.sha256(_schedule().dump_json(job.schedule)).hexdigest()


def _is_held(connection: Connection, now: int) -> bool:
    return any(one.scope == pauses.ALL for one in pauses.paused(connection, now))
