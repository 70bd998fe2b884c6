"""The kinds of value that stand in jobs and profiles only; each refusal says what to write instead."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, PlainValidator

from gateway.core.units import parse_duration, show_duration

WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
"""Days of the week as they are written, Monday = 0 as `date.weekday` counts."""

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_CODES = re.compile(r"(\d{1,3})(?:\s*-\s*(\d{1,3}))?")
_PERCENT = re.compile(r"(100|\d{1,2})\s*%")


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when a run may last: so long after its start, or the next time the clock shows `until`."""

    after: timedelta | None = None
    until: time | None = None


@dataclass(frozen=True, slots=True)
class Require:
    """How many destinations must have everything: all of them, a number, or a share in percent."""

    count: int | None = None
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class Offline:
    """What becomes of a destination that is down: waited for, or (`exclude_after`) left out after so long."""

    exclude_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class DeleteLimit:
    """More than the smaller of the two is not deleted; None: this one does not count."""

    percent: int | None = None
    files: int | None = None


@dataclass(frozen=True, slots=True)
class Late:
    """What becomes of a start that was missed: made good within so long, None: skipped."""

    within: timedelta | None


def clock_time(text: object) -> time:
    """`22:00`, or a time as TOML has it.  Raises ValueError."""
    if isinstance(text, time) and text.tzinfo is None:
        return text
    match = _CLOCK.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f'{text!r} is no time of day; write one from "00:00" to "23:59"')
    return time(int(match[1]), int(match[2]))


def _weekday(text: object) -> str:
    for name in WEEKDAYS:
        if isinstance(text, str) and len(text) >= 2 and text.lower().startswith(name.lower()):
            return name
    raise ValueError(f"{text!r} is no day of the week; write {', '.join(WEEKDAYS)}")


def _day(value: object) -> date | datetime:
    """A day, or a day with a time; of the zone that the schedule counts in."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if len(value) > len("2026-12-01") else date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is no day; write 2026-12-01, or 2026-12-01T22:00:00") from None
    if isinstance(value, datetime) and value.tzinfo is not None:
        raise ValueError(f"{value.isoformat()} names an offset; leave it out: it is a time of the zone of the schedule")
    if not isinstance(value, date):
        raise ValueError(f"{value!r} is no day; write 2026-12-01, or 2026-12-01T22:00:00")
    return value


def _codes(value: object) -> tuple[tuple[int, int], ...]:
    """`0`, `[0, 3]` and `"0-1,255"`, as ranges with both ends."""
    words = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
    return tuple(_code_range(word) for word in words)


def _code_range(word: object) -> tuple[int, int]:
    if isinstance(word, list | tuple) and len(word) == 2:
        word = f"{word[0]}-{word[1]}"
    match = _CODES.fullmatch(str(word).strip()) if not isinstance(word, bool) else None
    low = int(match[1]) if match else 0
    high = int(match[2]) if match and match[2] else low
    if match is None or not low <= high <= 255:
        raise ValueError(f'{word!r} is no exit code; write codes from 0 to 255 such as "0-1,255"')
    return low, high


def _deadline(value: object) -> Deadline:
    if isinstance(value, Deadline):
        return value
    if isinstance(value, time) or (isinstance(value, str) and ":" in value):
        return Deadline(until=clock_time(value))
    try:
        after = parse_duration(str(value))
    except ValueError:
        raise ValueError(f'{value!r} is no deadline; write how long ("10h"), or until when ("06:00")') from None
    if not after:
        raise ValueError(f'{value!r}: no run would ever be in time; write how long ("10h"), or leave the line out')
    return Deadline(after=after)


def _require(value: object) -> Require:
    if isinstance(value, Require):
        return value
    text = str(value).strip().lower()
    if text in ("all", "any"):
        return Require(percent=100) if text == "all" else Require(count=1)
    if match := _PERCENT.fullmatch(text):
        if int(match[1]):
            return Require(percent=int(match[1]))
    elif text.isdecimal() and int(text):
        return Require(count=int(text))
    raise ValueError(f'{value!r} is not understood; write "all", "any", a number such as 3, or a share such as "80%"')


def _offline(value: object) -> Offline:
    if isinstance(value, Offline):
        return value
    words = str(value).split()
    if words == ["wait"]:
        return Offline()
    if len(words) == 3 and words[:2] == ["exclude", "after"]:
        return Offline(parse_duration(words[2]))
    raise ValueError(f'{value!r} is not understood; write "wait" or "exclude after 1h"')


def _delete_limit(value: object) -> DeleteLimit:
    if isinstance(value, DeleteLimit):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return DeleteLimit(files=value)
    percent: int | None = None
    files: int | None = None
    for word in str(value).split(" or "):
        match = _PERCENT.fullmatch(word.strip())
        if match and percent is None:
            percent = int(match[1])
        elif word.strip().isdecimal() and files is None:
            files = int(word)
        else:
            raise ValueError(f'{value!r} is no limit; write "10% or 100", "10%" or 100')
    return DeleteLimit(percent, files)


def _late(value: object) -> Late:
    if isinstance(value, Late):
        return value
    words = str(value).split()
    if words == ["skip"]:
        return Late(None)
    if words == ["run_once"]:
        return Late(timedelta(hours=1))
    if len(words) == 3 and words[:2] == ["run_once", "within"]:
        return Late(parse_duration(words[2]))
    raise ValueError(f'{value!r} is not understood; write "run_once within 1h" or "skip"')


def _ignored(pattern: str) -> str:
    if not pattern.removeprefix("!").strip("/"):
        raise ValueError(f'{pattern!r} is no pattern; write "*.tmp", or "!keep.tmp" for what is taken after all')
    return pattern


def _time_text(value: time) -> str:
    return f"{value:%H:%M}"


def _show_deadline(value: Deadline) -> str:
    return _time_text(value.until) if value.until is not None else show_duration(value.after or timedelta(0))


def _show_require(value: Require) -> str:
    if value.percent is not None:
        return "all" if value.percent == 100 else f"{value.percent}%"
    return "any" if value.count == 1 else str(value.count)


def _show_offline(value: Offline) -> str:
    return "wait" if value.exclude_after is None else f"exclude after {show_duration(value.exclude_after)}"


def show_limit(value: DeleteLimit) -> str:
    """As it is written: `10% or 100`."""
    shown = (
        f"{value.percent}%" if value.percent is not None else "",
        str(value.files) if value.files is not None else "",
    )
    return " or ".join(word for word in shown if word)


def _show_late(value: Late) -> str:
    return "skip" if value.within is None else f"run_once within {show_duration(value.within)}"


def _command(value: object) -> object:
    words = (value,) if isinstance(value, str) else value
    if isinstance(words, list | tuple) and not any(isinstance(word, str) and word.strip() for word in words[:1]):
        raise ValueError('names no program; write ["/usr/local/bin/program", "argument"], or a line for the shell')
    return tuple(value) if isinstance(value, list) else value


def _show_codes(value: tuple[tuple[int, int], ...]) -> str:
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in value)


Clock = Annotated[time, BeforeValidator(clock_time), PlainSerializer(_time_text, return_type=str)]
Weekday = Annotated[str, BeforeValidator(_weekday)]
Day = Annotated[date | datetime, PlainValidator(_day)]
Codes = Annotated[tuple[tuple[int, int], ...], BeforeValidator(_codes), PlainSerializer(_show_codes, return_type=str)]
DeadlineText = Annotated[Deadline, BeforeValidator(_deadline), PlainSerializer(_show_deadline, return_type=str)]
RequireText = Annotated[Require, BeforeValidator(_require), PlainSerializer(_show_require, return_type=str)]
OfflineText = Annotated[Offline, BeforeValidator(_offline), PlainSerializer(_show_offline, return_type=str)]
LimitText = Annotated[DeleteLimit, BeforeValidator(_delete_limit), PlainSerializer(show_limit, return_type=str)]
LateText = Annotated[Late, BeforeValidator(_late), PlainSerializer(_show_late, return_type=str)]
IgnorePattern = Annotated[str, AfterValidator(_ignored)]
CommandLine = Annotated[str | tuple[str, ...], BeforeValidator(_command)]
