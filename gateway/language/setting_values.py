"""Readers of setting values: text to value; each raises ValueError with what to write instead."""

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from gateway.core.units import parse_duration
from gateway.language.nearest import nearest

E = TypeVar("E", bound=StrEnum)

LONGEST = timedelta(days=3660)
"""No length is longer: dates have an end, and ten years are a slip."""

_YES = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_DATE_PART = {"yyyy": "%Y", "yy": "%y", "mm": "%m", "dd": "%d", "ddd": "%j"}
_TIME_PART = {"hh": "%H", "mm": "%M", "ss": "%S"}
_FORMAT_TOKEN = re.compile(r"([A-Za-z])\1*|[^A-Za-z]")


def read_yes(text: str) -> bool:
    """`yes` or `no`, also True and False, as theirs is written."""
    answer = _YES.get(text.strip().lower())
    if answer is None:
        raise ValueError(f"{text!r} is neither yes nor no; write yes or no")
    return answer


def read_number(text: str, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included."""
    stripped = text.strip()
    if not re.fullmatch(r"[0-9]{1,9}", stripped) or not low <= int(stripped) <= high:
        raise ValueError(f"{text!r} does not fit here; write a whole number from {low} to {high}")
    return int(stripped)


def read_choice(text: str, kind: type[E]) -> E:
    """One of the words of `kind`, in any case."""
    word = text.strip().lower()
    if word not in set(kind):
        raise ValueError(f"{text!r} is not known here{nearest(word, kind)}; write one of: {', '.join(kind)}")
    return kind(word)


def read_length(text: str, least: timedelta = timedelta(0)) -> timedelta:
    """A duration with its unit, not shorter than `least`."""
    try:
        length = parse_duration(text)
    except OverflowError:
        length = timedelta.max
    if length < least:
        raise ValueError(f"{text!r} is too short; write {least.total_seconds():g}s or more")
    if length > LONGEST:
        raise ValueError(f"{text!r} is too long; write {LONGEST.days}d or less")
    return length


def read_seconds(text: str) -> timedelta:
    """A duration, where theirs writes a bare number of seconds."""
    stripped = text.strip()
    return read_length(f"{stripped}s" if stripped.isdecimal() else stripped)


def read_date_format(text: str) -> str:
    """`yyyymmdd` and its like, as strftime wants it."""
    return _read_format(text, _DATE_PART, "yyyy, yy, mm, dd and ddd (day of the year), such as yyyy-mm-dd")


def read_time_format(text: str) -> str:
    """`HHMMSS` and its like, as strftime wants it."""
    return _read_format(text, _TIME_PART, "HH, MM and SS, such as HH-MM")


def _read_format(text: str, parts: Mapping[str, str], remedy: str) -> str:
    if not text.strip():
        raise ValueError(f"the format is empty; write {remedy}")
    made = []
    for token in _FORMAT_TOKEN.finditer(text.strip()):
        word = token[0]
        if word.isalpha() and word.lower() not in parts:
            raise ValueError(f"{word!r} in {text!r} is not known; build the format of {remedy}")
        if word in "/\\%\"'":
            raise ValueError(f"{word!r} in {text!r} cannot stand in a file name here; build the format of {remedy}")
        made.append(parts.get(word.lower(), word))
    return "".join(made)
