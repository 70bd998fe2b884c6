"""The rules of events over random histories, against a plain model of what a recipient has.

The model knows nothing of events: it keeps what lies in the catalogue, what the recipient was sent or counts as sent,
and says from these two alone what must be queued.
"""

import hashlib
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Connection, Engine, create_engine

from gateway.channels.comparing import Comparing, Detected
from gateway.channels.model import Channel, Kind
from gateway.channels.scanning import Looked
from gateway.channels.snapshot import Brought
from gateway.channels.up_to_date import leave, ripe
from gateway.ledger import channel_batches, channel_catalogues, channel_events, channel_going, channel_states
from gateway.ledger.channel_batches import BatchState
from gateway.ledger.channel_catalogues import FileRow, ItemRow, digest_of
from gateway.ledger.channel_events import EventRow, EventState
from gateway.ledger.tables import METADATA
from gateway.runner.services import Services
from tests.channels.making import channel

ITEMS = ("x",)
"""One is enough: nothing of an item depends on another, and so all happens to this one."""
NAMES = ("a.xml", "b.xml", "book")
Content = dict[str, int]


def _metadata(content: Content) -> Content:
    return {name: version for name, version in content.items() if name.endswith(".xml")}


def _files(content: Content) -> Content:
    return {name: version for name, version in content.items() if not name.endswith(".xml")}


def _lacks(content: Content, has: Content) -> bool:
    return any(has.get(name) != version for name, version in content.items())


@dataclass
class Recipient:
    """What it was sent, or counts as sent, of one item; a first delivery that was dropped counts as it was then."""

    begun: bool = False
    adopts: bool = False  # it counts as sent as it comes to rest
    has: Content = field(default_factory=dict)
    refused: Content | None = None

    def is_due(self, there: Content) -> set[str]:
        """What must be queued for it."""
        if not there or self.adopts:
            return set()
        if not self.begun:
            return set() if there == self.refused else {"first"}
        parts = {"metadata": _metadata(there), "file": _files(there)}
        return {kind for kind, part in parts.items() if _lacks(part, self.has)}


@dataclass
class UnderWay:
    """An event that goes out with what lay in the catalogue when it was frozen; `crossed`: not alone of its item."""

    event: EventRow
    payload: Content
    crossed: bool


class _Direct:
    """A ledger whose works are done at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.now = 0

    def now_ns(self) -> int:
        self.now += 1
        return self.now

    async def read(self, work: Callable[[Connection], Any]) -> Any:
        return work(self._connection)

    write = read


_ENGINE: list[Engine] = []


def _engine() -> Engine:
    if not _ENGINE:
        _ENGINE.append(create_engine("sqlite://"))
        METADATA.create_all(_ENGINE[0])
    return _ENGINE[0]


class Histories(RuleBasedStateMachine):
    """Anybody may do anything at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = _engine().connect()
        self.ledger = _Direct(self.connection)
        self.disk: dict[str, Content] = {item: {} for item in ITEMS}
        self.noted: dict[str, Content] = {}
        self.moving: set[str] = set()
        self.to = {item: Recipient() for item in ITEMS}
        self.under_way: list[UnderWay] = []
        self.agreed: dict[tuple[str, str], list[Content]] = {}
        self.is_compared = False
        self.channel: Channel = channel()

    @initialize(
        manual=st.sets(st.sampled_from(list(Kind))), start=st.sampled_from(["now", "all"]), delivered=st.booleans()
    )
    def begin(self, manual: set[Kind], start: str, delivered: bool) -> None:
        self.channel = channel(manual=frozenset(manual), start=start)
        if delivered:
            self.disk = {item: {"a.xml": 0, "book": 0} for item in ITEMS}
            self._deliver_all()

    @rule(
        item=st.sampled_from(ITEMS),
        name=st.sampled_from(NAMES),
        version=st.integers(0, 1),
        look=st.booleans(),
        approve=st.booleans(),
    )
    def write(self, item: str, name: str, version: int, look: bool, approve: bool) -> None:
        self.disk[item] = {**self.disk[item], name: version}
        self._go_on(item, look, approve)

    @rule(item=st.sampled_from(ITEMS), look=st.booleans(), approve=st.booleans())
    def change_back(self, item: str, look: bool, approve: bool) -> None:
        """To what the recipient has, or refused."""
        to = self.to[item]
        self.disk[item] = dict(to.refused if to.refused is not None else to.has)
        self._go_on(item, look, approve)

    def _go_on(self, item: str, look: bool, approve: bool) -> None:
        self.is_compared = False
        if look:
            self.detect()
        if approve:
            self.approve(item)

    @rule(item=st.sampled_from(ITEMS), name=st.sampled_from(NAMES))
    def remove(self, item: str, name: str) -> None:
        self.disk[item] = {other: version for other, version in self.disk[item].items() if other != name}
        self.is_compared = False

    @rule(item=st.sampled_from(ITEMS))
    def vanish(self, item: str) -> None:
        self.disk[item] = {}
        self.is_compared = False

    @rule(item=st.sampled_from(ITEMS))
    def begin_or_end_writing(self, item: str) -> None:
        self.moving ^= {item}
        self.is_compared = False

    @rule()
    def another_channel_detects(self) -> None:
        self._bring()
        self.is_compared = False

    @rule()
    def detect(self) -> None:
        looked, brought = self._bring()
        begins = channel_states.get(self.connection, "shop").begun_at is None
        found = self._compare(looked, brought)
        if begins and self.channel.start == "now":
            self._count_all()
        self._adopt()
        again = self._compare(looked, brought)
        assert (again.first, again.metadata, again.file, again.vanished) == (0, 0, 0, ())
        assert not found.nothing_changed or not (found.first or found.metadata or found.file)
        self.is_compared = True

    @rule(kind=st.sampled_from(list(Kind)))
    def freeze(self, kind: Kind) -> None:
        at = self.ledger.now_ns()
        events = ripe(self.connection, self.channel, kind, at)
        batch = channel_batches.make(self.connection, "shop", kind.value, at, "2026-11-22", at)
        channel_going.freeze(self.connection, events, batch.id)
        for event in events:
            crossing = [one for one in self.under_way if one.event.item == event.item]
            for one in crossing:
                one.crossed = True
            there = self.noted[event.item]
            payload = _metadata(there) if kind is Kind.METADATA else there
            self._check_agreed(event, there)
            self.under_way.append(UnderWay(event, payload, bool(crossing)))
        self.is_compared = False

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 9))
    def arrive(self, which: int) -> None:
        one = self.under_way.pop(which % len(self.under_way))
        item, at = one.event.item, self.ledger.now_ns()
        self.is_compared = False
        if any(self.disk[item].get(name) != version for name, version in one.payload.items()):
            leave(self.connection, self.channel, one.event, "it changed", at)
            return
        to = self.to[item]
        assert one.crossed or _lacks(one.payload, to.has), "it was sent before"
        assert one.event.kind != "first" or not to.begun, "a first delivery comes once"
        channel_going.delivered(self.connection, one.event, at)
        to.begun, to.refused = True, None
        to.has = {**to.has, **one.payload}

    @precondition(lambda self: self.under_way)
    @rule()
    def fail(self) -> None:
        """The batches under way are tried again later."""
        for batch in channel_batches.open_of(self.connection, "shop"):
            channel_batches.change(self.connection, batch.id, {"state": BatchState.FAILED.value})

    @rule(item=st.sampled_from(ITEMS))
    def approve(self, item: str) -> None:
        events = [one for one in self._queued(item) if one.state is EventState.REVIEW]
        for one in events:
            self.agreed.setdefault((item, one.kind), []).append(_of(one))
        channel_going.approve(self.connection, "shop", events, "ann")

    @rule(item=st.sampled_from(ITEMS), kind=st.sampled_from(list(Kind)))
    def drop(self, item: str, kind: Kind) -> None:
        events = [one for one in self._queued(item) if one.kind == kind]
        to = self.to[item]
        for one in events:
            content = _of(one)
            if kind is Kind.FIRST:
                to.refused = content
            else:
                to.has = {**to.has, **(_metadata(content) if kind is Kind.METADATA else _files(content))}
        channel_going.drop(self.connection, "shop", events, "ann", "not this one", self.ledger.now_ns())
        self.is_compared = self.is_compared and not events

    @invariant()
    def a_first_delivery_stands_alone_and_each_kind_once(self) -> None:
        for item in ITEMS:
            kinds = [one.kind for one in self._queued(item)]
            assert len(kinds) == len(set(kinds))
            assert "first" not in kinds or kinds == ["first"]

    @invariant()
    def what_the_recipient_lacks_is_queued(self) -> None:
        if not self.is_compared:
            return
        for item in ITEMS:
            going = {one.event.item for one in self.under_way}
            if item in self.moving or item in going:
                continue
            queued = {one.kind: one for one in self._queued(item)}
            assert set(queued) == self.to[item].is_due(self.disk[item])
            for kind, one in queued.items():
                part = _metadata if kind == "metadata" else dict
                assert part(_of(one)) == part(self.disk[item])

    def teardown(self) -> None:
        try:
            self._finish()
        finally:
            self.connection.rollback()
            self.connection.close()

    def _finish(self) -> None:
        """Once all is still, everything is delivered that is there, and then there is nothing left to do."""
        self.moving.clear()
        while self.under_way:
            self.arrive(0)
        self._deliver_all()
        assert not [one for item in ITEMS for one in self._queued(item)]
        for item in ITEMS:
            assert not self.to[item].is_due(self.disk[item])

    def _deliver_all(self) -> None:
        self.detect()
        for item in ITEMS:
            self.approve(item)
        for kind in Kind:
            self.freeze(kind)
            while self.under_way:
                self.arrive(0)
        self.detect()

    def _bring(self) -> tuple[Looked, Brought]:
        """The ledger is brought up to date with what is at rest, as `snapshot` does it."""
        at_rest = {item: content for item, content in self.disk.items() if content and item not in self.moving}
        gone = [item for item in self.noted if not self.disk[item]]
        channel_catalogues.forget_items(self.connection, "titles", gone)
        for item in gone:
            del self.noted[item]
        for item, content in at_rest.items():
            rows = list(_rows(item, content))
            row = ItemRow(item, _look(content), *_digests(rows), None)
            channel_catalogues.note_items(self.connection, "titles", [row], rows)
            self.noted[item] = content
        looked = Looked({item: _look(content) for item, content in self.disk.items() if content})
        unstable = {item: "it changes" for item in self.moving if self.disk[item]}
        return looked, Brought(None if unstable else looked.digest(), unstable)

    def _compare(self, looked: Looked, brought: Brought) -> Detected:
        services = cast("Services", SimpleNamespace(ledger=self.ledger))
        return _at_once(Comparing(self.channel, looked, brought, services).all())

    def _count_all(self) -> None:
        """What is there when a channel begins counts as sent; what moves then counts as it comes to rest."""
        for item, content in self.disk.items():
            if content:
                self.to[item] = Recipient(begun=True, adopts=True)

    def _adopt(self) -> None:
        for item, to in self.to.items():
            if to.adopts and self.disk[item] and item not in self.moving:
                to.adopts, to.has = False, dict(self.disk[item])

    def _queued(self, item: str) -> list[EventRow]:
        rows = channel_events.open_of(self.connection, "shop", [item])
        return [one for one in rows if one.state is not EventState.BATCHED]

    def _check_agreed(self, event: EventRow, there: Content) -> None:
        """Nothing goes out of a manual kind but what a person has seen."""
        kind = Kind(event.kind)
        if kind not in self.channel.manual:
            return
        parts = {Kind.METADATA: _metadata, Kind.FILE: _files, Kind.FIRST: dict}
        seen = self.agreed.get((event.item, event.kind), [])
        assert parts[kind](there) in [parts[kind](one) for one in seen]


def _at_once(work: Coroutine[Any, Any, Detected]) -> Detected:
    """What waits for nobody needs no loop."""
    try:
        work.send(None)
    except StopIteration as end:
        return cast("Detected", end.value)
    raise AssertionError("it waits for somebody")


def _look(content: Content) -> str:
    return repr(sorted(content.items()))


def _sha256(name: str, version: int) -> str:
    return hashlib.sha256(f"{name} {version}".encode()).hexdigest()


def _rows(item: str, content: Content) -> Iterator[FileRow]:
    for name, version in content.items():
        sha256 = _sha256(name, version)
        yield FileRow(item, name, 1, version, 1, 1, sha256, sha256 if name.endswith(".xml") else None, None, 1)


def _digests(rows: list[FileRow]) -> tuple[str, str]:
    metadata = digest_of(one for one in rows if one.meta_sha256 is not None)
    return metadata, digest_of(one for one in rows if one.meta_sha256 is None)


def _of(event: EventRow) -> Content:
    """The content that an event stands for."""
    versions = {_sha256(name, version)[:32]: version for name in NAMES for version in range(2)}
    both = {**event.contents.metadata, **event.contents.files}
    return {name: versions[digest] for name, digest in both.items()}


Histories.TestCase.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
test_random_histories = pytest.mark.timeout(240)(Histories.TestCase)
