"""Who serves a state folder, and its ledger to read from: what a command needs that only looks."""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, NeedsOperator
from gateway.ledger import Ledger, open_ledger
from gateway.ledger.database import FILE_NAME
from gateway.ledger.instances import Holder, holder
from gateway.ledger.reserve import reserve_of
from gateway.service.asking import newer

SERVE = "serve"


async def served_by(loaded: Loaded) -> Holder | None:
    """Which process holds the state folder.  Raises NeedsOperator where that can't be seen."""
    try:
        return await asyncio.to_thread(holder, loaded.state)
    except OSError as problem:
        found = f"{loaded.state}: the state folder can't be opened ({problem.strerror})"
        is_disk = problem.errno == errno.EROFS
        remedy = "have its disk mounted to be written" if is_disk else "run this as the user that the gateway runs as"
        raise NeedsOperator(f"{found}; {remedy}") from problem


async def is_served(loaded: Loaded) -> bool:
    """True if a gateway serves the state folder."""
    holds = await served_by(loaded)
    return holds is not None and holds.what == SERVE


@asynccontextmanager
async def reading(loaded: Loaded, clock: Clock) -> AsyncIterator[Ledger]:
    """The ledger to read from, whoever serves.  Raises GatewayError if nothing ever ran here, or the ledger is lost."""
    if not (loaded.state / FILE_NAME).exists() and not reserve_of(loaded.state).exists():
        raise NothingYet(f"{loaded.state}: there is no ledger yet: nothing ever ran with this state folder")
    async with open_ledger(loaded.state, clock) as ledger:
        yield ledger


async def newer_than_served(loaded: Loaded, clock: Clock) -> tuple[str, ...]:
    """What the gateway that serves has not read yet of the files that a command goes by; nothing where none serves."""
    holds = await served_by(loaded)
    if holds is None or holds.what != SERVE:
        return ()
    async with open_ledger(loaded.state, clock) as ledger:
        return (await newer(ledger, clock)).lines


class NothingYet(GatewayError):
    """No gateway ever ran with this state folder."""

    exit_code = 3
