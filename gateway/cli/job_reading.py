"""What the verbs of `gateway job` look at: the jobs of the configuration, and what the ledger knows beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.errors import Refused
from gateway.core.moments import moment
from gateway.jobs.check import Known
from gateway.jobs.model import Job, Repeat
from gateway.jobs.read import Jobs, read_jobs
from gateway.jobs.schedule import Clocks
from gateway.jobs.starting import clocks_of
from gateway.ledger import job_runs
from gateway.ledger.job_runs import JobRunRow, Remembered
from gateway.service.near_names import unknown
from gateway.service.probed import probed_hashes
from gateway.service.reading import NothingYet, reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """The jobs, and by job what is remembered and its latest run."""

    loaded: Loaded
    jobs: Jobs
    now: datetime
    remembered: Mapping[str, Remembered] = field(default_factory=dict)
    latest: Mapping[str, JobRunRow] = field(default_factory=dict)

    def clocks(self, job: Job) -> Clocks:
        """Whose clocks the job's schedule goes by; one that was never saved counts from today."""
        own = self.remembered.get(job.name)
        return clocks_of(self.loaded, job, moment(own.saved_at) if own is not None else self.now)

    def holds(self, job: Job) -> bool:
        """True for a job that starts by the clock, and was saved so that it does not."""
        own = self.remembered.get(job.name)
        return job.schedule.repeat is not Repeat.MANUAL and own is not None and own.held

    def job(self, name: str) -> Job:
        """Raises Unknown with the nearest known name."""
        if name not in self.jobs.jobs:
            raise unknown("job", name, self.jobs.jobs)
        return self.jobs.jobs[name]

    def sound(self, name: str) -> Job:
        """A job that can run.  Raises Unknown, Refused with its first error."""
        job = self.job(name)
        if name in self.jobs.broken:
            raise Refused(str(self.jobs.broken[name]))
        return job


async def look(loaded: Loaded, clock: Clock) -> Looked:
    """Read it all."""
    try:
        async with reading(loaded, clock) as ledger:
            hashes = await ledger.read(partial(probed_hashes, names=loaded.config.endpoints))
            remembered = await ledger.read(job_runs.remembered)
            latest = await ledger.read(job_runs.latest)
    except NothingYet:
        hashes, remembered, latest = {}, {}, {}
    jobs = read_jobs(loaded, Known.of(loaded, hashes))
    return Looked(loaded=loaded, jobs=jobs, now=clock.now(), remembered=remembered, latest=latest)
