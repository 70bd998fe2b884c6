"""Cron frequency and rhythms as people say them: `2`, `daily 22:00`, `hourly :30`, `weekly Su 14:00`."""

import tomllib

from pydantic import ValidationError

from gateway.config.channels import CronSettings, RhythmSettings

EXAMPLES = '"hourly", "hourly :30", "daily 22:00" or "weekly Su 14:00"'
WORDS = {"hour": "hourly", "day": "daily", "week": "weekly"}
"""Frequencies as people choose them."""

_HOURLY = ("hour", "hourly")
_FILLERS = ("every", "at", "on")


def parse_cron(text: str, before: CronSettings | None = None) -> CronSettings:
    """`2`: every 2 hours, set now; the anchor stays.  Raises ValueError."""
    if not text.strip().isdecimal() or not 1 <= int(text) <= 24:
        raise ValueError(f"{text!r} is no cron frequency; write hours from 1 to 24")
    return CronSettings(every=int(text), anchor=before.anchor if before is not None else "midnight")


def parse_rhythm(text: str) -> RhythmSettings:
    """`weekly Su 14:00`; `every week on Su at 14:00` is the same, `hourly 30` is `hourly :30`.  Raises ValueError."""
    words = [word for word in text.replace(",", " ").split() if word.lower() not in _FILLERS]
    if words[2:] and words[-1].lower() in ("am", "pm"):
        words[-2:] = [f"{words[-2]} {words[-1]}"]
    if not words:
        raise ValueError(f"nothing is said; write {EXAMPLES}")
    day = words[1] if len(words) == 3 or (words[1:] and words[1].isalpha()) else None
    rest = words[2:] if day is not None else words[1:]
    if rest[1:]:
        raise ValueError(f"{text!r} is not understood; write {EXAMPLES}")
    at = rest[0] if rest else None
    if at is not None and at.isdecimal() and words[0].lower() in _HOURLY:
        at = f":{at:>02}"
    return rhythm(words[0], day, at)


def rhythm(every: str, day: str | None, at: str | None) -> RhythmSettings:
    """The three fields of the form together.  Raises ValueError."""
    given = {"every": every, "day": day, "at": at}
    try:
        return RhythmSettings.model_validate({key: value for key, value in given.items() if value is not None})
    except ValidationError as problem:
        first = problem.errors()[0]
        if first["type"] == "literal_error":
            raise ValueError(f"{every!r} is not known; write {EXAMPLES}") from None
        raise ValueError(str(first["msg"]).removeprefix("Value error, ")) from None


def short_text(written: str) -> str:
    """A value as it is written in TOML, in words: `weekly Su 14:00`, `2 hours, set 2026-11-21 01:10`."""
    tree = tomllib.loads(f"value = {written}")["value"]
    if isinstance(tree["every"], int):
        set_at, anchor = tree.get("set_at"), tree.get("anchor")
        parts = [f"{tree['every']} hour{'s' if tree['every'] > 1 else ''}"]
        parts += [f"set {set_at:%Y-%m-%d %H:%M}"] if set_at is not None else []
        parts += ["counted from then"] if anchor == "set_time" else []
        return ", ".join(parts)
    return " ".join(str(part) for part in (WORDS[tree["every"]], tree.get("day"), tree.get("at")) if part)
