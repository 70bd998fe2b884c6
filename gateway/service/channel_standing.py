"""How channels stand: what waits for each, what failed, and whether its catalogue can be looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.channels.due import HAND_OF, next_of
from gateway.channels.model import Channel, Channels, Kind
from gateway.ledger import Connection, channel_batches, channel_catalogues, channel_events
from gateway.ledger.channel_batches import BatchRow, BatchState
from gateway.ledger.channel_events import EventState
from gateway.ledger.channel_states import Hand


@dataclass(frozen=True, slots=True)
class QueueRows:
    """What the ledger says: open changes by channel, kind and state; open batches; trouble by catalogue."""

    counts: Mapping[str, Mapping[tuple[str, EventState], int]] = field(default_factory=dict)
    batches: Sequence[BatchRow] = ()
    troubles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelStanding:
    """One channel.  `waiting` by kind, with the next time of each in `next_at`; `look_at` is the next look."""

    channel: Channel
    look_at: datetime
    waiting: Mapping[Kind, int]
    next_at: Mapping[Kind, datetime]
    review: int
    held: int
    under_way: int
    failed: tuple[BatchRow, ...]
    trouble: str | None


def queue_rows(connection: Connection, channels: Channels) -> QueueRows:
    """Read them."""
    names = {one.catalogue.name for one in channels.channels.values()}
    looks = {name: channel_catalogues.looked(connection, name) for name in names}
    troubles = {name: look.error for name, look in looks.items() if look is not None and look.error}
    return QueueRows(channel_events.counts(connection), channel_batches.open_of(connection), troubles)


def standing(channels: Channels, rows: QueueRows, now: datetime) -> tuple[ChannelStanding, ...]:
    """Of each channel that can run."""
    return tuple(_standing(one, rows, now) for one in channels.sound().values())


def _standing(channel: Channel, rows: QueueRows, now: datetime) -> ChannelStanding:
    counts = rows.counts.get(channel.name, {})
    waiting = {kind: counts[kind.value, EventState.WAITING] for kind in Kind if (kind, EventState.WAITING) in counts}
    mine = [row for row in rows.batches if row.channel == channel.name]

    def count(state: EventState) -> int:
        return sum(many for (_, found), many in counts.items() if found is state)

    return ChannelStanding(
        channel=channel,
        look_at=next_of(channel, Hand.CRON, now).astimezone(channel.zone),
        waiting=waiting,
        next_at={kind: next_of(channel, HAND_OF[kind], now).astimezone(channel.zone) for kind in Kind},
        review=count(EventState.REVIEW),
        held=count(EventState.HELD),
        under_way=sum(row.state is BatchState.DELIVERING for row in mine),
        failed=tuple(row for row in mine if row.state is BatchState.FAILED),
        trouble=rows.troubles.get(channel.catalogue.name),
    )
