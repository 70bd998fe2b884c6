"""Asking the gateway that serves: a request row, and an answer row some moments later (DESIGN §1)."""

import getpass
from collections.abc import Mapping
from functools import partial
from typing import Any

from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, NeedsOperator
from gateway.ledger import Ledger, requests

_LOOK_EVERY_S = 0.1


class AskFailed(NeedsOperator):
    """The gateway answered that it can't."""

    exit_code = 1


async def ask(
    ledger: Ledger, clock: Clock, kind: str, arguments: Mapping[str, Any], *, limit_s: float | None = 30.0
) -> Mapping[str, Any]:
    """Write a request and wait for its answer.

    Raises AskFailed with what the gateway said, GatewayError if it says nothing within `limit_s` (None: for ever).
    """
    asked = await ledger.write(
        partial(requests.ask, kind=kind, arguments=arguments, asked_by=getpass.getuser(), at=ledger.now_ns())
    )
    end_s = None if limit_s is None else clock.monotonic() + limit_s
    while end_s is None or clock.monotonic() < end_s:
        row = await ledger.read(partial(requests.get, found=asked))
        if row is not None and row.state == "failed":
            raise AskFailed(str((row.answer or {}).get("error", "the gateway could not do it")))
        if row is not None and row.answer is not None:
            return row.answer
        await clock.sleep(_LOOK_EVERY_S)
    raise GatewayError(f"the gateway that serves did not answer within {limit_s:.0f} s; is it overloaded? see its log")
