"""Threads of one look at a catalogue, as all that may hang is read."""

from gateway.core.clock import Clock
from gateway.transfer.hanging import Patience, Pulse

__all__ = ["Looking", "Pulse", "catalogue_at"]


class Looking(Patience):
    """One look at the catalogue in a folder; not twice at once.  Raises Retryable while an earlier one hangs."""

    def __init__(self, folder: str, clock: Clock) -> None:
        meanwhile = "nothing is concluded from that, and what is known goes out: "
        super().__init__(catalogue_at(folder), clock, meanwhile=meanwhile)


def catalogue_at(folder: str) -> str:
    """What is told of, and waited for, where it hangs."""
    return f"the catalogue {folder}"
