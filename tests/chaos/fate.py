"""What goes wrong, and when: drawn from one seed, until the budget of faults is spent."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.core.errors import LinkLost

T = TypeVar("T")


class Kill(BaseException):
    """The process is gone; nothing of it runs any more."""


@dataclass
class Fate:
    """One process's luck.  `world` happens between any two of its calls."""

    rng: random.Random
    budget: list[int]
    world: Callable[[], None]
    dead: bool = False
    task: "asyncio.Task[object] | None" = None
    told: list[str] = field(default_factory=list)
    """What was called and what went wrong, for the message of a broken promise."""
    lost: set[int] = field(default_factory=set)
    """Sessions whose link is gone."""

    def strikes(self, chance: float) -> bool:
        """True if a fault happens now."""
        if self.budget[0] <= 0 or self.rng.random() >= chance:
            return False
        self.budget[0] -= 1
        return True

    def breathe(self) -> None:
        """Between two calls: the process may be killed or told to stop."""
        if self.dead:
            raise Kill
        self.world()
        if self.strikes(0.03):
            self.dead = True
            self.told.append("KILLED")
            raise Kill
        if self.task is not None and self.strikes(0.01):
            self.told.append("CANCELLED")
            self.task.cancel()

    async def ledger_call(self, call: Callable[[], Awaitable[T]]) -> T:
        """A commit, which a kill may come before or after."""
        self.breathe()
        answer = await call()
        self.breathe()
        return answer

    async def remote_call(
        self, session: int, call: Callable[[], Awaitable[T]], late: Callable[[], None] | None = None
    ) -> T:
        """A call to a peer: the link may break before it, after it, or so that it is executed `late`."""
        self.breathe()
        if session in self.lost or self.strikes(0.04):
            self.lost.add(session)
            self.told.append("LOST")
            raise LinkLost("the link broke before the call")
        if late is not None and self.strikes(0.10):
            self.lost.add(session)
            self.told.append("LATE")
            late()
            raise LinkLost("the link broke; the call is still on its way")
        answer = await call()
        if self.strikes(0.04):
            self.lost.add(session)
            self.told.append("UNANSWERED")
            raise LinkLost("the answer was lost")
        self.breathe()
        return answer
