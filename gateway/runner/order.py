"""`order`: when a file of a command may take its final name (LANGUAGE §3)."""

import asyncio

from gateway.core.errors import GatewayError
from gateway.language.settings import Order


class NotMyTurn(GatewayError):
    """A file in front failed, and the command's order is strict: this one is left for a later run."""


class Turns:
    """Files numbered from 1 take their names in that order; bytes travel side by side meanwhile.

    `kept`: number n waits until all in front have their names or have failed.  `strict`: and gives up if one failed.
    `free`: nobody waits.
    """

    def __init__(self, order: Order, count: int) -> None:
        self._order = order
        self.count = count
        self._front = 1
        self._finished: set[int] = set()
        self._first_failed = count + 1
        self._turn = [asyncio.Event() for _ in range(count + 2)]
        self._turn[1].set()

    async def wait(self, number: int) -> None:
        """Return when it is the turn of `number`.  Not bounded here: each file in front is bounded itself.

        Raises NotMyTurn where the order is strict and one in front has failed.
        """
        if self._order is Order.FREE:
            return
        await self._turn[number].wait()
        if self._order is Order.STRICT and self._first_failed < number:
            raise NotMyTurn(f"file {self._first_failed} of this command failed, and its order is strict")

    def over(self, number: int, *, failed: bool = False) -> None:
        """`number` has its name, or has failed for this run; whoever is in front then may go."""
        if failed:
            self._first_failed = min(self._first_failed, number)
        self._finished.add(number)
        while self._front in self._finished:
            self._finished.discard(self._front)
            self._front += 1
            self._turn[self._front].set()
