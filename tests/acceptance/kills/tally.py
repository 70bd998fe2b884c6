"""What came of the kills, in words."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.acceptance.kills.census import NOTHING_NEW
from tests.acceptance.kills.moments import KINDS

STATES = (
    "intended, nothing sent",
    "intended, on its way",
    "placing, before the rename",
    "placing, renamed, not committed",
    "placing, in place",
    "delivered, source there",
    "delivered, source claimed",
    "delivered, source gone, not done",
    "awaiting",
)
"""What a kill can hit, in the order of a delivery's life."""
MOST_TOLD = 40
SURE = STATES[:4]
"""What the kills must have hit at least once."""


@dataclass
class Tally:
    """Of one lane, or of all."""

    kills: int = 0
    before_it_served: int = 0
    fed: int = 0
    delivered: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    partial: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    seconds: float = 0.0
    moments: Counter[str] = field(default_factory=Counter)
    hit: Counter[str] = field(default_factory=Counter)
    """Kills that left at least one delivery in a state in which none had left it before."""
    left: Counter[str] = field(default_factory=Counter)
    """Deliveries that they left in it."""
    went_on: int = 0
    """Large files whose delivery went on where a kill had broken it."""
    routes: Counter[str] = field(default_factory=Counter)

    @property
    def faults(self) -> list[str]:
        """All that must not be."""
        kinds = {"lost": self.lost, "twice": self.twice, "partial visible": self.partial, "other": self.other}
        return [f"{kind}: {fault}" for kind, faults in kinds.items() for fault in faults]

    @property
    def not_hit(self) -> list[str]:
        """What is left to hit."""
        return [state for state in SURE if not self.hit[state]]

    def killed(self, moment: str, states: Counter[str], *, served: bool) -> None:
        """One more."""
        self.kills += 1
        self.before_it_served += not served
        self.moments[moment] += 1
        self.hit.update(set(states))
        self.left.update(states)

    def of_lane(self, number: int) -> "Tally":
        """The same, each fault with the lane that it comes from."""
        for name in ("lost", "twice", "partial", "other"):
            setattr(self, name, [f"lane {number}: {fault}" for fault in getattr(self, name)])
        return self

    def add(self, other: "Tally") -> None:
        """Another lane, side by side with this one."""
        for name in ("kills", "before_it_served", "fed", "delivered", "went_on"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("lost", "twice", "partial", "other"):
            getattr(self, name).extend(getattr(other, name))
        for name in ("moments", "hit", "left", "routes"):
            getattr(self, name).update(getattr(other, name))
        self.seconds = max(self.seconds, other.seconds)


def total(tallies: Iterable[Tally]) -> Tally:
    """All lanes as one."""
    whole = Tally()
    for tally in tallies:
        whole.add(tally)
    return whole


def shown(tally: Tally) -> str:
    """The table that is printed."""
    head = (
        f"kills {tally.kills}, files fed {tally.fed}, delivered {tally.delivered}, lost {len(tally.lost)}, "
        f"twice {len(tally.twice)}, partial visible {len(tally.partial)}, other faults {len(tally.other)}, "
        f"{tally.seconds:.0f} s"
    )
    lines = [head, "", "what the kills left behind:                   kills  deliveries"]
    states = [*STATES, *sorted(set(tally.hit) - {*STATES, NOTHING_NEW})]
    lines += [f"  {state:<42} {tally.hit[state]:>6} {tally.left[state]:>11}" for state in states]
    lines += [f"  {NOTHING_NEW:<42} {tally.hit[NOTHING_NEW]:>6}"]
    lines += [f"  {'(killed before it served)':<42} {tally.before_it_served:>6}"]
    lines += ["", f"large files that went on where they broke off: {tally.went_on}", "", "when the kills came:"]
    lines += [f"  {kind.name:<42} {tally.moments[kind.name]:>6}" for kind in KINDS]
    lines += ["", "files delivered by route:"]
    lines += [f"  {name:<42} {count:>6}" for name, count in tally.routes.items()]
    lines += ["", "FAULTS", *tally.faults[:MOST_TOLD]] if tally.faults else []
    return "\n".join(lines)
