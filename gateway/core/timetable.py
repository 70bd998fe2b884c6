"""How many bytes a second may go, by the clock: `2M`, `08:00,512k 18:00,off`, `Mo-Fr 08:00,512k Sa 00:00,1M 18:00,off`.

Each entry holds from its time until the next one's, over midnight and over days that are not named.  Weekdays hold
for all entries up to the next weekdays; without any an entry is for every day.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.core.units import parse_size

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DAY_S = 86_400
_LEAST = 1024  # below that no file would ever arrive
_EXAMPLE = 'write bytes a second such as "2M", or by the clock such as "Mo-Fr 08:00,512k 18:00,off"'


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """From `at_s` on, counted from Monday 00:00 by the wall clock, at most so many bytes a second; None: no limit."""

    at_s: int
    bytes_per_s: int | None


@dataclass(frozen=True, slots=True)
class Timetable:
    """A week of limits, in order; without a change there is none."""

    changes: tuple[Change, ...] = ()

    @property
    def limits(self) -> bool:
        """False if nothing is ever limited."""
        return any(change.bytes_per_s is not None for change in self.changes)


def limit_at(timetable: Timetable, moment: datetime, zone: ZoneInfo) -> int | None:
    """The bytes a second that may go at `moment`, None: as many as can.

    The clock on the wall of `zone` decides: an hour that comes twice has the same limits twice, and a time that is
    left out takes effect at the end of the gap.
    """
    if not timetable.changes:
        return None
    local = moment.astimezone(zone)
    at_s = local.weekday() * _DAY_S + local.hour * 3600 + local.minute * 60 + local.second
    latest = bisect_right(timetable.changes, at_s, key=lambda change: change.at_s) - 1
    return timetable.changes[latest].bytes_per_s  # before the first of the week the last of it holds


def parse_timetable(text: str) -> Timetable:
    """Read a timetable.  Raises ValueError with what to write instead."""
    found: dict[int, int | None] = {}
    for at_s, bytes_per_s, entry in _changes(text):
        if at_s in found:
            raise ValueError(f"{entry!r}: its day and time have an entry already; give each one limit")
        found[at_s] = bytes_per_s
    if not found:
        raise ValueError(f"{text!r} holds no limit; {_EXAMPLE}")
    return Timetable(tuple(Change(at_s, found[at_s]) for at_s in sorted(found)))


def _changes(text: str) -> Iterator[tuple[int, int | None, str]]:
    days: list[int] = list(range(7))
    names_days = False
    used = True
    for word in text.split():
        if word[0].isalpha() and word.lower() != "off":
            days = (days if names_days and not used else []) + _days(word, alone=word == text)
            names_days, used = True, False
            continue
        used = True
        time, _, rate = word.rpartition(",")
        start_s, limit = _time(time, word) if time else 0, _rate(rate, word)
        yield from ((day * _DAY_S + start_s, limit, word) for day in dict.fromkeys(days))
    if not used:
        raise ValueError(f"{text!r} ends with weekdays that have no limit; {_EXAMPLE}")


def _days(word: str, *, alone: bool) -> list[int]:
    """`Mo`, `Mo-Fr`, `Mo,We,Fr`, `Sa-Mo`; what stands `alone` may have been meant as a rate."""
    days: list[int] = []
    for part in word.split(","):
        first, dash, last = part.partition("-")
        start = _day(first, word, alone)
        end = _day(last, word, alone) if dash else start
        days += [(start + step) % 7 for step in range((end - start) % 7 + 1)]
    return days


def _day(name: str, word: str, alone: bool) -> int:
    for index, day in enumerate(_DAYS):
        if len(name) >= 2 and day.startswith(name.lower()):
            return index
    if alone:
        raise ValueError(f"{word!r} is neither a rate nor weekdays; {_EXAMPLE}")
    what = repr(name) if name == word else f"{word!r}: {name!r}"
    raise ValueError(f"{what} is no weekday; write Mo, Tu, We, Th, Fr, Sa or Su, or Mo-Fr")


def _time(text: str, word: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{word!r}: {text!r} is no time of day; write one from 00:00 to 23:59, such as 08:00,512k")
    return int(match[1]) * 3600 + int(match[2]) * 60


def _rate(text: str, word: str) -> int | None:
    if text.lower() == "off":
        return None
    try:
        bytes_per_s = parse_size(text)
    except ValueError:
        what = f"{text!r} is no rate" if text == word else f"{word!r}: {text!r} is no rate"
        raise ValueError(f"{what}; {_EXAMPLE}") from None
    if bytes_per_s < _LEAST:
        raise ValueError(
            f"{word!r}: less than 1k a second is no limit but a stop; write at least 1k, off for no limit, "
            "or stop the endpoint with `gateway pause`"
        )
    return bytes_per_s
