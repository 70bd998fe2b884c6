"""Answers what other processes ask of the service, five looks a second at one number."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import structlog

from gateway.core.clock import Clock
from gateway.core.errors import GatewayError
from gateway.ledger import Ledger, requests
from gateway.ledger.requests import RequestRow

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.2

Answer = Mapping[str, Any]
Handler = Callable[[Mapping[str, Any]], Awaitable[Answer]]


class Desk:
    """Takes requests in order; each is answered by its own task, so that a long run keeps nobody waiting."""

    def __init__(self, ledger: Ledger, clock: Clock, handlers: Mapping[str, Handler]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._handlers = handlers

    async def run(self) -> None:
        """Until cancelled; what is being answered then ends with it.

        What was asked while this process started waits, too: what was asked of an earlier one is failed by then.
        """
        seen, version = 0, None
        async with asyncio.TaskGroup() as group:
            while True:
                if (now := self._ledger.version()) != version:
                    version = now
                    newest = await self._ledger.read(requests.newest)
                    if newest > seen:
                        seen = newest
                        for row in await self._ledger.write(requests.take):
                            group.create_task(self._answer(row))
                await self._clock.sleep(LOOK_EVERY_S)

    async def _answer(self, row: RequestRow) -> None:
        failed = True
        try:
            handler = self._handlers.get(row.kind)
            if handler is None:
                answer: Answer = {"error": f"this gateway does not know the request {row.kind!r}; is it an older one?"}
            else:
                answer = await handler(row.arguments)
                failed = False
        except GatewayError as error:
            answer = {"error": str(error), "exit_code": error.exit_code}
        except Exception as error:
            log.exception("request failed", kind=row.kind)
            answer = {"error": f"{type(error).__name__}: {error}"}
        await self._ledger.write(
            partial(requests.answer, found=row.id, content=answer, failed=failed, at=self._ledger.now_ns())
        )
