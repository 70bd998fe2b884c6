"""Macros: `%name%`, what each means and where, and putting values in.

A value is put in as it is: it is never split, globbed or read as an option again.  All values are worked out once,
when a delivery is intended; this module only knows the text.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

_USE = re.compile(r"%([A-Za-z_]\w*)(?:([+-])(\d{1,4})([dhm]))?(?::(\d{1,2}))?%")
_ALMOST = re.compile(r"%([A-Za-z_]\w*)[-+:][-+:\w]{0,20}%")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


class Where(StrEnum):
    """The places that a macro can stand in."""

    PATH = "a path"
    TARGET = "a destination"
    PROGRAM = "SYSTEM"
    ON_DELIVERY = "a reaction to a delivery"
    ON_FAIL = "@on_fail"
    ON_MET = "@on_check_met"
    ON_ACTION = "a reaction without a file"


_EVERYWHERE = frozenset(Where)
_COMMANDS = frozenset({Where.PROGRAM})
_FILES = frozenset({Where.TARGET, Where.ON_DELIVERY, Where.ON_FAIL, Where.ON_MET})
_REACTIONS = frozenset({Where.ON_DELIVERY, Where.ON_FAIL, Where.ON_MET, Where.ON_ACTION})
_FILE_REACTIONS = frozenset({Where.ON_DELIVERY, Where.ON_FAIL, Where.ON_MET})
_DELIVERIES = frozenset({Where.ON_DELIVERY, Where.ON_FAIL})


@dataclass(frozen=True, slots=True)
class Macro:
    """One macro: where it has a meaning, and whether it names one file."""

    name: str
    where: frozenset[Where]
    of_file: bool = False
    shifts: bool = False
    pads: bool = False


MACROS: Mapping[str, Macro] = {
    macro.name: macro
    for macro in (
        Macro("inbox", _EVERYWHERE),
        Macro("outbox", _EVERYWHERE),
        Macro("date", _EVERYWHERE, shifts=True),
        Macro("time", _EVERYWHERE, shifts=True),
        Macro("index", _EVERYWHERE, pads=True),
        Macro("host", _EVERYWHERE),
        Macro("endpoint", _EVERYWHERE),
        Macro("mailbox", _EVERYWHERE),
        Macro("action", _EVERYWHERE),
        Macro("sourcefile", _FILES, of_file=True),
        Macro("srcfile", _FILES, of_file=True),
        Macro("sourcefilebase", _FILES, of_file=True),
        Macro("sourcefileext", _FILES, of_file=True),
        Macro("file", _FILE_REACTIONS, of_file=True),
        Macro("filesize", _FILE_REACTIONS, of_file=True),
        Macro("destfile", _DELIVERIES, of_file=True),
        Macro("destfilebase", _DELIVERIES, of_file=True),
        Macro("destfileext", _DELIVERIES, of_file=True),
        Macro("transferid", _DELIVERIES, of_file=True),
        Macro("sha256", frozenset({Where.ON_DELIVERY, Where.ON_FAIL}), of_file=True),
        Macro("status", _REACTIONS),
        Macro("job_run", _COMMANDS),
        Macro("job_start", _COMMANDS),
        Macro("job_ok", _COMMANDS),
        Macro("job_failed", _COMMANDS),
        Macro("error", frozenset({Where.ON_FAIL, Where.ON_ACTION, Where.ON_MET})),
    )
}
"""Those that are built in; the configuration adds others and can't override these."""


@dataclass(frozen=True, slots=True)
class Use:
    """One macro in a text; `shift` and `width` as written (`%date-1d%`, `%index:4%`)."""

    text: str
    name: str
    shift: timedelta
    width: int
    start: int

    @property
    def end(self) -> int:
        """One past its last character."""
        return self.start + len(self.text)

    @property
    def key(self) -> str:
        """What tells it from others in a table of values: the text between the percent signs, without the width."""
        return self.text[1:-1].partition(":")[0]


def uses(text: str) -> Iterator[Use]:
    """The macros in `text`, in order; a percent sign that opens none is a character."""
    position = 0
    while (match := _USE.search(text, position)) is not None:
        name, sign, count, unit, width = match.groups()
        length = timedelta(**{_UNITS[unit]: int(count)}) if sign else timedelta(0)
        yield Use(match[0], name, -length if sign == "-" else length, int(width or 0), match.start())
        position = match.end()


def almost_uses(text: str) -> Iterator[re.Match[str]]:
    """What looks like the use of a macro and is none (`%date-1x%`): its name as built in, or so but for the dashes."""
    real = {at for use in uses(text) for at in range(use.start, use.end)}
    for match in _ALMOST.finditer(text):
        if match.start() not in real and {match[1], re.sub(r"\W", "", match[0])} & MACROS.keys():
            yield match


def expand(text: str, values: Mapping[str, str]) -> str:
    """`text` with the values of its macros put in; a macro without a value stays as it is.

    `values` are by name, those of shifted dates by key (`date-1d`; see `time_values`).
    """
    made, position = [], 0
    for use in uses(text):
        value = values.get(use.key) if use.shift else values.get(use.key, values.get(use.name))
        if value is not None:
            made += [text[position : use.start], value.rjust(use.width, "0") if use.width else value]
            position = use.end
    made.append(text[position:])
    return "".join(made)


def time_values(texts: Iterator[str] | tuple[str, ...], now: datetime, dates: str, times: str) -> dict[str, str]:
    """What `%date%` and `%time%` mean in `texts` at the local time `now`, shifted ones by their key."""
    values = {"date": now.strftime(dates), "time": now.strftime(times)}
    for text in texts:
        for use in uses(text):
            if use.shift and use.name in ("date", "time"):
                values[use.key] = (now + use.shift).strftime(dates if use.name == "date" else times)
    return values


def file_values(name: str) -> dict[str, str]:
    """What the macros of the source's name mean for the file called `name`."""
    stem, dot, extension = name.rpartition(".")
    base = stem if dot and stem else name
    known = {"sourcefile": name, "srcfile": name, "sourcefilebase": base}
    return known | {"sourcefileext": extension if base != name else ""}


def uses_file(text: str) -> bool:
    """True if `text` holds a macro that names one file."""
    return any(use.name in MACROS and MACROS[use.name].of_file for use in uses(text))
