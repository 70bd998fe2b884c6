"""How long what has failed is left alone: 1, 5, 15, 60 minutes, then hourly (SPEC §5)."""

from datetime import timedelta

from gateway.core.moments import length_ns

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))


def pause_after(failures: int) -> timedelta:
    """The pause after the `failures`-th failure in a row, from 1."""
    return PAUSES[min(max(failures, 1), len(PAUSES)) - 1]


def pause_after_ns(failures: int) -> int:
    """The same in nanoseconds, as the ledger counts."""
    return length_ns(pause_after(failures))
