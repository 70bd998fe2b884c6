"""Starts runs: never two of one action at once; what comes due meanwhile once after it; a crash stays its action's."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from gateway.core.clock import Clock
from gateway.core.errors import GatewayError
from gateway.core.pauses import pause_after
from gateway.runner.due import Due, Outcome, RunResult
from gateway.scheduler.entry import Entry, Next

log = structlog.get_logger(__name__)

AGAIN_S = 5.0
"""When a run that could not begin is tried again: what kept it (a full disk under the ledger, say) is the gateway's
trouble, not the action's, so all of them go on soon after it is over."""


class Runs(Protocol):
    """What executes a run."""

    async def run(self, due: Due) -> RunResult:
        """Execute `due` and return how it ended; a failed run is a result.  Raises only where no run came about."""
        ...


class Starts:
    """The runs of all actions."""

    def __init__(
        self,
        runs: Runs,
        clock: Clock,
        start: Callable[[Awaitable[None]], "asyncio.Task[None]"],
        ended: Callable[[str], None],
        entry_of: Callable[[str], Entry | None],
    ) -> None:
        self._runs = runs
        self._clock = clock
        self._start = start
        self._ended = ended
        self._entry_of = entry_of

    def start(self, entry: Entry, due: Due, waiter: "asyncio.Future[RunResult] | None" = None) -> None:
        """Run `due` now, or once after the run that is under way."""
        waiters = [waiter] if waiter is not None else []
        if entry.running is None:
            self._begin(entry, Next(due, waiters), lambda: self._runs.run(due))
        elif entry.following is None:
            entry.following = Next(due, waiters)
        else:
            entry.following.waiters += waiters

    def go_on(self, entry: Entry, due: Due, work: Callable[[], Awaitable[RunResult]]) -> None:
        """Count `work`, a run that was interrupted, as the action's run."""
        self._begin(entry, Next(due), work)

    def _begin(self, entry: Entry, this: Next, work: Callable[[], Awaitable[RunResult]]) -> None:
        entry.running_since = self._clock.now()
        entry.running = self._start(self._run(entry.name, this, work))

    async def _run(self, name: str, this: Next, work: Callable[[], Awaitable[RunResult]]) -> None:
        result: RunResult | None = None
        error: Exception | None = None
        try:
            result = await work()
        except GatewayError as exc:
            error = exc
        except Exception as exc:  # a run that crashes is held back and shown; the other actions go on
            log.exception("run crashed", action=name)
            error = exc
        finally:
            _answer(this, result, error)
            entry = self._entry_of(name)
            if entry is not None:
                self._after(entry, result, error)
        if entry is not None:
            self._next(entry)

    def _after(self, entry: Entry, result: RunResult | None, error: Exception | None) -> None:
        entry.running = entry.running_since = None
        entry.unsure = True
        entry.result = result or entry.result
        if result is not None:
            entry.error = result.error
            self._leave_alone(entry, result)
        elif error is not None:
            self._hold_back(entry, error)
        if result is None or result.outcome is Outcome.STOPPED:
            entry.offered = ()  # nothing is to be concluded from what it left

    def _leave_alone(self, entry: Entry, result: RunResult) -> None:
        """After a full disk or a refusing folder for a while from the end of the run on, longer each time in vain.

        Half as long as the file that met it: those behind one that is too large get a run without it.
        """
        if not result.rests:
            entry.failures, entry.retry_at_s = 0, None
            return
        entry.failures = 1 if result.files else entry.failures + 1
        entry.retry_at_s = self._clock.monotonic() + pause_after(entry.failures).total_seconds() / 2
        entry.offered = ()  # its time alone decides

    def _hold_back(self, entry: Entry, error: Exception) -> None:
        """No run came about, or it crashed.  The same error is told once."""
        said = f"the run could not be executed: {error}"
        if isinstance(error, GatewayError):
            if said != entry.error:
                log.warning("run could not begin", action=entry.name, error=str(error))
            pause = AGAIN_S
        else:
            entry.failures += 1
            pause = pause_after(entry.failures).total_seconds()
        entry.retry_at_s, entry.error = self._clock.monotonic() + pause, said

    def _next(self, entry: Entry) -> None:
        following, entry.following = entry.following, None
        if following is not None:
            self._begin(entry, following, lambda: self._runs.run(following.due))
        else:
            self._ended(entry.name)


def _answer(this: Next, result: RunResult | None, error: Exception | None) -> None:
    for waiter in this.waiters:
        if waiter.done():
            continue
        if result is not None:
            waiter.set_result(result)
        elif error is not None:
            waiter.set_exception(error)
        else:
            waiter.cancel()
