"""-DIF: only files whose content differs from what stands at the destination."""

from dataclasses import replace

from gateway.core.errors import NotThere
from gateway.endpoints.base import Endpoint
from gateway.language.nodes import Put, Taken
from gateway.runner.interrupted import Work
from gateway.runner.jobs import Job
from gateway.runner.retrying import asked
from gateway.runner.run import Run
from gateway.transfer.verify import sha256_of


async def only_different(run: Run, number: int, command: Put, work: Work) -> Work:
    """Leave out the files that are there with the same content; sizes are compared before anything is hashed.

    With -DEL or -NEW what is there already counts as delivered: else it would stay, and be due for ever.
    """
    if not work.jobs:
        return work
    same: set[int] = await asked(run, lambda peer: _there(run, peer, work))
    if not same:
        return work
    run.notes.append(f"command {number}: {len(same)} files are there already with the same content")
    if command.delete or command.new:
        jobs = [_counted(job) if job.n in same else job for job in work.jobs]
    else:
        jobs = [job for job in work.jobs if job.n not in same]
    return replace(work, jobs=jobs)


def _counted(job: Job) -> Job:
    """Never replaced: equal content counts as delivered, and what changes meanwhile waits."""
    return replace(job, intent=replace(job.intent, mode=Taken.HOLD))


async def _there(run: Run, peer: Endpoint, work: Work) -> set[int]:
    return {job.n for job in work.jobs if job.delivery is None and await _is_there(run, peer, job)}


async def _is_there(run: Run, peer: Endpoint, job: Job) -> bool:
    try:
        there = await peer.stat(job.intent.final)
        if there.stamp.size_bytes != job.intent.stamp.size_bytes:
            return False
        ours = await sha256_of(run.services.sources(follow_links=run.instance.follow_links), job.intent.source)
        return ours is not None and ours == await sha256_of(peer, job.intent.final)
    except NotThere:
        return False
