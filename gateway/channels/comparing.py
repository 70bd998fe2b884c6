"""What one channel has got, compared with its catalogue: only where one of them changed since the last time."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from gateway.channels.counted_names import keep_names
from gateway.channels.detected import Detected, Sum, detected
from gateway.channels.events import GONE, MANY, UNSELECTED, Rules
from gateway.channels.held import may_change_by_itself, with_free_names
from gateway.channels.many_first import FirstGuard
from gateway.channels.model import Channel, Kind
from gateway.channels.newcomers import Newcomers
from gateway.channels.scanning import Looked
from gateway.channels.snapshot import Brought
from gateway.channels.up_to_date import compared, now, said_of
from gateway.channels.view import View
from gateway.core.portions import portions
from gateway.ledger import Connection, Ledger, channel_events, channel_going, channel_items, channel_states
from gateway.ledger.channel_contents import Contents
from gateway.ledger.channel_events import IN_QUEUE, EventState, OpenKey
from gateway.ledger.channel_items import ANY, Got
from gateway.ledger.channel_states import StateRow

_PORTION = 500


class Comparing:
    """One channel against a catalogue that the ledger is up to date with."""

    def __init__(
        self, channel: Channel, looked: Looked, brought: Brought, newcomers: Newcomers, ledger: Ledger
    ) -> None:
        self._channel = channel
        self._view = View(channel, looked, brought)
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
            return replace(detected(self._view, Sum()), nothing_changed=True)
        if state.begun_at is None and self._channel.start == "now":
            return detected(self._view, Sum(), counted=await self.count())
        return await self._compare(state, free)

    async def count(self) -> int:
        """Whatever the channel selects counts as delivered, also what is not at rest: as it comes to rest."""
        counted = 0
        for some in portions(self._view.at_rest, _PORTION):
            counted += await self._ledger.write(partial(self._count, items=some))
        rows = [self._any(item) for item in self._view.not_at_rest]
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
        differs = [one for one in await self._ledger.read(differing) if self._view.is_ours(one.item)]
        queued = await self._ledger.read(partial(channel_events.open_keys, channel=name))
        guard = FirstGuard(self._channel, state, self._rules)
        coming = set() if guard.is_over else await self._coming()
        had = await self._had() if guard.has_begun else 0
        many = guard.asks({one.item for one in differs if not one.known} | coming, queued, had)
        if many:
            await self._ledger.write(self._guard)
        rules = Rules.of(self._channel, many=many, anew=not guard.is_same, free=free)
        items = {one.item for one in differs} | {one.item for one in queued if self._view.is_ours(one.item)}
        made = Sum()
        for some in portions(sorted(items), _PORTION):
            work = partial(compared, channel=self._channel, items=some, rules=rules, at=self._at)
            made.add(await self._ledger.write(work))
        filling = guard.stays_new(filling=not coming <= self._view.brought.unreadable.keys(), asks=many)
        end = partial(self._end, queued=queued, is_settled=not made.deferred, filling=filling, asked=many)
        made.vanished, made.unselected = await self._ledger.write(end)
        return detected(self._view, made)

    async def _coming(self) -> set[str]:
        """What the channel selects and never got, and is not at rest yet, or was not there when it was looked at."""
        got = await self._ledger.read(partial(channel_items.present, channel=self._channel.name))
        view = self._view
        open_items = (view.brought.open & view.looked.items.keys()) | await self._newcomers.items()
        return set(view.selected(open_items)) - set(got)

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
        self, connection: Connection, queued: Sequence[OpenKey], is_settled: bool, filling: bool, asked: bool
    ) -> tuple[list[str], list[str]]:
        """What is gone, and what is no longer selected, is noted, and what was queued of it is over."""
        name, view = self._channel.name, self._view
        in_queue = [one for one in queued if one.state in IN_QUEUE]
        known = {*channel_items.present(connection, name), *(one.item for one in in_queue)}
        vanished = sorted(item for item in known if not view.is_there(item))
        unselected = sorted(item for item in known if view.is_unselected(item))
        channel_items.went(connection, name, [*vanished, *unselected], self._at)
        for reason, items in ((GONE, frozenset(vanished)), (UNSELECTED, frozenset(unselected))):
            ids = [one.id for one in in_queue if one.item in items]
            channel_events.end(connection, ids, EventState.DROPPED, self._at, reason)
        self._settle(connection, is_settled=is_settled, filling=filling, asked=asked)
        return vanished, unselected

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
        token = self._view.token if is_settled else None
        channel_states.settle(connection, name, catalogue, self._rules, token, filling=filling, asked=asked)

    def _is_settled(self, state: StateRow) -> bool:
        same = state.catalogue == self._channel.catalogue.name and state.rules == self._rules
        is_told = state.begun_at is not None and not state.filling
        return same and is_told and self._view.token is not None and state.settled == self._view.token
