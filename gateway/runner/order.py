"""`order`: when a file of a command may take its final name (LANGUAGE §3)."""

import asyncio

from gateway.language.settings import Order


class Turns:
    """Files numbered from 1 take their names in that order; bytes travel side by side meanwhile.

    `kept` and `strict`: number n waits until n - 1 has its name or has failed.  `free`: nobody waits.
    """

    def __init__(self, order: Order, count: int) -> None:
        self._free = order is Order.FREE
        self._front = 1
        self._finished: set[int] = set()
        self._turn = [asyncio.Event() for _ in range(count + 2)]
        self._turn[1].set()

    async def wait(self, number: int) -> None:
        """Return when it is the turn of `number`.  Not bounded here: each file in front is bounded itself."""
        if not self._free:
            await self._turn[number].wait()

    def over(self, number: int) -> None:
        """`number` has its name, or has failed for this run; whoever is in front then may go."""
        self._finished.add(number)
        while self._front in self._finished:
            self._finished.discard(self._front)
            self._front += 1
            self._turn[self._front].set()
