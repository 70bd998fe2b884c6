"""What one channel has got, compared with its catalogue: only where one of them changed since the last time."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from gateway.channels.counted_names import keep_names
from gateway.channels.events import GONE, MANY, UNSELECTED, Changes, Rules
from gateway.channels.held import may_change_by_itself, with_free_names
from gateway.channels.many_first import FirstGuard
from gateway.channels.model import Channel, Kind
from gateway.channels.newcomers import Newcomers
from gateway.channels.scanning import Looked
from gateway.channels.snapshot import Brought, rules_of
from gateway.channels.up_to_date import compared, now, said_of
from gateway.core.portions import portions
from gateway.ledger import Connection, Ledger, channel_events, channel_going, channel_items, channel_states
from gateway.ledger.channel_contents import Contents
from gateway.ledger.channel_events import IN_QUEUE, EventState, OpenKey
from gateway.ledger.channel_items import ANY, Got
from gateway.ledger.channel_states import StateRow

_PORTION = 500
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
class _Sum:
    """What the portions came to."""

    kinds: dict[str, int] = field(default_factory=dict)
    deferred: int = 0
    ended: int = 0
    fewer: list[str] = field(default_factory=list)
    states: Counter[EventState] = field(default_factory=Counter)

    def add(self, changes: Changes) -> None:
        for event in (*changes.raised, *(renewed for _, renewed, _ in changes.renewed)):
            self.kinds[event.kind] = self.kinds.get(event.kind, 0) + 1
            self.states[event.state] += 1
        self.deferred += len(changes.deferred)
        self.ended += len(changes.ended)
        self.fewer += [f"{item}/{name}" for item, names in changes.fewer.items() for name in names]


class _Left(NamedTuple):
    """Items that are missing, or no longer selected, for the first time."""

    vanished: tuple[str, ...] = ()
    unselected: tuple[str, ...] = ()


class Comparing:
    """One channel against a catalogue that the ledger is up to date with."""

    def __init__(
        self, channel: Channel, looked: Looked, brought: Brought, newcomers: Newcomers, ledger: Ledger
    ) -> None:
        self._channel = channel
        self._looked = looked
        self._brought = brought
        self._newcomers = newcomers
        self._ledger = ledger
        self._at = ledger.now_ns()
        self._rules = said_of(channel)

    async def all(self) -> Detected:
        """Bring its queue up to date."""
        state = await self._ledger.read(partial(channel_states.get, channel=self._channel.name))
        is_settled = self._is_settled(state)
        free = frozenset[int]()
        if not is_settled or may_change_by_itself(self._channel):
            free = await with_free_names(self._ledger, self._channel, self._at)
        if is_settled and not free:
            return replace(self._detected(_Sum()), nothing_changed=True)
        if state.begun_at is None and self._channel.start == "now":
            return replace(self._detected(_Sum()), counted=await self.count())
        return await self._compare(state, free)

    async def count(self) -> int:
        """Whatever the channel selects counts as delivered, also what is not at rest: as it comes to rest."""
        items = self._selected(self._looked.items)
        open_items = self._selected(self._brought.open)
        counted = 0
        for some in portions([item for item in items if item not in self._brought.open], _PORTION):
            counted += await self._ledger.write(partial(self._count, items=some))
        rows = [self._any(item) for item in open_items]
        await self._ledger.write(partial(self._counted, rows=rows, released=counted + len(rows) > 0))
        await keep_names(self._ledger, self._channel)
        return counted + len(rows)

    def _count(self, connection: Connection, items: Sequence[str]) -> int:
        there = [one for one in now(connection, self._channel.catalogue.name, items) if one.contents != Contents()]
        rows = [
            Got(item=one.item, metadata=one.metadata, files=one.files, contents=one.contents, first_at=self._at)
            for one in there
        ]
        channel_going.counts_as_got(connection, self._channel.name, rows, self._at)
        return len(rows)

    def _any(self, item: str) -> Got:
        return Got(item=item, metadata=ANY, files=ANY, contents=Contents(), first_at=self._at)

    def _counted(self, connection: Connection, rows: Sequence[Got], released: bool) -> None:
        channel_going.counts_as_got(connection, self._channel.name, rows, self._at)
        self._settle(connection, is_settled=not rows, released=released)

    async def _compare(self, state: StateRow, free: frozenset[int]) -> Detected:
        name = self._channel.name
        differing = partial(channel_items.differing, channel=name, catalogue=self._channel.catalogue.name)
        differs = [one for one in await self._ledger.read(differing) if self._is_ours(one.item)]
        queued = await self._ledger.read(partial(channel_events.open_keys, channel=name))
        guard = FirstGuard(self._channel, state, self._rules)
        coming = set() if guard.is_over else await self._coming()
        had = await self._had() if guard.has_begun else 0
        many = guard.asks({one.item for one in differs if not one.known} | coming, queued, had)
        if many:
            await self._ledger.write(self._guard)
        rules = Rules.of(self._channel, many=many, anew=not guard.is_same, free=free)
        items = {one.item for one in differs} | {one.item for one in queued if self._is_ours(one.item)}
        made = _Sum()
        for some in portions(sorted(items), _PORTION):
            work = partial(compared, channel=self._channel, items=some, rules=rules, at=self._at)
            made.add(await self._ledger.write(work))
        filling = guard.stays_new(filling=not coming <= self._brought.unreadable.keys(), asks=many)
        left = await self._ledger.write(
            partial(self._end, queued=queued, deferred=made.deferred > 0, filling=filling, asked=many)
        )
        return self._detected(made, left)

    def _is_ours(self, item: str) -> bool:
        """True for what is selected, there and at rest: of anything else nothing is concluded."""
        there = item in self._looked.items and item not in self._brought.open
        return there and self._channel.selects(item)

    async def _coming(self) -> set[str]:
        """What the channel selects and never got, and is not at rest yet, or was not there when it was looked at."""
        got = await self._ledger.read(partial(channel_items.present, channel=self._channel.name))
        open_items = (self._brought.open & self._looked.items.keys()) | await self._newcomers.items()
        return set(self._selected(open_items)) - set(got)

    async def _had(self) -> int:
        """How many items it has got."""
        counts = await self._ledger.read(channel_items.counts)
        return counts.get(self._channel.name, (0, 0))[0]

    def _guard(self, connection: Connection) -> None:
        """Also those that wait already go for review; what went out since they were read has gone."""
        channel_states.guard(connection, self._channel.name)
        unasked = [
            one.id
            for one in channel_events.open_keys(connection, self._channel.name)
            if one.kind == Kind.FIRST and one.state is EventState.WAITING and one.by is None
        ]
        reason = MANY.format(most=self._channel.most_first, channel=self._channel.name)
        channel_events.set_state(connection, unasked, EventState.REVIEW, {"reason": reason})

    def _end(
        self, connection: Connection, queued: Sequence[OpenKey], deferred: bool, filling: bool, asked: bool
    ) -> "_Left":
        """What is gone, or no longer selected, is noted, and what was queued of it is over."""
        name = self._channel.name
        present = channel_items.present(connection, name)
        known = {*present, *(one.item for one in queued if one.state in IN_QUEUE)}
        vanished = sorted(item for item in known if not self._is_there(item))
        unselected = sorted(item for item in known if self._is_there(item) and not self._channel.selects(item))
        channel_items.went(connection, name, [*vanished, *unselected], self._at)
        for reason, ids in self._over(queued).items():
            channel_events.end(connection, ids, EventState.DROPPED, self._at, reason)
        self._settle(connection, is_settled=not deferred, filling=filling, asked=asked)
        return _Left(tuple(vanished), tuple(unselected))

    def _over(self, queued: Sequence[OpenKey]) -> dict[str, list[int]]:
        in_queue = [one for one in queued if one.state in IN_QUEUE]
        gone = [one.id for one in in_queue if not self._is_there(one.item)]
        there = [one for one in in_queue if self._is_there(one.item)]
        return {GONE: gone, UNSELECTED: [one.id for one in there if not self._channel.selects(one.item)]}

    def _is_there(self, item: str) -> bool:
        return item in self._looked.items or item in self._looked.unreadable

    def _settle(
        self,
        connection: Connection,
        *,
        is_settled: bool,
        released: bool = False,
        filling: bool = False,
        asked: bool = False,
    ) -> None:
        name, catalogue = self._channel.name, self._channel.catalogue.name
        if channel_states.get(connection, name).begun_at is None:
            channel_states.begin(connection, name, catalogue, self._at, released=released)
        elif released:
            channel_states.release(connection, name)
        token = self._token if is_settled else None
        channel_states.settle(connection, name, catalogue, self._rules, token, filling=filling, asked=asked)

    @property
    def _token(self) -> str | None:
        """What the queue is up to date with, None while not all of the catalogue is at rest."""
        digest = self._brought.digest
        return None if digest is None else f"{digest}-{rules_of(self._channel.catalogue)}"

    def _is_settled(self, state: StateRow) -> bool:
        same = state.catalogue == self._channel.catalogue.name and state.rules == self._rules
        same = same and not state.filling
        return same and state.begun_at is not None and self._token is not None and state.settled == self._token

    def _selected(self, items: Iterable[str]) -> list[str]:
        return sorted(item for item in items if self._channel.selects(item))

    def _detected(self, made: _Sum, left: "_Left | None" = None) -> Detected:
        left = left or _Left()
        unstable = self._selected(self._brought.unstable)
        unreadable = self._selected(self._brought.unreadable)
        nothing = not (any((made.kinds, made.ended, made.deferred, made.fewer, *left)) or unstable or unreadable)
        return Detected(
            first=made.kinds.get(Kind.FIRST, 0),
            metadata=made.kinds.get(Kind.METADATA, 0),
            file=made.kinds.get(Kind.FILE, 0),
            unstable=tuple(f"{item}: {self._brought.unstable[item]}" for item in unstable),
            unreadable=tuple(f"{item}: {self._brought.unreadable[item]}" for item in unreadable),
            vanished=left.vanished,
            notes=tuple(self._notes(made, left)),
            hashed_files=self._brought.hashed_files,
            nothing_changed=nothing,
        )

    def _notes(self, made: _Sum, left: "_Left") -> Iterator[str]:
        if left.unselected:
            yield f"no longer selected, and no recipient is told to delete: {_named(left.unselected)}"
        if made.fewer:
            yield f"gone, and no recipient is told to delete: {_named(made.fewer)}"
        name = self._channel.name
        if made.states[EventState.REVIEW]:
            yield f"{made.states[EventState.REVIEW]} for approval: gateway channel approve {name}"
        if made.states[EventState.HELD]:
            yield f"{made.states[EventState.HELD]} held: gateway channel queue {name} says why"
        if made.deferred:
            one = "1 item changed while it goes out; it is"
            many = f"{made.deferred} items changed while they go out; they are"
            yield f"{one if made.deferred == 1 else many} compared again after that"
        if self._looked.linked:
            yield f"links to folders, which are not followed: {_named(self._looked.linked)}"
        if self._looked.loose:
            files, s = ("1 file lies", "s") if self._looked.loose == 1 else (f"{self._looked.loose} files lie", "")
            yield f"{files} beside the folders of items and belong{s} to none"


def _named(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(sorted(names)[:_NAMED]) + (f" and {more} more" if more > 0 else "")
