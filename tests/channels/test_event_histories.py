"""The rules of events over random histories, against a plain model of what a recipient has.

The model knows nothing of events: it keeps what lies in the catalogue, what the recipient was sent or counts as sent,
and says from these two alone what must be queued.
"""

import hashlib
import os
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, cast

from hypothesis import given, note, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine

from gateway.channels.comparing import Comparing
from gateway.channels.detected import Detected
from gateway.channels.model import Channel, Kind
from gateway.channels.newcomers import Newcomers
from gateway.channels.scanning import Looked
from gateway.channels.snapshot import Brought
from gateway.channels.up_to_date import leave, ripe
from gateway.core.clock import SystemClock
from gateway.ledger import Ledger, channel_batches, channel_catalogues, channel_events, channel_going, channel_states
from gateway.ledger.channel_arrivals import Arrival, arrived
from gateway.ledger.channel_batches import BatchState
from gateway.ledger.channel_catalogues import FileRow, ItemRow, digest_of
from gateway.ledger.channel_events import EventRow, EventState
from gateway.ledger.tables import METADATA
from tests.channels.making import channel

COUNT = int(os.environ.get("GATEWAY_HISTORIES", "40"))
"""`make torture` plays more of them."""
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
    """An event that goes out with what lay in the catalogue when it was frozen; `crossed`: not alone of its item.

    `lacking` is what has not arrived yet.
    """

    event: EventRow
    payload: Content
    crossed: bool
    lacking: Content


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


class History:
    """Anybody may do anything at any time."""

    def __init__(self) -> None:
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

    def begin(self, manual: set[Kind], start: str, delivered: bool) -> None:
        self.channel = channel(manual=frozenset(manual), start=start)
        if delivered:
            self.disk = {item: {"a.xml": 0, "book": 0} for item in ITEMS}
            self._deliver_all()

    def write(self, item: str, name: str, version: int) -> None:
        self.disk[item] = {**self.disk[item], name: version}
        self.is_compared = False

    def change_back(self, item: str) -> None:
        """To what the recipient has, or refused."""
        to = self.to[item]
        self.disk[item] = dict(to.refused if to.refused is not None else to.has)
        self.is_compared = False

    def remove(self, item: str, name: str) -> None:
        self.disk[item] = {other: version for other, version in self.disk[item].items() if other != name}
        self.is_compared = False

    def vanish(self, item: str) -> None:
        self.disk[item] = {}
        self.is_compared = False

    def begin_or_end_writing(self, item: str) -> None:
        self.moving ^= {item}
        self.is_compared = False

    def another_channel_detects(self) -> None:
        self._bring()
        self.is_compared = False

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
            self.under_way.append(UnderWay(event, payload, bool(crossing), payload))
        self.is_compared = False

    def arrive(self, which: int) -> None:
        """All of one that is under way."""
        one = self._under_way(which)
        if one is None:
            return
        self.under_way.remove(one)
        self.is_compared = False
        if any(self.disk[one.event.item].get(name) != version for name, version in one.lacking.items()):
            leave(self.connection, self.channel, one.event, "it changed", self.ledger.now_ns())
            return
        to = self.to[one.event.item]
        is_begun_on = one.lacking != one.payload
        assert one.crossed or is_begun_on or _lacks(one.payload, to.has), "it was sent before"
        assert one.event.kind != "first" or not to.begun, "a first delivery comes once"
        self._bring_there(one, one.payload if one.event.kind == "first" else one.lacking, ends=True)
        to.begun, to.refused = True, None

    def arrive_in_part(self, which: int) -> None:
        """One file of several, before the connection is lost."""
        one = self._under_way(which)
        if one is not None and len(one.lacking) > 1:
            name = min(one.lacking)
            if self.disk[one.event.item].get(name) == one.lacking[name]:
                self._bring_there(one, {name: one.lacking[name]}, ends=False)

    def _bring_there(self, one: UnderWay, files: Content, *, ends: bool) -> None:
        arrival = Arrival(one.event, frozenset(files), ends)
        arrived(self.connection, "shop", [arrival], self.ledger.now_ns())
        one.lacking = {name: version for name, version in one.lacking.items() if name not in files}
        to = self.to[one.event.item]
        if ends or to.begun:
            to.has = {**to.has, **files}
        self.is_compared = False

    def _under_way(self, which: int) -> UnderWay | None:
        """One of them; what was merged while its batch had failed is no more, the recipient has it."""
        for one in list(self.under_way):
            row = channel_events.get(self.connection, one.event.id)
            if row is not None and row.state is EventState.MERGED:
                assert not _lacks(_metadata(one.payload), self.to[one.event.item].has)
                self.under_way.remove(one)
        return self.under_way[which % len(self.under_way)] if self.under_way else None

    def arrive_all(self) -> None:
        while self._under_way(0) is not None:
            self.arrive(0)

    def fail(self) -> None:
        """The batches under way are tried again later."""
        for batch in channel_batches.open_of(self.connection, "shop"):
            channel_batches.change(self.connection, batch.id, {"state": BatchState.FAILED.value})

    def approve(self, item: str) -> None:
        events = [one for one in self._queued(item) if one.state is EventState.REVIEW]
        for one in events:
            self.agreed.setdefault((item, one.kind), []).append(_of(one))
        channel_going.approve(self.connection, "shop", events, "ann")

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

    def a_first_delivery_stands_alone_and_each_kind_once(self) -> None:
        for item in ITEMS:
            kinds = [one.kind for one in self._queued(item)]
            assert len(kinds) == len(set(kinds))
            assert "first" not in kinds or kinds == ["first"]

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

    def finish(self) -> None:
        """Once all is still, everything is delivered that is there, and then there is nothing left to do."""
        self.moving.clear()
        self.arrive_all()
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
            self.arrive_all()
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
        newcomers = Newcomers("/nowhere", looked, brought, SystemClock())
        return _at_once(Comparing(self.channel, looked, brought, newcomers, cast("Ledger", self.ledger)).all())

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
        kind, manual = Kind(event.kind), self.channel.manual
        seen = self.agreed.get((event.item, event.kind), [])
        parts: dict[Kind, Callable[[Content], Content]]
        parts = {Kind.METADATA: _metadata, Kind.FILE: _files, Kind.FIRST: dict}
        if kind in manual:
            assert parts[kind](there) in [parts[kind](one) for one in seen]
        if kind is Kind.FILE and Kind.METADATA in manual and _lacks(_metadata(there), self.to[event.item].has):
            assert _metadata(there) in [_metadata(one) for one in seen], "it takes along what nobody approved"


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
    versions = {_sha256(name, version)[:32]: version for name in NAMES for version in range(3)}
    both = {**event.contents.metadata, **event.contents.files}
    return {name: versions[digest] for name, digest in both.items()}


X = ITEMS[0]
STEPS: list[tuple[str, Callable[[History], None]]] = [
    *[("look", History.detect)] * 8,
    *[
        (f"write {name} {version}", partial(History.write, item=X, name=name, version=version))
        for name in NAMES
        for version in range(3)
    ],
    *[("approve", partial(History.approve, item=X))] * 3,
    *[("arrive", History.arrive_all)] * 3,
    *[(f"freeze {kind}", partial(History.freeze, kind=kind)) for kind in Kind for _ in range(3)],
    *[(f"drop {kind}", partial(History.drop, item=X, kind=kind)) for kind in Kind],
    *[(f"remove {name}", partial(History.remove, item=X, name=name)) for name in NAMES],
    *[(f"arrive {which}", partial(History.arrive, which=which)) for which in range(2)],
    *[(f"arrive {which} in part", partial(History.arrive_in_part, which=which)) for which in range(2)] * 2,
    *[("change back", partial(History.change_back, item=X))] * 2,
    ("vanish", partial(History.vanish, item=X)),
    ("begin or end writing", partial(History.begin_or_end_writing, item=X)),
    ("another channel detects", History.another_channel_detects),
    ("fail", History.fail),
]


@settings(max_examples=COUNT, deadline=None)
@given(chance=st.randoms(use_true_random=True))
def test_random_histories(chance: Random) -> None:
    """Steps are drawn evenly: what hypothesis would draw by itself is short and poor."""
    history = History()
    try:
        manual = {kind for kind in Kind if chance.random() < 0.5}
        history.begin(manual, chance.choice(["now", "all"]), chance.random() < 0.7)
        note(f"manual: {manual}, start: {history.channel.start}, begins with {history.disk}")
        for name, step in chance.choices(STEPS, k=60):
            note(name)
            step(history)
            history.a_first_delivery_stands_alone_and_each_kind_once()
            history.what_the_recipient_lacks_is_queued()
        history.finish()
    finally:
        history.connection.rollback()
        history.connection.close()
