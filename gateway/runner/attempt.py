"""One file of a command, tried again while that can help."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import structlog

from gateway.core.errors import GatewayError, NameTaken, NeedsOperator, Retryable
from gateway.endpoints.lane import Lane
from gateway.ledger import Connection, deliveries
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.runner.failing import record_failure
from gateway.runner.jobs import LEFT_FOR_LATER, Ended, Ends, Job
from gateway.runner.order import NotMyTurn
from gateway.runner.refusing import Folders
from gateway.runner.retrying import pause_s
from gateway.runner.run import Run
from gateway.transfer.deliver import deliver, resume_delivery
from gateway.transfer.intent import Caller, Delivered, Hooks, InLine, Outcome

log = structlog.get_logger(__name__)


_OVER = (State.DONE, State.AWAITING, State.DELETE_FAILED)


@dataclass(slots=True)
class Attempts:
    """The attempts at one file; `delivery` is its id once it is in the ledger."""

    run: Run
    job: Job
    lane: Lane
    ends: Ends
    hooks: Hooks
    my_turn: Callable[[], Awaitable[None]]
    folders: Folders
    in_line: InLine | None = None
    delivery: int | None = None

    async def carry(self) -> Ended:
        """Bring the file to an end for this run; its own errors are results, never raised."""
        self.delivery = self.job.delivery
        last = self.run.settings.retries
        for attempt in range(last + 1):
            try:
                await (self.lane.renew() if attempt else self.lane.repair())
                return self._ended(await self._try(), attempt)
            except LEFT_FOR_LATER as error:
                return await self._failed(error)
            except GatewayError as error:
                if not isinstance(error, Retryable) or attempt == last:
                    return await self._failed(error)
                await self._pause(attempt, error)
        raise AssertionError("the last attempt returns")

    async def give_up(self, error: GatewayError) -> Ended:
        """End the file for this run without an attempt: what has failed for others would fail for it, too."""
        self.delivery = self.job.delivery
        if self.delivery is not None:
            await self.run.services.ledger.write(partial(self._released, found=self.delivery, error=error))
        return await self._failed(error)

    def _released(self, connection: Connection, found: int, error: GatewayError) -> None:
        owner = self.run.services.owner
        deliveries.release(connection, found, owner, str(error), type(error).__name__)

    async def _try(self) -> Outcome:
        services = self.run.services
        source, target = self.ends.source(self.lane), self.ends.target(self.lane)
        caller = Caller(
            before_placing=self.my_turn,
            in_line=self.in_line,
            on_progress=self._told,
            on_intended=self._intended,
            also=self.hooks,
        )
        go = partial(deliver, self.job.intent)
        if self.delivery is not None:
            go = partial(resume_delivery, self.delivery)
        return await go(
            source, target, ledger=services.ledger, clock=services.clock, owner=services.owner, caller=caller
        )

    def _intended(self, row: DeliveryRow) -> None:
        self.delivery = row.id

    def _told(self, size_bytes: int) -> None:
        self.run.services.progress(self.job.name, self.job.intent.stamp.size_bytes, size_bytes)
        if self.delivery is not None:
            self.run.moving[self.delivery] = size_bytes

    async def _pause(self, attempt: int, error: GatewayError) -> None:
        """The next attempt is a time in the row; meanwhile the run gives its place back."""
        wait_s = pause_s(self.run, attempt)
        log.info(
            "file failed, will try again",
            action=self.run.instance.name,
            file=self.job.name,
            attempt=attempt + 1,
            in_s=round(wait_s, 1),
            error=str(error),
        )
        if self.delivery is not None:
            at = self.run.services.ledger.now_ns() + int(wait_s * 1e9)
            await self.run.services.ledger.write(partial(deliveries.again_at, found=self.delivery, next_at=at))
        await self.run.wait(wait_s)

    def _ended(self, outcome: Outcome, attempt: int) -> Ended:
        row = outcome.row
        self.run.moving.pop(row.id, None)
        if isinstance(outcome, Delivered):
            tell_delivered(row, attempt + 1)
            return Ended(self.job, row, None)
        return Ended(self.job, row, (NameTaken if outcome.name_taken else NeedsOperator)(outcome.reason))

    async def _failed(self, error: GatewayError) -> Ended:
        error = self.folders.judged(error, self.job.intent)
        if self.delivery is not None and not isinstance(error, NotMyTurn):  # then its bytes lie there
            self.run.moving.pop(self.delivery, None)
        work = partial(
            record_failure,
            instance=self.run.instance,
            intent=self.job.intent,
            delivery=self.delivery,
            error=error,
            at=self.run.services.ledger.now_ns(),
        )
        row = await self.run.services.ledger.write(work)
        if row is not None and row.state in _OVER:
            return Ended(self.job, row, None)  # settled meanwhile, by whoever came first
        ended = Ended(self.job, row, error)
        tell = log.warning if ended.failed else log.debug
        tell(
            "not delivered",
            action=self.run.instance.name,
            file=self.job.name,
            delivery=self.delivery,
            error=str(error),
            error_class=type(error).__name__,
        )
        return ended


def tell_delivered(row: DeliveryRow, attempt: int, told: structlog.typing.FilteringBoundLogger = log) -> None:
    """The line of each file that has arrived; who tells of many hands in a logger that is bound."""
    told.info(
        "delivered",
        action=row.intent.action,
        run=row.intent.run,
        delivery=row.id,
        endpoint=row.intent.endpoint,
        file=row.name,
        final=row.final,
        bytes=row.size,
        sha256=row.sha256,
        took_s=round(((row.delivered_at or row.started_at) - row.started_at) / 1e9, 3),
        attempt=attempt,
    )
