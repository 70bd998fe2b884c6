"""The kinds of value that stand in channels and their schedules only; each refusal says what to write instead."""

import re
from datetime import datetime, time
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from gateway.config.job_kinds import clock_time

FIELDS = ("item", "name", "stem", "ext", "date", "time", "index")
"""What a template of places may hold in braces."""

FOLDER_FIELDS = ("item", "date", "time", "index")
"""The same for a folder."""

DONE_FIELDS = ("date", "time", "index")
"""The same for the marker of a whole delivery."""

_EVERY = {"hourly": "hour", "daily": "day", "weekly": "week"}
_MINUTE = re.compile(r":([0-5]\d)")
_TWELVE = re.compile(r"(1[0-2]|0?[1-9])(?::([0-5]\d))?\s*([ap])\.?m\.?", re.IGNORECASE)
_BRACES = re.compile(r"\{([^{}]*)\}")
_STEP = r"(?:[\w.-]+:)?(?:[\w.-]+|\*)"
_ATTRIBUTE = r"@(?:[\w:.-]+|\*)"
_PART = re.compile(rf"//?{_STEP}(?://?{_STEP})*(?://?{_ATTRIBUTE})?|//{_ATTRIBUTE}")


def _every(value: object) -> object:
    return _EVERY.get(value.lower(), value.lower()) if isinstance(value, str) else value


def delivery_time(value: object) -> time | int:
    """`14:00` as a time of day, `:30` as a minute of every hour.  Raises ValueError."""
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and (minute := _MINUTE.fullmatch(text)):
        return int(minute[1])
    if isinstance(text, str) and text.startswith(":"):
        raise ValueError(f'{text!r} is no minute; write one from ":00" to ":59"')
    if isinstance(text, str) and (twelve := _TWELVE.fullmatch(text)):
        hour = int(twelve[1]) % 12 + (12 if twelve[3].lower() == "p" else 0)
        raise ValueError(f'{text!r} is no time by the 24-hour clock; write "{hour:02}:{twelve[2] or "00"}"')
    if isinstance(text, int) and not isinstance(text, bool) and 0 <= text < 60:
        return text  # as it is kept
    at = clock_time(text)
    if at.second or at.microsecond:
        raise ValueError(f"{at} is finer than a minute; write hours and minutes alone")
    return at


def _set_at(value: object) -> object:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError(f"{value!r} is no moment; write 2026-11-21T11:20:00+01:00") from None
    if not isinstance(value, datetime):
        raise ValueError(f"{value!s} is no moment; write one with its day: 2026-11-21T11:20:00+01:00")
    return value


def _show_time(value: time | int) -> str:
    return f"{value:%H:%M}" if isinstance(value, time) else f":{value:02}"


def _template(known: tuple[str, ...]) -> AfterValidator:
    def check(text: str) -> str:
        left = _BRACES.sub("", text)
        if "{" in left or "}" in left:
            raise ValueError(f"{text!r} has a brace without its other; fields are written {{item}}")
        unknown = next((name for name in _BRACES.findall(text) if name not in known), None)
        if unknown is not None:
            fields = ", ".join(f"{{{name}}}" for name in known)
            raise ValueError(f"{text!r} holds {{{unknown}}}, which has no meaning here; known here: {fields}")
        if "\n" in text or ("'" in text and '"' in text):
            raise ValueError(f"{text!r} holds both kinds of quote, or a line end, which no script can say; change it")
        return text

    return AfterValidator(check)


def _name(text: str) -> str:
    if not text.strip("/") or text.endswith("/"):
        raise ValueError(f'{text!r} names no file; write a name such as "{{name}}"')
    return text


def _part_of_xml(text: str) -> str:
    if not _PART.fullmatch(text):
        raise ValueError(f'{text!r} names no part of an XML file; write "//Header", "/ONIXMessage/Header" or "//b/@id"')
    return text


Every = Annotated[Literal["hour", "day", "week"], BeforeValidator(_every)]
DeliveryTime = Annotated[time | int, BeforeValidator(delivery_time), PlainSerializer(_show_time, return_type=str)]
SetAt = Annotated[datetime, BeforeValidator(_set_at)]
XmlPart = Annotated[str, AfterValidator(_part_of_xml)]
FolderTemplate = Annotated[str, _template(FOLDER_FIELDS)]
FileTemplate = Annotated[str, _template(FIELDS), AfterValidator(_name)]
DoneTemplate = Annotated[str, _template(DONE_FIELDS), AfterValidator(_name)]
