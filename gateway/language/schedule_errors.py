"""What is wrong with the text of a schedule: at which column, what was found, what to write."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from gateway.core.errors import Refused
from gateway.language.schedule_nodes import DAYS, MONTHS, WEEKDAYS

_PHRASES = {
    "MANUALLY": "`manually`",
    "CONTINUOUSLY": "`continuously`",
    "FILE": "`file polling`",
    "POLLING": "`polling`",
    "EVERY": "`every`",
    "DURATION": "a length such as 10m",
    "FOR": "`for` and a time zone",
    "ZONE": "a time zone such as America/Lima",
    "ON": "`on`",
    "IN": "`in` and months",
    "DAY": "days such as Mo or MoWe-Fr",
    "DATE": "a date such as 2027/01/31",
    "MONTH": "months such as Jan or JanMar-May",
    "DAYS": "`day`",
    "POSITION": "`first Monday`",
    "LAST": "`last day`",
    "WEEKDAY": "a weekday such as Monday",
    "NUMBER": "a day of the month such as 15",
    "AT": "`@` and times such as @06:15",
    "TIME": "a time such as 06:15",
    "SLASH": "`/` and an interval",
    "MINUS": "`-` and the end of a range",
    "COMMA": "`,`",
    "PLUS": "`+`",
    "$END": "the end",
}
_EXAMPLES = "`on file polling continuously`, `on Mo-Fr @06:15`, `every 10m` or `manually`"
_KEYWORDS = ("manually", "continuously", "every", "on", "in", "for", "file", "polling", "day", "last")
_MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_NAMES = {"DAY": DAYS, "WEEKDAY": WEEKDAYS, "MONTH": MONTHS}
_FULL = dict(zip((*DAYS, *WEEKDAYS, *MONTHS), (*WEEKDAYS, *WEEKDAYS, *_MONTH_NAMES), strict=True))
_WORD = re.compile(r"[^\W\d_]+")
_TIME = re.compile(r"\d{1,2}:\d\d\S*")
_MONTH_DAYS = ("day", "first", "second", "third", "fourth", "last", "every")


class ScheduleError(Refused):
    """The text is no schedule; `column` counts from 1 within it."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


def unexpected(text: str, at: int, expected: Iterable[str]) -> ScheduleError:
    """The error for what stands at offset `at`, where one of the terminals `expected` was expected."""
    names = frozenset(expected)
    if not text.strip():
        return ScheduleError(f"the schedule is empty; write {_EXAMPLES}", 1)
    word = _word_at(text, at)
    if word and (better := _better(word[0], names)):
        return ScheduleError(f"found {word[0]!r}; write {better}", word.start() + 1)
    return ScheduleError(f"found {_found(text, at)}; {_remedy(text, at, names)}", at + 1)


def _remedy(text: str, at: int, expected: frozenset[str]) -> str:
    rest = text[at:]
    if rest.startswith(",") and "DAY" in expected:
        return "write days without it, such as MoWe-Fr"
    if "AT" in expected and (time := _TIME.match(rest)):
        return f"write @{time[0]} for a time"
    if expected >= {"CONTINUOUSLY", "IN"} and "MANUALLY" not in expected and rest.lower().startswith("every"):
        return "`every` stands alone; here write on Su-Sa @00:00/00:10-24:00 for every 10 minutes"
    if expected >= {"DAY", "DATE"} and rest.lower().startswith(_MONTH_DAYS):
        return "days of a month follow months: in Jan-Dec on first Monday @06:15"
    if expected >= {"MANUALLY", "ON"}:
        return f"a schedule reads {_EXAMPLES}"
    return f"expected {_any_of(expected)}"


def _word_at(text: str, at: int) -> re.Match[str] | None:
    """The whole word that holds offset `at`: a parser stops in the middle of `Monday`, after `Mo`."""
    return next((word for word in _WORD.finditer(text) if word.start() <= at < word.end()), None)


def _better(word: str, expected: frozenset[str]) -> str | None:
    """What was probably meant by `word`: another spelling of a name, or the nearest keyword."""
    low = word.lower()
    for terminal, names in _NAMES.items():
        full = [name for name in names if low[:2] == name[:2].lower() and _FULL[name].lower().startswith(low)]
        if terminal in expected and full and low != full[0].lower():
            return full[0]
    near = get_close_matches(low, [key for key in _KEYWORDS if key.upper() in expected], 1)
    return f"`{near[0]}`" if near and near[0] != low else None


def _found(text: str, at: int) -> str:
    rest = text[at:].split(maxsplit=1)
    return repr(rest[0]) if rest else "the end of the text"


def _any_of(expected: frozenset[str]) -> str:
    phrases = [phrase for name, phrase in _PHRASES.items() if name in expected]
    if not phrases:
        return "the end"
    return " or ".join([", ".join(phrases[:-1]), phrases[-1]] if len(phrases) > 1 else phrases)
