"""`order`: when a file of a command may take its final name (LANGUAGE §3)."""

import asyncio
import itertools
from collections.abc import Sequence

from gateway.core.errors import GatewayError
from gateway.language.settings import Order


class NotMyTurn(GatewayError):
    """A file in front failed, and the command's order is strict: this one is left for a later run."""


class _Line:
    """Passed by numbers from 1, each after all in front of it."""

    def __init__(self) -> None:
        self._front = 1  # all before it have passed
        self._early: set[int] = set()
        self._waiting: dict[int, asyncio.Event] = {}

    async def reach(self, number: int) -> None:
        """Return once all in front of `number` have passed."""
        if number > self._front:
            await self._waiting.setdefault(number, asyncio.Event()).wait()

    def has_passed(self, number: int) -> bool:
        """True if `number` is through."""
        return number < self._front or number in self._early

    def passed(self, number: int) -> None:
        """`number` is through; a second time changes nothing."""
        if number < self._front:
            return
        self._early.add(number)
        while self._front in self._early:
            self._early.discard(self._front)
            self._front += 1
            reached = self._waiting.pop(self._front, None)
            if reached is not None:
                reached.set()


class Turns:
    """Files numbered from 1 take their names in that order; bytes travel side by side meanwhile.

    `kept`: number n waits until all in front have their names or have failed; where the peer carries renames out in
    the order in which they come, until theirs have been sent.  `strict`: and gives up if one failed.  `free`: nobody
    waits.
    """

    def __init__(self, order: Order, count: int) -> None:
        self._order = order
        self.count = count
        self._first_failed = count + 1
        self._over = _Line()
        self._placing = _Line()
        self._renames = _Line()

    async def wait(self, number: int) -> None:
        """Return when it is the turn of `number`.  Not bounded here: each file in front is bounded itself.

        Raises NotMyTurn where the order is strict and one in front has failed.
        """
        if self._order is Order.FREE:
            return
        await self._over.reach(number)
        if self._order is Order.STRICT and self._first_failed < number:
            raise NotMyTurn(f"file {self._first_failed} of this command failed, which keeps those behind it back")

    def in_line(self, number: int) -> "InTurn | None":
        """The turn of `number` among renames that are sent without waiting for answers; None where that won't do."""
        return InTurn(number, self._placing, self._renames, self._over) if self._order is Order.KEPT else None

    def together(self, numbers: Sequence[int], *, in_line: bool) -> list[tuple[slice, "TurnOfMany"]]:
        """Which of `numbers`, by their positions, take their names at once, and the turn of each such part.

        Where the order is kept, a number that is missing parts those in front of it from those behind.
        """
        if self._order is Order.FREE:
            return [(slice(0, len(numbers)), TurnOfMany((), self._over, self._over, passes=False))]
        placing, renames = (self._placing, self._renames) if in_line else (self._over, self._over)
        starts = [at for at, number in enumerate(numbers) if not at or numbers[at - 1] != number - 1]
        parts = [slice(start, end) for start, end in itertools.pairwise([*starts, len(numbers)])]
        return [(part, TurnOfMany(numbers[part], placing, renames, passes=in_line)) for part in parts]

    def over(self, number: int, *, failed: bool = False) -> None:
        """`number` has its name, or has failed for this run; whoever is in front then may go."""
        if failed:
            self._first_failed = min(self._first_failed, number)
        for line in (self._placing, self._renames, self._over):
            line.passed(number)


class TurnOfMany:
    """The place of files that follow each other and take their names at once; nobody's place without numbers.

    Where they `pass` a line, those behind follow as soon as they did; else those behind wait until they are over.
    """

    def __init__(self, numbers: Sequence[int], placing: _Line, renames: _Line, *, passes: bool) -> None:
        self._numbers = numbers
        self._placing = placing
        self._renames = renames
        self._passes = passes

    async def before_placing(self) -> None:
        """As `InTurn`, for all of them."""
        await self._reach(self._placing)
        self._pass(self._placing)

    async def before_rename(self) -> None:
        """As `InTurn`."""
        await self._reach(self._renames)

    def renames_sent(self) -> None:
        """As `InTurn`."""
        self._pass(self._renames)

    async def _reach(self, line: _Line) -> None:
        if self._numbers:
            await line.reach(self._numbers[0])

    def _pass(self, line: _Line) -> None:
        for number in self._numbers if self._passes else ():
            line.passed(number)


class InTurn:
    """One file's place among renames that follow each other on one channel.

    A file whose rename failed, alone or with others, has lost its place when it is tried again: it waits until all in
    front are over.
    """

    def __init__(self, number: int, placing: _Line, renames: _Line, over: _Line) -> None:
        self._number = number
        self._placing = placing
        self._renames = renames
        self._over = over
        self._sent = renames.has_passed(number)

    async def before_placing(self) -> None:
        """Return when all in front are about to take their names: nobody waits for long with `placing` recorded."""
        await self._placing.reach(self._number)
        self._placing.passed(self._number)

    async def before_rename(self) -> None:
        """Return when the renames of all in front have been sent, or never will be."""
        await (self._over if self._sent else self._renames).reach(self._number)

    def rename_sent(self) -> None:
        """The next one may send its own."""
        self._sent = True
        self._renames.passed(self._number)
