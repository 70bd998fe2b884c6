"""Partials of deliveries that ended without delivery while their endpoint was out of reach."""

from functools import partial

from gateway.core.errors import PathRefused
from gateway.endpoints.base import Endpoint
from gateway.ledger import Ledger, deliveries
from gateway.ledger.delivery_row import DeliveryRow
from gateway.transfer.kept import LEAST_BYTES
from gateway.transfer.way import removed

_KEPT_NS = 24 * 3600 * 1_000_000_000


async def sweep(ledger: Ledger, place: str, target: Endpoint) -> int:
    """Remove what failed deliveries left at `place` (an endpoint's name, "" for this machine); how many there were.

    Call it once an endpoint answers again, and at start.  Raises Retryable where the link fails: call it again later.
    """
    left = await ledger.read(partial(deliveries.litter, place=place))
    left = tuple(row for row in left if not _may_go_on(row, ledger.now_ns()))
    for row in left:
        try:
            await removed(target, row.partial)
        except PathRefused:
            continue  # not ours to remove; it stays in the list, a look costs little
        await ledger.write(partial(deliveries.swept, found=row.id))
    return len(left)


def _may_go_on(row: DeliveryRow, now_ns: int) -> bool:
    """A large one waits a day for the next delivery of the same file."""
    return row.intent.stamp.size_bytes >= LEAST_BYTES and (row.finished_at or 0) > now_ns - _KEPT_NS
