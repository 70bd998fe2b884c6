"""Items that came while their catalogue was looked at: small files are whole at once, and tell of no more to come."""

from gateway.channels.looking import Looking
from gateway.channels.scanning import Looked, look_at
from gateway.channels.snapshot import Brought
from gateway.core.clock import Clock


class Newcomers:
    """Listed once, for whichever channel of the catalogue asks first."""

    def __init__(self, path: str, looked: Looked, brought: Brought, clock: Clock) -> None:
        self._path = path
        self._looked = looked
        self._brought = brought
        self._clock = clock
        self._found: frozenset[str] | None = None

    async def items(self) -> frozenset[str]:
        """None of them if nothing was read, which takes no time.  Raises what a look at the catalogue raises."""
        if self._found is None:
            self._found = await self._new_ones() if self._brought.hashed_files else frozenset()
        return self._found

    async def _new_ones(self) -> frozenset[str]:
        looking = Looking(self._path, self._clock)
        again = await looking.run(lambda pulse: look_at(self._path, pulse.beat, looking.left_out))
        return frozenset(again.items.keys() - self._looked.items.keys() - self._looked.unreadable.keys())
