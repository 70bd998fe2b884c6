"""Files of a command that have left those they went with: each goes on by itself, as a task beside the others."""

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any

from gateway.runner.load import Share
from gateway.runner.run import Run
from gateway.transfer.bounded import to_the_end
from gateway.transfer.giving_back import give_back

_MANY = 128
"""With so many under way no more files set out: what makes them stumble may be the peer."""


class Stragglers:
    """Those of one lane.  While all of them only wait, so does the run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._tasks: set[asyncio.Task[None]] = set()
        self._fewer = asyncio.Event()
        self._fewer.set()
        self._errors: list[BaseException] = []
        self._cut: list[int] = []  # deliveries that may still be ours

    @property
    def are_few(self) -> bool:
        """True while others may set out."""
        return self._fewer.is_set()

    async def get_fewer(self) -> None:
        """Return once others may set out; the run gives its place back meanwhile."""
        async with self._run.place.given_back():
            await self._fewer.wait()

    def start(self, work: Coroutine[Any, Any, None], delivery: int | None, share: Share) -> None:
        """Let one go on, with its part of what the others hold; `delivery` is its id where it has one."""
        task, over = asyncio.ensure_future(work), self._run.place.joined()
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, delivery=delivery, share=share))
        task.add_done_callback(lambda _: over())
        if len(self._tasks) >= _MANY:
            self._fewer.clear()

    def _ended(self, task: "asyncio.Task[None]", delivery: int | None, share: Share) -> None:
        self._tasks.discard(task)
        share.give()
        if len(self._tasks) < _MANY:
            self._fewer.set()
        if task.cancelled():
            self._cut += [] if delivery is None else [delivery]
        elif (error := task.exception()) is not None:
            self._errors.append(error)

    async def ended(self) -> list[BaseException]:
        """Return once each is at its end; what went wrong beyond their results."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))
        return self._errors

    async def stop(self) -> None:
        """End them; one that was stopped before it began leaves its delivery to nobody."""
        for task in self._tasks:
            task.cancel()
        try:
            await to_the_end(self.ended())
        finally:
            await leave_to_nobody(self._run, self._cut)


async def leave_to_nobody(run: Run, found: Sequence[int]) -> None:
    """Deliveries that we were stopped from bringing on; those that a task works on are given back by it."""
    ledger = run.services.ledger
    ours = [delivery for delivery in found if delivery not in ledger.active]
    await give_back(ledger, run.services.owner, ours, asyncio.CancelledError())
