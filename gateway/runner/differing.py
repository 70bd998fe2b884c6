"""-DIF: only files whose content differs from what stands at the destination."""

from collections.abc import Sequence

from gateway.core.errors import NotThere
from gateway.endpoints.base import Endpoint
from gateway.runner.jobs import Job
from gateway.runner.run import Run
from gateway.transfer.verify import sha256_of


async def only_different(run: Run, number: int, jobs: Sequence[Job]) -> list[Job]:
    """The jobs whose file isn't there with the same content; sizes are compared before anything is hashed."""
    if not jobs:
        return []
    async with run.services.pool.session(run.endpoint) as peer:
        wanted = [job for job in jobs if job.delivery is not None or not await _is_there(run, peer, job)]
    if len(wanted) < len(jobs):
        run.notes.append(f"command {number}: {len(jobs) - len(wanted)} files are there already with the same content")
    return wanted


async def _is_there(run: Run, peer: Endpoint, job: Job) -> bool:
    try:
        there = await peer.stat(job.intent.final)
    except NotThere:
        return False
    if there.stamp.size_bytes != job.intent.stamp.size_bytes:
        return False
    ours = await sha256_of(run.services.local, job.intent.source)
    return ours is not None and ours == await sha256_of(peer, job.intent.final)
