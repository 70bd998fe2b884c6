"""The engine of job runs as a gateway has it: the configuration's jobs, and hands that use the gateway's own."""

import asyncio
from functools import partial

import structlog

from gateway.config.loaded import Loaded
from gateway.jobs.check import Known
from gateway.jobs.engine import Around, JobEngine
from gateway.jobs.read import Jobs, read_jobs
from gateway.jobs.working import Working
from gateway.ledger import Ledger
from gateway.runner.places import Places
from gateway.runner.runner import Runner
from gateway.runner.settling import Settling
from gateway.service.probed import probed_hashes

log = structlog.get_logger(__name__)


async def configured_jobs(loaded: Loaded, ledger: Ledger) -> Jobs:
    """The jobs of a configuration, checked with what probes have found; most have none, and pay nothing."""
    if not loaded.config.jobs:
        return Jobs({}, {}, ())
    hashes = await ledger.read(partial(probed_hashes, names=loaded.config.endpoints))
    jobs = await asyncio.to_thread(read_jobs, loaded, Known.of(loaded, hashes))
    for name, finding in jobs.broken.items():
        log.warning("job can't run", job=name, finding=str(finding))
    return jobs


def job_engine(loaded: Loaded, jobs: Jobs, runner: Runner, places: Places, settling: Settling) -> JobEngine:
    """Runs of jobs share the gateway's places with those of actions."""
    hands = Working(settle=settling.look)
    return JobEngine(loaded, jobs, Around(services=lambda: runner.services, places=places, hands=hands))
