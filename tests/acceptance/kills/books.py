"""What was fed into a route and what came out of it, by content: names may change on the way, contents may not."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Books:
    """The two sides of one route."""

    route: str
    fed: Counter[str] = field(default_factory=Counter)
    arrived: Counter[str] = field(default_factory=Counter)
    laid: set[str] = field(default_factory=set)
    """What stood under a final name before: not ours."""
    names: dict[str, str] = field(default_factory=dict)
    torn: list[str] = field(default_factory=list)
    """What was half, or nobody's, under a final name."""
    vanished: list[str] = field(default_factory=list)
    """Final names that went away, and their recipient did not take them."""

    def feed(self, name: str, digest: str) -> None:
        """Noted before the first byte is there."""
        self.names[digest] = name
        self.fed[digest] += 1

    def arrive(self, name: str, digest: str) -> None:
        """A final name showed this content."""
        if digest in self.laid:
            return
        if digest not in self.fed:
            self.torn.append(name)
            return
        self.arrived[digest] += 1

    @property
    def lost(self) -> list[str]:
        """What never came."""
        return self._named(_now(self.fed) - _now(self.arrived))

    @property
    def twice(self) -> list[str]:
        """What came more often than it was fed."""
        return self._named(_now(self.arrived) - _now(self.fed))

    def faults(self) -> list[str]:
        """What must not be, at any moment."""
        found = {"twice": self.twice, "partial visible": self.torn, "vanished": self.vanished}
        return [f"{self.route}: {what}: {', '.join(names)}" for what, names in found.items() if names]

    def _named(self, digests: Counter[str]) -> list[str]:
        return [self.names.get(digest, digest) for digest in digests.elements()]


def _now(counts: Counter[str]) -> Counter[str]:
    """As they are at this moment: the recipient's thread goes on counting."""
    return Counter(dict(counts))
