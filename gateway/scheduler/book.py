"""What the scheduler asks of the ledger and tells it: a narrow seam, so that a simulation needs no database."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from gateway.ledger.ledger import Ledger
from gateway.ledger.looks import Look, note_looks
from gateway.ledger.standing import HeldEndpoint, Standing, held_endpoints, standings

Standings = Mapping[str, Sequence[Standing]]
"""By source path."""


class Book(Protocol):
    """The ledger, as the scheduler needs it."""

    async def standings(self, sources: Mapping[str, Collection[str]]) -> Mapping[str, Standings]:
        """For each action, what stands in the way of which of `sources`."""
        ...

    async def note(self, looks: Sequence[Look]) -> None:
        """Record verdicts that changed."""
        ...

    async def held_endpoints(self) -> Mapping[str, HeldEndpoint]:
        """The endpoints that nobody is to try now, by name."""
        ...


class LedgerBook:
    """The book of the running gateway."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def standings(self, sources: Mapping[str, Collection[str]]) -> Mapping[str, Standings]:
        """One reading for all actions."""
        return await self._ledger.read(
            lambda connection: {
                action: _by_source(standings(connection, action, paths)) for action, paths in sources.items()
            }
        )

    async def note(self, looks: Sequence[Look]) -> None:
        """One transaction for all."""
        await self._ledger.write(lambda connection: note_looks(connection, looks))

    async def held_endpoints(self) -> Mapping[str, HeldEndpoint]:
        """Those with a time that is still to come."""
        now_ns = self._ledger.now_ns()
        held = await self._ledger.read(lambda connection: held_endpoints(connection, now_ns))
        return {one.endpoint: one for one in held}


def _by_source(found: Sequence[Standing]) -> Standings:
    grouped: defaultdict[str, list[Standing]] = defaultdict(list)
    for one in found:
        grouped[one.source].append(one)
    return grouped


def at_ns(moment: datetime) -> int:
    """A moment as the tables keep it: whole microseconds, as nanoseconds since the epoch."""
    return int((moment.astimezone(UTC) - _EPOCH).total_seconds() * 1_000_000) * 1000


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
