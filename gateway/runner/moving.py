"""How far the files of a run are that take longer than a moment, once a second, for whoever looks on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from gateway.core.clock import Clock
from gateway.core.errors import GatewayError
from gateway.ledger import Ledger, job_moving

_EVERY_S = 1.0


@dataclass(slots=True)
class Moving:
    """`sent` is written by the runner: by delivery, the bytes so far.

    Most files are gone before anybody could look: only what stood there a second ago, too, comes into the ledger.
    """

    sent: dict[int, int] = field(default_factory=dict)
    _before: frozenset[int] = frozenset()
    _noted: dict[int, int] = field(default_factory=dict)

    async def run(self, ledger: Ledger, clock: Clock) -> None:
        """Until cancelled; trouble with the ledger is told by those who need it."""
        while True:
            await clock.sleep(_EVERY_S)
            try:
                await self.look(ledger)
            except GatewayError:
                continue

    async def look(self, ledger: Ledger) -> None:
        """Note what has moved since the last look."""
        now = dict(self.sent)
        slow = {one: count for one, count in now.items() if one in self._before}
        moved = {one: count for one, count in slow.items() if self._noted.get(one) != count}
        if moved or self._noted.keys() - slow.keys():
            await ledger.write(partial(job_moving.note, moved=moved))
        self._before, self._noted = frozenset(now), slow


@asynccontextmanager
async def noted(sent: dict[int, int], ledger: Ledger, clock: Clock) -> AsyncIterator[None]:
    """For the time of the block."""
    looking = asyncio.ensure_future(Moving(sent).run(ledger, clock))
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
