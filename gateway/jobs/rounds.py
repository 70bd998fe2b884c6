"""A runner's run around what a job does: collecting and loading use the runner's pieces, which need one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from gateway.jobs.compiled import Part
from gateway.jobs.underway import Underway
from gateway.ledger import Connection, job_rounds, runs
from gateway.runner.instance import Instance
from gateway.runner.rounds import ended, round_of
from gateway.runner.run import Run
from gateway.transfer.bounded import cleaned

__all__ = ["around", "ended", "round_of"]


@asynccontextmanager
async def around(under: Underway, part: Part, command: int) -> AsyncIterator[Run]:
    """The run of `part` at its `command`, ended whatever happens; one that a kill left is ended before."""
    instance, services = under.instance(part), under.services
    async with under.places.taken(under.row.priority) as place:
        begin = partial(_begin, instance=instance, owner=services.owner, at=services.ledger.now_ns())
        found = await services.ledger.take(begin)
        run = round_of(found, instance, services, place)
        run.command = command
        try:
            yield run
        except BaseException as error:
            await cleaned(ended(run, error))
            raise
        await ended(run, None)


def _begin(connection: Connection, instance: Instance, owner: int, at: int) -> int:
    earlier = runs.latest_of(connection, instance.name)
    if earlier is not None and earlier.state != "ended":
        job_rounds.end(connection, earlier.id, error="the gateway was stopped", error_class=job_rounds.STOPPED, at=at)
    return runs.start(
        connection,
        action=instance.name,
        endpoint=instance.endpoint,
        trigger="job",
        owner=owner,
        script_sha256=instance.script_sha256,
        at=at,
    )
