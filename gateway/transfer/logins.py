"""What the pool must remember of a refused login or a changed host key, kept in the ledger over restarts."""

from functools import partial

import structlog

from gateway.core.moments import moment, ns
from gateway.endpoints.login_memory import Trouble
from gateway.ledger import Ledger, endpoints
from gateway.ledger.endpoints import EndpointTrouble

log = structlog.get_logger(__name__)


class LedgerLogins:
    """A LoginMemory (gateway.endpoints.login_memory) that outlives the process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def recall(self, endpoint: str) -> Trouble | None:
        """As the protocol says."""
        row = await self._ledger.read(partial(endpoints.recall, endpoint=endpoint))
        return None if row is None else _trouble(row)

    async def remember(self, endpoint: str, trouble: Trouble) -> None:
        """As the protocol says."""
        row = EndpointTrouble(
            endpoint=endpoint,
            failures=trouble.failures,
            failing_since=ns(trouble.since),
            next_at=None if trouble.next_at is None else ns(trouble.next_at),
            error=trouble.error,
            error_class=trouble.error_class,
            digest=trouble.digest,
        )
        await self._ledger.write(partial(endpoints.remember, trouble=row))

    async def forget(self, endpoint: str) -> None:
        """As the protocol says."""
        await self._ledger.write(partial(endpoints.forget, endpoint=endpoint))

    async def arrive(self, endpoint: str, server: str) -> None:
        """As the protocol says."""
        if await self._ledger.read(partial(endpoints.server_of, endpoint=endpoint)) == server:
            return
        before = await self._ledger.write(partial(endpoints.arrive, endpoint=endpoint, server=server))
        if before is not None:
            log.warning("endpoint is another server", endpoint=endpoint, server=server, before=before)


def _trouble(row: EndpointTrouble) -> Trouble:
    return Trouble(
        failures=row.failures,
        since=moment(row.failing_since),
        next_at=None if row.next_at is None else moment(row.next_at),
        error=row.error,
        error_class=row.error_class,
        digest=row.digest,
    )
