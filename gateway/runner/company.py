"""Small files of a command that go together on one lane; one that leaves the others goes on by itself, beside them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from gateway.endpoints.base import BulkSource, BulkTarget
from gateway.endpoints.lane import Lane
from gateway.ledger.delivery_row import DeliveryRow
from gateway.runner.attempt import tell_delivered
from gateway.runner.jobs import Ended, Ends, Job
from gateway.runner.order import Turns
from gateway.runner.portions import Portion
from gateway.runner.run import Run
from gateway.transfer.intent import Hooks
from gateway.transfer.together import Aboard, Lent, Together


class Company:
    """A lane's small files.  `alone` brings one file to its end by itself, `delivered` takes one that is there."""

    def __init__(
        self,
        run: Run,
        ends: Ends,
        hooks: Hooks,
        turns: Turns,
        *,
        alone: Callable[[Lane, int, Job], Coroutine[Any, Any, None]],
        delivered: Callable[[int, Ended], None],
    ) -> None:
        self._run = run
        self._ends = ends
        self._hooks = hooks
        self._turns = turns
        self._alone = alone
        self._delivered = delivered
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__).bind()

    def possible(self, lane: Lane) -> bool:
        """True if both ends take many files at once."""
        return self._bulk(lane) is not None

    def _bulk(self, lane: Lane) -> tuple[BulkSource, BulkTarget] | None:
        source, target = self._ends.source(lane).bulk_source, self._ends.target(lane).bulk_target
        return None if source is None or target is None else (source, target)

    async def carry(self, portion: Portion, lane: Lane, *, in_line: bool) -> None:
        """Bring each to its end for this run; errors are results."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._together(portion, lane, group, in_line=in_line)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors  # the ledger's trouble, once for all

    async def _together(self, portion: Portion, lane: Lane, group: asyncio.TaskGroup, *, in_line: bool) -> None:
        jobs = dict(portion)

        def left(file: Aboard) -> None:
            job, delivery = jobs[file.number], None if file.row is None else file.row.id
            group.create_task(self._alone(lane, file.number, Job(job.n, job.intent, delivery)))

        files = [Aboard(number, job.intent) for number, job in portion]
        bulk = self._bulk(lane)
        if bulk is None:  # the session was renewed since, and can no longer
            for file in files:
                left(file)
            return
        source, to = bulk
        lent = Lent(
            source=source,
            to=to,
            target=self._ends.target(lane),
            ledger=self._run.services.ledger,
            owner=self._run.services.owner,
            hooks=self._hooks,
            turns=lambda numbers: self._turns.together(numbers, in_line=in_line),
            left=left,
            delivered=lambda row, file: self._there(row, file.number, jobs[file.number]),
        )
        await Together(lent, files).carry()

    def _there(self, row: DeliveryRow, number: int, job: Job) -> None:
        tell_delivered(row, 1, self._log)
        size = job.intent.stamp.size_bytes
        self._run.services.progress(job.name, size, size)
        self._delivered(number, Ended(job, row, None))
