"""Trying again within a run: how long to pause, and calls at the endpoint that are repeated while that can help."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from gateway.core.errors import Retryable
from gateway.endpoints.base import Endpoint
from gateway.runner.run import Run

log = structlog.get_logger(__name__)

T = TypeVar("T")
_LONGEST_PAUSE_S = 300.0


def pause_s(run: Run, attempt: int) -> float:
    """`retry_delay`, doubling, with jitter: those who failed together don't come back together."""
    delay = run.settings.retry_delay.total_seconds() * 2**attempt
    return float(min(delay, _LONGEST_PAUSE_S) * random.uniform(0.8, 1.2))


async def pause(run: Run, attempt: int, error: Retryable) -> None:
    """Wait before the next attempt at the endpoint; the run gives its place back meanwhile."""
    wait_s = pause_s(run, attempt)
    log.info(
        "endpoint failed, will try again",
        action=run.instance.name,
        endpoint=run.instance.endpoint,
        attempt=attempt + 1,
        in_s=round(wait_s, 1),
        error=str(error),
    )
    await run.wait(wait_s)


async def asked(run: Run, work: Callable[[Endpoint], Awaitable[T]], *, repeatable: bool = True) -> T:
    """What `work` answers on a session of the run's endpoint; tried again as `retries` says on Retryable.

    Where it is not `repeatable`, only the login is tried again: nobody knows how far the call came.
    """
    last = run.settings.retries
    for attempt in range(last + 1):
        begun = False
        try:
            async with run.services.pool.session(run.endpoint, fresh=attempt > 0) as peer:
                begun = True
                return await work(peer)
        except Retryable as error:
            if attempt == last or (begun and not repeatable):
                raise
            await pause(run, attempt, error)
    raise AssertionError("the last attempt returns or raises")
