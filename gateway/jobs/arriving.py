"""Which server a destination's endpoint is: what is known of a place, and done there, is true of that one alone."""

from functools import partial

import structlog

from gateway.core.errors import Retryable
from gateway.ledger import Connection, job_places, job_runs
from gateway.ledger.job_destinations import PlaceRow
from gateway.runner.services import Services

log = structlog.get_logger(__name__)


async def arrive(services: Services, row: PlaceRow) -> None:
    """A try begins: where the endpoint is another server than before, what was known of the place is forgotten."""
    server, ledger = services.pool.place(row.endpoint).server, services.ledger
    if await ledger.read(partial(job_places.server_of, found=row.place)) == server:
        return
    before = await ledger.write(partial(_arrived, row=row, server=server, at=ledger.now_ns()))
    if before is not None:
        log.warning("endpoint is another server", run=row.run, endpoint=row.endpoint, server=server, before=before)


def _arrived(connection: Connection, row: PlaceRow, server: str, at: int) -> str | None:
    before = job_places.arrive(connection, row.place, server, at)
    run = job_runs.get(connection, row.run)
    if before is not None and run is not None:
        said = f"{row.endpoint} is another server now, {server}, before {before}: all of it was compared anew"
        job_runs.note(connection, run, said)
    return before


async def require_same(services: Services, row: PlaceRow) -> None:
    """Raises Retryable where the configuration names another server since the try began."""
    server = services.pool.place(row.endpoint).server
    before = await services.ledger.read(partial(job_places.server_of, found=row.place))
    if before not in (None, server):
        raise Retryable(f"{row.endpoint} is another server now, {server}, before {before}: it is compared anew")
