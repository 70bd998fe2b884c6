"""A gateway that nobody serves: an engine built for one command, without a scheduler."""

import asyncio
from collections.abc import Awaitable
from functools import partial

from gateway.core.errors import GatewayError
from gateway.ledger import Connection, deliveries, runs
from gateway.ledger.delivery_row import State
from gateway.runner.due import Due, Outcome, RunResult
from gateway.scheduler.knowing import KnownFile
from gateway.scheduler.status import ActionStatus
from gateway.service.engine import Engine

STOPPED = "stopped by a person (Ctrl-C)"


class Alone:
    """The engine as the operations need it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def start(self, due: Due) -> RunResult:
        """Settle, go on with what an earlier process left of this action, then run it."""
        await self.engine.settling.look(self.engine.runner.instance(due.action).endpoint or "")
        for row in await self.engine.interrupted():
            if row.action == due.action:
                await self._stoppable(due.action, self.engine.runner.resume(row))
        return await self._stoppable(due.action, self.engine.runner.run(due))

    async def _stoppable(self, action: str, work: Awaitable[RunResult]) -> RunResult:
        try:
            return await work
        except asyncio.CancelledError:
            await self.engine.ledger.write(partial(_stop, action=action, at=self.engine.ledger.now_ns()))
            raise

    def refresh(self, *actions: str) -> None:
        """Nobody schedules here."""

    async def hold_pauses(self) -> None:
        """Nobody schedules here."""

    def statuses(self) -> tuple[ActionStatus, ...]:
        """Nobody schedules here."""
        return ()

    def known(self, path: str) -> tuple[KnownFile, ...]:  # noqa: ARG002
        """Nobody schedules here."""
        return ()


def _stop(connection: Connection, action: str, at: int) -> None:
    """The run ends as stopped, and what had not begun to take its name is given up: nobody expects it to go on."""
    live = runs.live(connection)
    for row in deliveries.open_deliveries(connection, action=action):
        if row.state is State.INTENDED and row.intent.run in live:
            deliveries.fail(connection, row.id, STOPPED, GatewayError.__name__, at)
    latest = runs.latest(connection).get(action)
    if latest is not None and latest.state != "ended":
        runs.end(
            connection,
            latest.id,
            outcome=Outcome.STOPPED.value,
            notes=[STOPPED],
            error=None,
            error_class=None,
            at=at,
        )
