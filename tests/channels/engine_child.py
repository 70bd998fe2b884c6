"""A process that delivers to the channel `shop`, and dies at its n-th write to the ledger; as the one for jobs."""

import asyncio
import sys
from functools import partial
from pathlib import Path

from gateway.channels import freezing
from gateway.config.load import load
from gateway.core.clock import SystemClock
from gateway.ledger import Ledger, channel_batches
from gateway.service.engine import Engine, engine
from tests.jobs.engine_child import Deaths

_TRIES = 5


async def main(path: str) -> None:
    """Go on with what is there, look, deliver; until nothing is left.  A `gateway serve` does no other."""
    async with engine(load(Path(path)), SystemClock(), "test") as built:
        for _ in range(_TRIES):
            await built.channels.detect(["shop"])
            await built.channels.deliver_now("shop")
            if not await built.ledger.read(partial(channel_batches.open_of, channel="shop")):
                sys.stdout.write("\nover")
                return
        sys.stdout.write("\n" + await _why(built))


async def _why(built: Engine) -> str:
    rows = await built.ledger.read(partial(channel_batches.open_of, channel="shop"))
    return f"{rows[0].state.value}: {rows[0].error}"


def run(arguments: list[str]) -> None:
    """As a process of its own."""
    path, which, when = arguments
    freezing.AT_ONCE, channel_batches.PAGE = 2, 8
    deaths = Deaths(which, after=when == "after")
    Ledger.submit = lambda ledger, work: deaths.submit(ledger, work)  # type: ignore[method-assign,assignment,return-value]
    asyncio.run(main(path))
