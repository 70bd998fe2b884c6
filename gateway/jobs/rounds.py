"""A runner's run around what a job does: collecting and loading use the runner's pieces, which need one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from gateway.jobs.compiled import Part
from gateway.jobs.underway import Underway
from gateway.runner.rounds import begin_round, ended, round_of
from gateway.runner.run import Run
from gateway.transfer.bounded import cleaned


@asynccontextmanager
async def around(under: Underway, part: Part, command: int) -> AsyncIterator[Run]:
    """The run of `part` at its `command`, ended whatever happens; one that a kill left is ended before."""
    instance, services = under.instance(part), under.services
    async with under.places.taken(under.row.priority) as place:
        at = services.ledger.now_ns()
        begin = partial(begin_round, instance=instance, trigger="job", owner=services.owner, at=at)
        found = await services.ledger.take(begin)
        run = round_of(found, instance, services, place)
        run.command = command
        try:
            yield run
        except BaseException as error:
            await cleaned(ended(run, error))
            raise
        await ended(run, None)
