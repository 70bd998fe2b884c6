"""Deliveries that a stop took out of our hands: they are nobody's, in the state that they have."""

from collections.abc import Sequence
from functools import partial

from gateway.ledger import Ledger, deliveries_bulk
from gateway.transfer.bounded import cleaned
from gateway.transfer.intent import class_of, text_of


async def give_back(ledger: Ledger, owner: int, found: Sequence[int], error: BaseException) -> None:
    """Release those of `found` that are `owner`'s; `error` is what stopped us.  Bounded, best effort."""
    if not found:
        return
    work = partial(
        deliveries_bulk.release_all, found=found, owner=owner, error=text_of(error), error_class=class_of(error)
    )
    await cleaned(ledger.write(work))
