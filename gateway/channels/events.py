"""What a channel is to get of an item: told from what the item is and what the channel has got.  Pure.

A first delivery swallows every change.  A metadata change goes out alone and soon; a file change takes the whole item
along.  Each kind stands once in the queue, for the newest content.  Nothing is ever raised for what is gone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.channels.model import Channel, Kind
from gateway.channels.payload import REMEDY
from gateway.ledger.channel_contents import Contents
from gateway.ledger.channel_events import IN_QUEUE, NO_LONGER_HELD, EventRow, EventState, NewEvent
from gateway.ledger.channel_items import ANY, Got

MANY_ALLOWED = ": `gateway channel approve {channel}` lets them go, "
MANY_ALLOWED += "`gateway baseline {channel}` counts what is there as delivered"
"""What a person can say of many first deliveries: told once, however many wait."""
MANY = "a new channel with more than {most} first deliveries" + MANY_ALLOWED
UNDONE = "what changed was changed back: nothing is left to send"
GONE = "the item is no longer in the catalogue"
UNSELECTED = "the channel no longer selects the item"
_NO_FILE = "the item holds no file any more"
_CARRIES = "it takes along metadata that waits for approval"
_AGAIN = "it changed after {by} approved it"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a channel says of its events; `many`: first deliveries wait for a person.

    `anew`: the channel's own rules changed, so that what nobody approved is judged again.  `free`: held events whose
    names nobody else has any more.
    """

    manual: frozenset[Kind] = frozenset()
    wellformed: bool = False
    many: str | None = None
    anew: bool = False
    free: frozenset[int] = frozenset()

    @classmethod
    def of(
        cls, channel: Channel, *, many: bool = False, anew: bool = False, free: frozenset[int] = frozenset()
    ) -> "Rules":
        """Those of a channel."""
        said = MANY.format(most=channel.most_first, channel=channel.name) if many else None
        return cls(channel.manual, channel.wellformed, said, anew, free)


@dataclass(frozen=True, slots=True)
class ItemNow:
    """An item at rest; `fault`: why its metadata is not well-formed."""

    item: str
    metadata: str
    files: str
    contents: Contents
    fault: str | None = None


@dataclass(slots=True)
class Changes:
    """What is to be written.  `deferred` items wait for a batch under way to end; `fewer` lost files, which no
    recipient is told of.
    """

    raised: list[NewEvent] = field(default_factory=list)
    renewed: list[tuple[int, NewEvent, str | None]] = field(default_factory=list)  # who approved it, and still does
    ended: list[tuple[int, str]] = field(default_factory=list)
    got: list[Got] = field(default_factory=list)
    deferred: list[str] = field(default_factory=list)
    fewer: dict[str, tuple[str, ...]] = field(default_factory=dict)


def events_of(
    items: Iterable[ItemNow], got: Mapping[str, Got], opened: Mapping[str, Sequence[EventRow]], rules: Rules
) -> Changes:
    """What becomes of these items for one channel."""
    changes = Changes()
    for item in items:
        _Deciding(item, got.get(item.item), opened.get(item.item, ()), rules, changes).decide()
    return changes


class _Deciding:
    """One item."""

    def __init__(
        self, now: ItemNow, got: Got | None, opened: Sequence[EventRow], rules: Rules, changes: Changes
    ) -> None:
        self._now = now
        self._got = got
        self._queued = {Kind(one.kind): one for one in opened if one.state in IN_QUEUE}
        self._batched = {Kind(one.kind): one for one in opened if one.state is EventState.BATCHED}
        self._rules = rules
        self._changes = changes

    def decide(self) -> None:
        """Adopt, raise, renew and end."""
        if not self._now.contents.metadata and not self._now.contents.files:
            self._end_all_but((), _NO_FILE)
            return
        if self._got is not None and ANY in (self._got.metadata, self._got.files):
            self._adopt(self._got)
            return
        if not all(_is_same(one, self._now) for one in self._batched.values()):
            self._changes.deferred.append(self._now.item)
        wanted = self._wanted()
        for kind, changed in wanted.items():
            self._want(kind, changed)
        self._end_all_but(wanted, UNDONE)

    def _adopt(self, got: Got) -> None:
        """It counted as got before it was at rest."""
        now = self._now
        counts = replace(got, metadata=now.metadata, files=now.files, contents=now.contents, gone_at=None)
        self._changes.got.append(counts)

    def _wanted(self) -> dict[Kind, tuple[str, ...]]:
        """The kinds that are due, each with the paths that the channel lacks."""
        now, got = self._now, self._got
        if got is None or got.first_at is None:
            same = got is not None and (got.metadata, got.files) == (now.metadata, now.files)
            return {} if same else {Kind.FIRST: (*sorted(now.contents.metadata), *sorted(now.contents.files))}
        lacks = now.contents.lacks(got.contents)
        wanted = {}
        if now.metadata != got.metadata and lacks.metadata:
            wanted[Kind.METADATA] = lacks.metadata
        if now.files != got.files and lacks.files:
            wanted[Kind.FILE] = lacks.metadata + lacks.files
        self._only_fewer(got, wanted)
        return wanted

    def _only_fewer(self, got: Got, wanted: Mapping[Kind, tuple[str, ...]]) -> None:
        """Parts that lost files and changed in nothing else count as got."""
        now = self._now
        metadata = got.metadata if Kind.METADATA in wanted else now.metadata
        files = got.files if Kind.FILE in wanted else now.files
        kept = replace(got, metadata=metadata, files=files, gone_at=None)
        if kept != got:
            self._changes.got.append(kept)
        gone: set[str] = set()
        if metadata != got.metadata:
            gone |= got.contents.metadata.keys() - now.contents.metadata.keys()
        if files != got.files:
            gone |= got.contents.files.keys() - now.contents.files.keys()
        if gone:
            self._changes.fewer[now.item] = tuple(sorted(gone))

    def _want(self, kind: Kind, changed: tuple[str, ...]) -> None:
        queued = self._queued.get(kind)
        if kind in self._batched:
            return
        if queued is None:
            self._changes.raised.append(self._event(kind, changed))
        elif not _is_same(queued, self._now):
            self._renew(queued, self._event(kind, changed))
        elif queued.by is None and (self._rules.anew or queued.reason == _CARRIES):
            again = self._event(kind, changed)
            if (again.state, again.reason) != (queued.state, queued.reason):
                self._changes.renewed.append((queued.id, again, None))
        elif queued.state is EventState.HELD and (self._rules.anew or queued.id in self._rules.free):
            self._free(queued, self._event(kind, changed))

    def _free(self, queued: EventRow, again: NewEvent) -> None:
        """What names kept back, or a fault that is none by the rules of now; what a person let go needs him no more."""
        if again.state is not EventState.HELD:
            state = again.state if queued.by is None else EventState.WAITING
            reason = no_longer_held(queued.reason) if state is EventState.WAITING else again.reason
            self._changes.renewed.append((queued.id, replace(again, state=state, reason=reason), queued.by))

    def _event(self, kind: Kind, changed: tuple[str, ...]) -> NewEvent:
        state, reason = self._state(kind)
        now = self._now
        return NewEvent(
            item=now.item,
            kind=kind.value,
            state=state,
            metadata=now.metadata,
            files=now.files,
            contents=now.contents,
            changed=changed,
            reason=reason,
        )

    def _state(self, kind: Kind) -> tuple[EventState, str | None]:
        """Where a new event begins."""
        if self._rules.wellformed and self._now.fault is not None:
            return EventState.HELD, self._now.fault
        if kind in self._rules.manual:
            return EventState.REVIEW, None
        if kind is Kind.FIRST and self._rules.many is not None:
            return EventState.REVIEW, self._rules.many
        if kind is Kind.FILE and Kind.METADATA in self._rules.manual and self._metadata_changed():
            return EventState.REVIEW, _CARRIES
        return EventState.WAITING, None

    def _metadata_changed(self) -> bool:
        """True if the channel lacks some of it; that it has more than there is now takes nothing along."""
        got, now = self._got, self._now
        return got is not None and got.metadata != now.metadata and bool(now.contents.lacks(got.contents).metadata)

    def _renew(self, queued: EventRow, event: NewEvent) -> None:
        """The event stands for the newer content.  What a person approved holds for what he saw."""
        if queued.by is None or event.state is EventState.HELD:
            self._changes.renewed.append((queued.id, event, None))
        elif self._needs_approval_again(queued):
            again = replace(event, state=EventState.REVIEW, reason=_AGAIN.format(by=queued.by))
            self._changes.renewed.append((queued.id, again, None))
        else:
            still = replace(event, state=EventState.WAITING, reason=None)
            self._changes.renewed.append((queued.id, still, queued.by))

    def _needs_approval_again(self, queued: EventRow) -> bool:
        manual = self._rules.manual
        if queued.kind == Kind.FILE:
            metadata = queued.metadata != self._now.metadata and Kind.METADATA in manual
            return metadata or (queued.files != self._now.files and Kind.FILE in manual)
        return Kind(queued.kind) in manual

    def _end_all_but(self, wanted: Iterable[Kind], reason: str) -> None:
        self._changes.ended += [(one.id, reason) for kind, one in self._queued.items() if kind not in wanted]


def no_longer_held(reason: str | None) -> str:
    """What is told of an event that goes by itself: why it was held, without the remedy."""
    return f"{NO_LONGER_HELD}{(reason or '').partition(REMEDY)[0]}"


def _is_same(event: EventRow, now: ItemNow) -> bool:
    """True if the event stands for what the item is now; of a metadata change the files are no part."""
    return event.metadata == now.metadata and (event.kind == Kind.METADATA or event.files == now.files)
