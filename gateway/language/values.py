"""Readers of parameter values (`Age=>1D`, `Count=3-5`): text to value; each raises ValueError with the remedy."""

import re
from datetime import timedelta

from gateway.language.nodes import Age, AgeSide, CodeRange, Count, Met
from gateway.language.setting_values import LONGEST

_DASHES = str.maketrans("–—−", "---")
_AGE = re.compile(r"([<>]?)\s*(\d{1,4})\s*([A-Za-z]?)")
_LENGTH = re.compile(r"(\d{1,6})\s*([A-Za-z]?)")
_UNIT = {"D": timedelta(days=1), "H": timedelta(hours=1), "M": timedelta(minutes=1), "S": timedelta(seconds=1)}
_DAYS = ("today", "yesterday")
_AGE_REMEDY = "write Age=>1D (a day old or older) or Age=<1D (younger), with D, H, M or S, or Today, Yesterday"


def read_age(text: str) -> Age:
    """`>10M`, `<1D`, `>0`, `Today`, `>Yesterday`."""
    word = text.strip()
    side = AgeSide(word[0]) if word[:1] in ("<", ">") else None
    day = word.lstrip("<>").strip().lower()
    if day in _DAYS:
        return Age(side=side, day=day)
    match = _AGE.fullmatch(word)
    if match is None:
        raise ValueError(f"{text!r} is not an age; {_AGE_REMEDY}")
    return _age_length(text, side, int(match[2]), match[3].upper())


def _age_length(text: str, side: AgeSide | None, count: int, unit: str) -> Age:
    if side is None:
        raise ValueError(f"{text!r} has no sign; write >{text} for that old or older, <{text} for younger")
    if side is AgeSide.YOUNGER and count == 0:
        raise ValueError("nothing is younger than 0; write Age=>0 to ask whether there is a file at all")
    if not unit and count == 0:
        return Age(side=side, length=timedelta(0), unit="S")
    if unit not in _UNIT:
        raise ValueError(f"{text!r} has {'the unit ' + unit if unit else 'no unit'}; {_AGE_REMEDY}")
    return Age(side=side, length=count * _UNIT[unit], unit=unit)


def read_within(text: str) -> Age:
    """`12H`, `Today`, `Yesterday` (OccurredWithin): an age without a side."""
    word = text.strip()
    if word.lower() in _DAYS:
        return Age(side=None, day=word.lower())
    match = re.fullmatch(r"(\d{1,2})([DHMSdhms])", word)
    if match is None or int(match[1]) == 0:
        raise ValueError(f"{text!r} is no time to look back; write 1 to 99 and D, H, M or S, or Today, Yesterday")
    unit = match[2].upper()
    return Age(side=None, length=int(match[1]) * _UNIT[unit], unit=unit)


def read_count(text: str) -> Count:
    """`3` (at least three) or `3-5`."""
    match = re.fullmatch(r"(\d{1,6})(?:\s*-\s*(\d{1,6}))?", text.strip().translate(_DASHES))
    if match is None:
        raise ValueError(f"{text!r} is not a count; write 3 (at least three) or 3-5")
    low, high = int(match[1]), int(match[2]) if match[2] else None
    if high is None and low == 0:
        raise ValueError("at least 0 is always true; write Count=1, or Count=0-0 where nothing may be there")
    if high is not None and high < low:
        raise ValueError(f"{text!r} ends before it begins; write Count={high}-{low}")
    return Count(low, high)


def read_met(text: str) -> Met:
    """`Success`, `Warning` or `Error`, in any case."""
    for met in Met:
        if met.lower() == text.strip().lower():
            return met
    raise ValueError(f"{text!r} is no outcome; write Success, Warning or Error")


def read_class(text: str) -> str:
    """`SLA` or `KPI`."""
    word = text.strip().upper()
    if word not in ("SLA", "KPI"):
        raise ValueError(f"{text!r} is no class; write SLA or KPI")
    return word


STATUSES = ("Success", "Error", "Active")
"""What a transfer may be asked for: it arrived; it failed, or waits for a person; it is under way."""


def read_status(text: str) -> str:
    """`Success`, `Error` or `Active`, in any case."""
    for status in STATUSES:
        if status.lower() == text.strip().lower():
            return status
    raise ValueError(f"{text!r} is no status of a transfer; write Success, Error or Active")


def read_words(text: str) -> str:
    """Any text that is not empty."""
    if not text.strip():
        raise ValueError("the value is empty; write one, or leave the parameter out")
    return text.strip()


def read_codes(text: str) -> tuple[CodeRange, ...]:
    """`0-1,255`."""
    return tuple(_read_code(part, text) for part in text.translate(_DASHES).split(","))


def _read_code(part: str, text: str) -> CodeRange:
    match = re.fullmatch(r"\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?\s*", part)
    if match is None:
        raise ValueError(f"{text!r} is no list of exit codes; write numbers and ranges, such as 0-1,255")
    low, high = int(match[1]), int(match[2] or match[1])
    if high < low or high > 255:
        raise ValueError(
            f"{part.strip()!r} is no range of exit codes; write two numbers from 0 to 255, the smaller first"
        )
    return CodeRange(low, high)


def read_wait(text: str) -> timedelta:
    """`10` (seconds), `60S`, `5M`, `1H`, `1D`; at least a second."""
    match = _LENGTH.fullmatch(text.strip())
    if match is None or (unit := match[2].upper() or "S") not in _UNIT or int(match[1]) == 0:
        raise ValueError(f"{text!r} is no time to wait; write seconds, or a number and D, H, M or S, such as 90 or 5M")
    length = int(match[1]) * _UNIT[unit]
    if length > LONGEST:
        raise ValueError(f"{text!r} is too long; write {LONGEST.days}D or less")
    return length
