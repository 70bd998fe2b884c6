"""Small files of a command that go together on one lane; one that leaves the others goes on by itself, beside them."""

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import structlog

from gateway.endpoints.base import BulkSource, BulkTarget
from gateway.endpoints.lane import Lane
from gateway.ledger.delivery_row import DeliveryRow
from gateway.runner.attempt import tell_delivered
from gateway.runner.in_between import InBetween
from gateway.runner.jobs import Ended, Ends, Job
from gateway.runner.load import Share
from gateway.runner.order import Turns
from gateway.runner.portions import Portion
from gateway.runner.run import Run
from gateway.runner.stragglers import Stragglers
from gateway.transfer.aboard import Aboard, Lent, Turn
from gateway.transfer.intent import Hooks
from gateway.transfer.together import Together

Parts = Sequence[tuple[slice, Turn]]
"""Files that take their names at once, and their turn."""


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
        self.stragglers = Stragglers(run)

    def possible(self, lane: Lane) -> bool:
        """True if both ends take many files at once."""
        return self._bulk(lane) is not None

    def _bulk(self, lane: Lane) -> tuple[BulkSource, BulkTarget] | None:
        source, target = self._ends.source(lane).bulk_source, self._ends.target(lane).bulk_target
        return None if source is None or target is None else (source, target)

    async def carry(self, portion: Portion, lane: Lane, share: Share, *, in_line: bool) -> None:
        """Bring them as far as they go together; `share` is what they hold of the lane's load.

        Each that leaves the others takes its part of it: were it to wait for more, files behind it might hold that
        and wait for its turn.
        """

        def left(number: int, job: Job) -> None:
            alone = self._alone(lane, number, job)
            self.stragglers.start(alone, job.delivery, share.part(job.intent.stamp.size_bytes))

        await self._together(portion, lane, left, partial(self._turns.together, in_line=in_line))

    async def carry_alone(self, portion: Portion, lane: Lane) -> None:
        """The same on a lane that carries one thing at a time: those that leave go between the others' steps."""
        between = InBetween(self._run, self._turns, partial(self._alone, lane))
        try:
            await self._together(portion, lane, between.add, between.turns)
            await between.end()
        except BaseException:
            await between.stop()
            raise

    async def _together(
        self, portion: Portion, lane: Lane, leaves: Callable[[int, Job], None], turns: Callable[[Sequence[int]], Parts]
    ) -> None:
        aboard = dict(portion)

        def left(file: Aboard) -> None:
            job = aboard.pop(file.number)
            leaves(file.number, Job(job.n, job.intent, file.delivery))

        def delivered(row: DeliveryRow, file: Aboard) -> None:
            self._there(row, file.number, aboard.pop(file.number))

        files = [Aboard(number, job.intent) for number, job in portion]
        bulk = self._bulk(lane)
        if bulk is None:  # the session was renewed since, and can no longer
            for file in files:
                left(file)
            return
        takes, lays = bulk
        lent = Lent(
            source=self._ends.source(lane),
            target=self._ends.target(lane),
            takes=takes,
            lays=lays,
            ledger=self._run.services.ledger,
            owner=self._run.services.owner,
            hooks=self._hooks,
            turns=turns,
            left=left,
            delivered=delivered,
        )
        try:
            await Together(lent, files).carry()
        finally:
            for number in aboard:  # we are stopped: nobody waits for them
                self._turns.over(number, failed=True)

    def _there(self, row: DeliveryRow, number: int, job: Job) -> None:
        tell_delivered(row, 1, self._log)
        size = job.intent.stamp.size_bytes
        self._run.services.progress(job.name, size, size)
        self._delivered(number, Ended(job, row, None))
