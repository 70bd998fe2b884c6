"""What a run needs, for one that nobody records: a ledger that answers and keeps nothing."""

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.endpoints.local import LocalEndpoint
from gateway.endpoints.pool import Pool
from gateway.ledger import Connection, Ledger
from gateway.ledger.database import FILE_NAME
from gateway.runner.services import Services
from gateway.service.engine import configured
from gateway.service.secrets import Secrets
from gateway.transfer.logins import LedgerLogins

T = TypeVar("T")


class _Undone(Exception):
    """Takes back what a dry ledger was asked to write."""


class DryLedger(Ledger):
    """Answers as the ledger would and keeps nothing of it."""

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work`, take it back."""
        results: list[T] = []

        def undone(connection: Connection) -> None:
            results.append(work(connection))
            raise _Undone

        with suppress(_Undone):
            await super().write(undone)
        return results[-1]


@asynccontextmanager
async def dry_services(loaded: Loaded, clock: Clock) -> AsyncIterator[Services]:
    """What a run needs, with a ledger that keeps nothing."""
    async with AsyncExitStack() as stack:
        folder = loaded.state
        if not (folder / FILE_NAME).exists():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-plan-")))
        ledger = DryLedger(folder, clock, reserve_bytes=0)
        await stack.enter_async_context(ledger)
        places, broken = await Secrets(ledger).places(loaded)
        pool = Pool(places, clock, LedgerLogins(ledger), broken=broken)
        local, linked = LocalEndpoint("/"), LocalEndpoint("/", follow_links=True)
        stack.push_async_callback(local.close)
        stack.push_async_callback(linked.close)
        stack.push_async_callback(pool.close)
        yield Services(
            ledger=ledger, pool=pool, clock=clock, local=local, linked=linked, owner=0, configured=configured(loaded)
        )
