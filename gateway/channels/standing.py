"""How all channels stand at one moment, and what is due of each by then."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from gateway.channels.due import Plan, planned
from gateway.channels.model import Channel
from gateway.core.moments import ns
from gateway.ledger import Connection, channel_batches, channel_states, pauses
from gateway.ledger.channel_batches import BatchRow, BatchState
from gateway.ledger.channel_states import Hand, StateRow

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger says of all channels."""

    states: Mapping[str, StateRow]
    batches: Sequence[BatchRow]
    paused: frozenset[str]

    @classmethod
    def read(cls, connection: Connection, now: int) -> "Standing":
        """At this moment."""
        paused = frozenset(one.scope for one in pauses.paused(connection, now))
        return cls(channel_states.every(connection), channel_batches.open_of(connection), paused)

    @property
    def are_all_paused(self) -> bool:
        """True if nothing is to begin."""
        return pauses.ALL in self.paused

    def is_paused(self, channel: Channel) -> bool:
        """True if nothing is to go to its endpoint."""
        return not self.paused.isdisjoint((pauses.ALL, f"endpoint:{channel.endpoint}"))

    def is_begun(self, channel: Channel) -> bool:
        """True if a batch is to go on: a kill cut it off, or its last file arrived after it had failed."""
        return any(row.state is BatchState.DELIVERING for row in self.batches if row.channel == channel.name)

    def is_new(self, channel: Channel) -> bool:
        """True if its catalogue was never looked at for it."""
        return self._state(channel).begun_at is None

    def plans(self, channels: Iterable[Channel], now: datetime) -> dict[str, Plan]:
        """What is due of each channel; one whose times can't be told rests, and keeps no other back."""
        plans: dict[str, Plan] = {}
        for one in channels:
            try:
                plans[one.name] = planned(one, self._state(one), now)
            except Exception:
                log.exception("channel: its times can't be told, it rests; correct its schedule", channel=one.name)
        return plans

    def _state(self, channel: Channel) -> StateRow:
        return self.states.get(channel.name) or StateRow(channel=channel.name)


def by_catalogue(channels: Sequence[Channel]) -> list[list[Channel]]:
    """Those of one catalogue together."""
    found: defaultdict[str, list[Channel]] = defaultdict(list)
    for one in channels:
        found[one.catalogue.name].append(one)
    return list(found.values())


def note_looked(connection: Connection, due: Mapping[str, int]) -> None:
    """The catalogues of these channels were looked at as they were due then."""
    for channel, at in due.items():
        channel_states.handled(connection, channel, Hand.CRON, at)


def count_from(connection: Connection, plans: Mapping[str, Plan]) -> None:
    """These clocks count anew."""
    for name, plan in plans.items():
        at = {hand: ns(moment) for hand, moment in plan.anew.items()}
        channel_states.set_hands(connection, name, at, plan.times)
