"""The word for how an endpoint that fails is treated."""

from datetime import datetime
from enum import StrEnum


class Circuit(StrEnum):
    """Closed: sessions as many as its budget.  Open: none before the next try.  Half-open: one, which tries."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


def circuit_at(next_at: datetime | None, now: datetime) -> Circuit:
    """Of an endpoint in trouble; without a next time it is open until a person acts."""
    return Circuit.HALF_OPEN if next_at is not None and now >= next_at else Circuit.OPEN
