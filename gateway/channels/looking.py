"""Threads of one look at a catalogue, as all that may hang is read."""

from collections.abc import Mapping, Sequence

from gateway.core.clock import Clock
from gateway.core.errors import Retryable
from gateway.transfer.hanging import Patience, Pulse

__all__ = ["Looking", "Pulse"]

_MEANWHILE = "nothing is concluded from that, and what is known goes out: "
_MOST_LEFT_OUT = 3
"""Where more items hang it is the catalogue that hangs: each costs a thread, and the time until that is told."""
_HALT_S = 1.0


class Looking(Patience):
    """One look at the catalogue in a folder; not twice at once.  Raises Retryable while an earlier one hangs.

    An earlier one that hangs in an item keeps that item back alone: it is `left_out`, with the reason.
    """

    def __init__(self, folder: str, clock: Clock, *, meanwhile: str = _MEANWHILE) -> None:
        self._folder = folder
        self._now_s = clock.monotonic()
        self.left_out: Mapping[str, str] = {}
        super().__init__(f"the catalogue {folder}", clock, meanwhile=meanwhile)

    async def without_what_hangs(self) -> "Looking | None":
        """A look that leaves out, too, the items in which this one hangs; None if that is not what keeps it.

        Its other threads have a moment to halt: what they are at does not hang.
        """
        await self._clock.sleep(_HALT_S)
        try:
            again = Looking(self._folder, self._clock)
        except Retryable:
            return None
        return again if again.left_out.keys() - self.left_out.keys() else None

    def goes_on_beside(self, hang: Sequence[Pulse]) -> bool:
        """True if all of them are in a few items."""
        self.left_out = {self._item_of(one.place): self._said_of(one) for one in hang}
        return len(self.left_out) <= _MOST_LEFT_OUT and "" not in self.left_out

    @property
    def trouble(self) -> str | None:
        """What is left out, if anything is."""
        said = [f"{item}: {reason}" for item, reason in sorted(self.left_out.items())]
        return f"items that hang are left out: {'; '.join(said)}" if said else None

    def leaves_out(self, path: str) -> bool:
        """True for what is in an item that is left out."""
        return self._item_of(path) in self.left_out

    def _item_of(self, place: str) -> str:
        """The item that a path is in; "" for the catalogue itself."""
        below = place.removeprefix(f"{self._folder}/")
        return "" if below == place else below.partition("/")[0]

    def _said_of(self, pulse: Pulse) -> str:
        for_s = self._now_s - pulse.begun_s
        return f"a look that began {for_s:.0f} s ago still hangs{pulse.at}; check its disk, or its server"
