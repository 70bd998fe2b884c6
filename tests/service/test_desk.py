"""Requests: what is asked is answered, whenever it came."""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from gateway.core.clock import SystemClock
from gateway.ledger import open_ledger, requests
from gateway.service.desk import Desk

_LIMIT_S = 100.0


async def test_what_was_asked_while_the_process_started_is_answered(tmp_path: Path) -> None:
    """The folder is held, so others ask, before anybody is there to answer."""

    async def echo(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"heard": arguments["said"]}

    clock = SystemClock()
    async with open_ledger(tmp_path, clock) as ledger:
        ask = partial(requests.ask, kind="echo", arguments={"said": "early"}, asked_by="somebody", at=ledger.now_ns())
        asked = await ledger.write(ask)
        desk = asyncio.create_task(Desk(ledger, clock, {"echo": echo}).run())
        try:
            async with asyncio.timeout(_LIMIT_S):
                while (row := await ledger.read(partial(requests.get, found=asked))) is None or row.answer is None:
                    await asyncio.sleep(0.01)
        finally:
            desk.cancel()
            await asyncio.gather(desk, return_exceptions=True)
    assert (row.state, row.answer) == ("done", {"heard": "early"})
