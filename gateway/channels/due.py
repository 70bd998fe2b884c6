"""What of a channel is due: which of its clocks has come to a time, and when the next one comes.  Pure."""

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import NamedTuple

from gateway.channels.model import Anchor, Channel, Cron, Kind, Rhythm
from gateway.channels.rhythm import cron_minute, cron_times, delivery_times
from gateway.core.moments import moment, ns
from gateway.core.set_back import counts_anew
from gateway.ledger.channel_states import Hand, StateRow

HAND_OF = {Kind.FIRST: Hand.FIRST, Kind.FILE: Hand.FILE, Kind.METADATA: Hand.METADATA}
"""In the order in which kinds go out that are due together: what carries the metadata, too, goes first."""

_SEEN_BACK = timedelta(days=15)
"""Between two times of any rhythm lies less: whatever was missed before, the last one that was is in here."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`due` is the last time of each clock that has passed and was not handled: what was missed is handled once.

    `anew` are clocks that count from a moment on, because their rhythm is another one, or never was seen;
    `times` says the rhythms that hold.
    """

    due: Mapping[Hand, datetime]
    next_at: datetime
    times: str
    anew: Mapping[Hand, datetime] = field(default_factory=dict)


def planned(channel: Channel, state: StateRow, now: datetime) -> Plan:
    """What is to be done now, by what was handled last."""
    said, before = _said(channel), json.loads(state.times) if state.times else {}
    intervals = _intervals(channel)
    due: dict[Hand, datetime] = {}
    anew: dict[Hand, datetime] = {}
    nexts: list[datetime] = []
    for hand, after in _clocks(channel).items():
        last = state.handled_at(hand)
        handled = None if last is None else moment(last, UTC)
        if (
            handled is None
            or before.get(hand.value) != said[hand.value]
            or counts_anew(handled, now, intervals.get(hand))
        ):
            anew[hand] = handled = now
        passed, following = _passed(after, handled, now)
        if passed is not None:
            due[hand] = passed
        nexts.append(following)
    return Plan(due, min(nexts), json.dumps(said, sort_keys=True), anew)


def next_of(channel: Channel, hand: Hand, after: datetime) -> datetime:
    """The next time of one clock."""
    return next(_clocks(channel)[hand](after))


def show_due(at: datetime) -> str:
    """`Sun 25 Oct 02:20`."""
    return f"{at:%a %d %b %H:%M}"


class _Passed(NamedTuple):
    last: datetime | None
    following: datetime


def _passed(after: Callable[[datetime], Iterator[datetime]], handled: datetime, now: datetime) -> _Passed:
    """The last time after `handled` that has come, and the next one that has not."""
    since = max(handled, now - _SEEN_BACK)
    passed = deque(takewhile(lambda at: at <= now, after(since)), maxlen=1)
    return _Passed(passed[0] if passed else None, next(after(max(handled, now))))


def _clocks(channel: Channel) -> Mapping[Hand, Callable[[datetime], Iterator[datetime]]]:
    cron, zone = channel.times.cron.value, channel.zone

    def of_kind(kind: Kind) -> Callable[[datetime], Iterator[datetime]]:
        return lambda after: delivery_times(channel.times.rhythm(kind), cron, after, zone)

    return {
        Hand.CRON: lambda after: cron_times(cron, after, zone),
        **{hand: of_kind(kind) for kind, hand in HAND_OF.items()},
    }


def _intervals(channel: Channel) -> dict[Hand, timedelta]:
    """Of the clocks that go by one."""
    hourly = {hand: timedelta(hours=1) for kind, hand in HAND_OF.items() if channel.times.rhythm(kind).every == "hour"}
    return {Hand.CRON: timedelta(hours=channel.times.cron.value.every), **hourly}


def _said(channel: Channel) -> dict[str, str]:
    """The rhythm of each clock as text: another text, another rhythm."""
    times, zone = channel.times, channel.zone
    minute = cron_minute(times.cron.value, zone)
    said = {hand.value: _rhythm_text(times.rhythm(kind), minute) for kind, hand in HAND_OF.items()}
    said[Hand.CRON.value] = _cron_text(times.cron.value, minute)
    return {name: f"{text} {zone.key}" for name, text in said.items()}


def _cron_text(cron: Cron, minute: int) -> str:
    counted_from = "" if cron.anchor is Anchor.MIDNIGHT else f" from {ns(cron.set_at)}"
    return f"{cron.every} :{minute:02}{counted_from}"


def _rhythm_text(rhythm: Rhythm, minute: int) -> str:
    if rhythm.every == "hour":
        return f"hour :{minute if rhythm.minute is None else rhythm.minute:02}"
    return f"{rhythm.every} {rhythm.day} {rhythm.at}"
