"""Partials of deliveries that ended without delivery while their endpoint was out of reach."""

from functools import partial

from gateway.core.errors import PathRefused
from gateway.endpoints.base import Endpoint
from gateway.ledger import Ledger, deliveries
from gateway.transfer.way import removed


async def sweep(ledger: Ledger, place: str, target: Endpoint) -> int:
    """Remove what failed deliveries left at `place` (an endpoint's name, "" for this machine); how many there were.

    Call it once an endpoint answers again, and at start.  Raises Retryable where the link fails: call it again later.
    """
    left = await ledger.read(partial(deliveries.litter, place=place))
    for row in left:
        try:
            await removed(target, row.partial)
        except PathRefused:
            continue  # not ours to remove; it stays in the list, a look costs little
        await ledger.write(partial(deliveries.swept, found=row.id))
    return len(left)
