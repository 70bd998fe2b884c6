"""What a channel sees of its catalogue: the items that it selects, told apart by what may be concluded of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.channels.model import Channel
from gateway.channels.scanning import Looked
from gateway.channels.snapshot import Brought, rules_of


@dataclass(frozen=True, slots=True)
class View:
    """Through one look, the ledger up to date with it."""

    channel: Channel
    looked: Looked
    brought: Brought

    @property
    def at_rest(self) -> list[str]:
        """The items that are what the ledger says."""
        return [item for item in self.selected(self.looked.items) if item not in self.brought.open]

    @property
    def not_at_rest(self) -> list[str]:
        """Those of which nothing is concluded this time."""
        return self.selected(self.brought.open)

    @property
    def unstable(self) -> tuple[str, ...]:
        """Those that are being written, and how that shows."""
        return tuple(f"{item}: {self.brought.unstable[item]}" for item in self.selected(self.brought.unstable))

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Those that can't be read, and why."""
        return tuple(f"{item}: {self.brought.unreadable[item]}" for item in self.selected(self.brought.unreadable))

    @property
    def token(self) -> str | None:
        """What a queue that was compared with it is up to date with; None while not all of the catalogue is at rest."""
        digest = self.brought.digest
        return None if digest is None else f"{digest}-{rules_of(self.channel.catalogue)}"

    def is_ours(self, item: str) -> bool:
        """True for what is selected, there and at rest: of anything else nothing is concluded."""
        there = item in self.looked.items and item not in self.brought.open
        return there and self.channel.selects(item)

    def is_there(self, item: str) -> bool:
        """True also for what can't be read, and for what is not selected."""
        return item in self.looked.items or item in self.looked.unreadable

    def is_unselected(self, item: str) -> bool:
        """True for what is there for others."""
        return self.is_there(item) and not self.channel.selects(item)

    def selected(self, items: Iterable[str]) -> list[str]:
        """What of these the channel selects, in order."""
        return sorted(item for item in items if self.channel.selects(item))
