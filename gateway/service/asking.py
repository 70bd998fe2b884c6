"""Asking the gateway that serves: a request row, and an answer row some moments later (DESIGN §1)."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, NeedsOperator
from gateway.core.users import who_am_i
from gateway.ledger import Ledger, requests
from gateway.ledger.instances import holder
from gateway.service.newer import Newer

_LOOK_EVERY_S = 0.1
_ALIVE_EVERY_S = 2.0
_NEWER_WITHIN_S = 5.0


class AskFailed(NeedsOperator):
    """The gateway answered that it can't; with the exit code of the error that it met."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self._exit_code = exit_code

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """As the gateway says."""
        return self._exit_code


async def ask(
    ledger: Ledger, clock: Clock, kind: str, arguments: Mapping[str, Any], *, limit_s: float | None = 30.0
) -> Mapping[str, Any]:
    """Write a request and wait for its answer.

    Raises AskFailed with what the gateway said; GatewayError if it ends, or says nothing within `limit_s` (None: for
    as long as it lives).
    """
    asked = await ledger.write(
        partial(requests.ask, kind=kind, arguments=arguments, asked_by=who_am_i(), at=ledger.now_ns())
    )
    began_s = clock.monotonic()
    alive_at_s = began_s + _ALIVE_EVERY_S
    while True:
        row = await ledger.read(partial(requests.get, found=asked))
        if row is not None and row.answer is not None:
            return _answered(row.answer, failed=row.state == "failed")
        now_s = clock.monotonic()
        if limit_s is not None and now_s - began_s >= limit_s:
            raise GatewayError(f"the gateway that serves did not answer within {limit_s:.0f} s; its log says why")
        if now_s >= alive_at_s:
            alive_at_s = now_s + _ALIVE_EVERY_S
            await _must_live(ledger)
        await clock.sleep(_LOOK_EVERY_S)


async def newer(ledger: Ledger, clock: Clock) -> Newer:
    """The files that were changed since the gateway that serves read them; none if it does not answer."""
    with suppress(GatewayError):
        answer = await ask(ledger, clock, "newer", {}, limit_s=_NEWER_WITHIN_S)
        return Newer(tuple(answer["lines"]), frozenset(answer.get("unknown", ())))
    return Newer()


def _answered(answer: Mapping[str, Any], *, failed: bool) -> Mapping[str, Any]:
    if failed:
        raise AskFailed(str(answer.get("error", "the gateway could not do it")), int(answer.get("exit_code", 1)))
    return answer


async def _must_live(ledger: Ledger) -> None:
    if await asyncio.to_thread(holder, ledger.folder) is None:
        raise GatewayError(
            "the gateway that serves ended before it answered; what was under way goes on when it is started again"
        )
