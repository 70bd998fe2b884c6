"""What must not be forgotten about a channel: which due times were handled, and how far its queue is up to date."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.ledger.channel_tables import channel_state


class Hand(StrEnum):
    """The clocks of a channel: when its catalogue is looked at, when each kind is delivered."""

    CRON = "cron"
    FIRST = "first"
    METADATA = "metadata"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRow:
    """One channel.  Times are nanoseconds since the epoch; `*_at` is the due time that was handled last.

    `times` says by which rhythms they were due (JSON).
    `settled` is the catalogue's digest that the queue is up to date with, `rules` the digest of the selection then.
    `filling`: the catalogue of a new channel was being filled when it was looked at last.
    `asked`: a person was asked whether many first deliveries may go; whether he said so, says `released`.
    """

    channel: str
    catalogue: str = ""
    begun_at: int | None = None
    cron_at: int | None = None
    first_at: int | None = None
    metadata_at: int | None = None
    file_at: int | None = None
    times: str | None = None
    released: bool = False
    rules: str | None = None
    filling: bool = False
    asked: bool = False
    settled: str | None = None

    def handled_at(self, hand: Hand) -> int | None:
        """The due time that was handled last."""
        return {
            Hand.CRON: self.cron_at,
            Hand.FIRST: self.first_at,
            Hand.METADATA: self.metadata_at,
            Hand.FILE: self.file_at,
        }[hand]


def get(connection: Connection, channel: str) -> StateRow:
    """What is known of a channel; a row of nothing for one that never was looked at."""
    row = connection.execute(select(channel_state).where(channel_state.c.channel == channel)).mappings().one_or_none()
    return StateRow(channel=channel) if row is None else _read(row)


def every(connection: Connection) -> dict[str, StateRow]:
    """All that is known, by channel."""
    rows = connection.execute(select(channel_state)).mappings()
    return {row["channel"]: _read(row) for row in rows}


def handled(connection: Connection, channel: str, hand: Hand, due_at: int) -> bool:
    """Note that a due time was handled; False, and nothing noted, if it or a later one was before."""
    last = get(connection, channel).handled_at(hand)
    if last is not None and last >= due_at:
        return False
    _set(connection, channel, {f"{hand.value}_at": due_at})
    return True


def set_hands(connection: Connection, channel: str, at: Mapping[Hand, int], times: str) -> None:
    """From these moments on due times count by other rhythms, or by a clock that was wrong before."""
    _set(connection, channel, {**{f"{hand.value}_at": value for hand, value in at.items()}, "times": times})


def begin(connection: Connection, channel: str, catalogue: str, at: int, *, released: bool) -> None:
    """The first detection is over, `start` decided."""
    values: dict[str, object] = {"catalogue": catalogue, "begun_at": at}
    _set(connection, channel, values | ({"released": True} if released else {}))


def release(connection: Connection, channel: str) -> None:
    """However many first deliveries there are, they may go from now on."""
    _set(connection, channel, {"released": True})


def release_unasked(connection: Connection, channel: str) -> None:
    """As `release`, because a first delivery arrived: that is no answer where a person was asked."""
    if not get(connection, channel).asked:
        release(connection, channel)


def guard(connection: Connection, channel: str) -> None:
    """Many first deliveries wait for a person again."""
    _set(connection, channel, {"released": False, "asked": True})


def settle(
    connection: Connection,
    channel: str,
    catalogue: str,
    rules: str,
    digest: str | None,
    *,
    filling: bool = False,
    asked: bool = False,
) -> None:
    """The queue is up to date with a catalogue of this digest; None: compare again at the next detection.

    `filling`: new items of a new channel were being written; `asked`: many first deliveries wait for a person.
    """
    said = {"rules": rules, "filling": filling, "asked": asked}
    _set(connection, channel, {"catalogue": catalogue, "settled": digest, **said})


def unsettle(connection: Connection, channel: str) -> None:
    """What the channel has got is not what the last detection took for granted: compare again."""
    connection.execute(update(channel_state).where(channel_state.c.channel == channel).values(settled=None))


def _set(connection: Connection, channel: str, values: dict[str, object]) -> None:
    row = {"catalogue": "", "released": False, **values, "channel": channel}
    connection.execute(upsert(channel_state).values(row).on_conflict_do_update(index_elements=["channel"], set_=values))


def _read(row: RowMapping) -> StateRow:
    return StateRow(**row)
