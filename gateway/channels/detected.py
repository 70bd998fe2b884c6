"""What a detection found for one channel, summed up and told."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.channels.events import Changes
from gateway.channels.model import Kind
from gateway.channels.view import View
from gateway.ledger.channel_events import EventState

_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """What a detection found for one channel: how many events of each kind are new or newer, and what stands against.

    `counted` items count as delivered from now on; `vanished` are those that are missing for the first time.
    """

    first: int = 0
    metadata: int = 0
    file: int = 0
    counted: int = 0
    unstable: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    hashed_files: int = 0
    nothing_changed: bool = False


@dataclass(slots=True)
class Sum:
    """What came of the portions of items; `vanished` and `unselected` are missing so for the first time."""

    kinds: Counter[str] = field(default_factory=Counter)
    deferred: int = 0
    ended: int = 0
    fewer: list[str] = field(default_factory=list)
    states: Counter[EventState] = field(default_factory=Counter)
    vanished: Sequence[str] = ()
    unselected: Sequence[str] = ()

    def add(self, changes: Changes) -> None:
        """One portion."""
        for event in (*changes.raised, *(renewed for _, renewed, _ in changes.renewed)):
            self.kinds[event.kind] += 1
            self.states[event.state] += 1
        self.deferred += len(changes.deferred)
        self.ended += len(changes.ended)
        self.fewer += [f"{item}/{name}" for item, names in changes.fewer.items() for name in names]

    @property
    def is_nothing(self) -> bool:
        """True if nothing came of them."""
        return not (self.kinds or self.ended or self.deferred or self.fewer or self.vanished or self.unselected)


def detected(view: View, made: Sum, *, counted: int = 0) -> Detected:
    """What is told of it."""
    unstable, unreadable = view.unstable, view.unreadable
    return Detected(
        first=made.kinds[Kind.FIRST],
        metadata=made.kinds[Kind.METADATA],
        file=made.kinds[Kind.FILE],
        counted=counted,
        unstable=unstable,
        unreadable=unreadable,
        vanished=tuple(made.vanished),
        notes=(*_of_channel(view.channel.name, made), *_of_catalogue(view)),
        hashed_files=view.brought.hashed_files,
        nothing_changed=made.is_nothing and not unstable and not unreadable,
    )


def _of_channel(name: str, made: Sum) -> Iterator[str]:
    if made.unselected:
        yield f"no longer selected, and no recipient is told to delete: {_named(made.unselected)}"
    if made.fewer:
        yield f"gone, and no recipient is told to delete: {_named(made.fewer)}"
    if made.states[EventState.REVIEW]:
        yield f"{made.states[EventState.REVIEW]} for approval: gateway channel approve {name}"
    if made.states[EventState.HELD]:
        yield f"{made.states[EventState.HELD]} held: gateway channel queue {name} says why"
    if made.deferred:
        one = "1 item changed while it goes out; it is"
        many = f"{made.deferred} items changed while they go out; they are"
        yield f"{one if made.deferred == 1 else many} compared again after that"


def _of_catalogue(view: View) -> Iterator[str]:
    looked = view.looked
    if looked.linked:
        yield f"links to folders, which are not followed: {_named(looked.linked)}"
    left_alone = [one for one in looked.left_alone if view.channel.selects(one.partition("/")[0])]
    if left_alone:
        yield f"links, pipes and the like in items, which are left alone: {_named(left_alone)}"
    if looked.loose:
        files, s = ("1 file lies", "s") if looked.loose == 1 else (f"{looked.loose} files lie", "")
        yield f"{files} beside the folders of items and belong{s} to none"


def _named(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(sorted(names)[:_NAMED]) + (f" and {more} more" if more > 0 else "")
