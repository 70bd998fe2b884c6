"""Files that have left those they went with, on a lane that carries one thing at a time."""

import math
from collections.abc import Awaitable, Callable, Sequence

from gateway.core.errors import GatewayError
from gateway.language.settings import Order
from gateway.runner.jobs import Job
from gateway.runner.order import Turns
from gateway.runner.run import Run
from gateway.runner.stragglers import leave_to_nobody
from gateway.transfer.aboard import Turn


class InBetween:
    """Each is brought to its end by itself while the others leave the lane alone.

    Where the order is kept that is before those behind it take their names, else after all of them.
    """

    def __init__(self, run: Run, turns: Turns, alone: Callable[[int, Job], Awaitable[None]]) -> None:
        self._run = run
        self._turns = turns
        self._alone = alone
        self._waiting: dict[int, Job] = {}
        self._errors: list[GatewayError] = []

    def add(self, number: int, job: Job) -> None:
        """One more has left."""
        self._waiting[number] = job

    def turns(self, numbers: Sequence[int]) -> list[tuple[slice, Turn]]:
        """As `Turns.together`."""
        parts = self._turns.together(numbers, in_line=False)
        if self._run.settings.order is Order.FREE:
            return list(parts)
        return [(part, _After(turn, numbers[part][0], self.bring_on)) for part, turn in parts]

    async def bring_on(self, before: float = math.inf) -> None:
        """Those in front of `before`, one after the other."""
        for number in sorted(self._waiting):
            if number >= before:
                return
            try:
                await self._alone(number, self._waiting[number])
            except GatewayError as exc:  # beyond its result: told at the end
                self._errors.append(exc)
            del self._waiting[number]

    async def end(self) -> None:
        """All that are left.  Raises what went wrong beyond their results."""
        await self.bring_on()
        if self._errors:
            raise self._errors[0]

    async def stop(self) -> None:
        """Nobody brings them on: their deliveries are nobody's."""
        for number in self._waiting:
            self._turns.over(number, failed=True)
        await leave_to_nobody(self._run, [job.delivery for job in self._waiting.values() if job.delivery is not None])


class _After:
    """The turn of files that wait on the same lane for those in front of them."""

    def __init__(self, turn: Turn, first: int, bring_on: Callable[[float], Awaitable[None]]) -> None:
        self._turn = turn
        self._first = first
        self._bring_on = bring_on

    async def before_placing(self) -> None:
        """As `Turn`."""
        await self._bring_on(self._first)
        await self._turn.before_placing()

    async def before_rename(self) -> None:
        """As `Turn`."""
        await self._turn.before_rename()

    def renames_sent(self) -> None:
        """As `Turn`."""
        self._turn.renames_sent()
