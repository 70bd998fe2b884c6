"""The wizard's step about when a job starts."""

from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from gateway.cli.job_ask import NONE, ask, ask_choice, ask_number, ask_text, tell
from gateway.cli.job_draft import Draft
from gateway.config.job_kinds import WEEKDAYS, clock_time
from gateway.config.jobs import LEAST_MINUTES, JobSchedule

_REPEATS = ("manual", "once", "minutes", "hourly", "daily", "weekly")
_EVERY = {"minutes": "minutes", "hourly": "hours", "daily": "days", "weekly": "weeks"}


def ask_schedule(draft: Draft) -> Draft:
    """When it starts; `manual` asks nothing more."""
    hint = "manual: only with `gateway job start`; once: at a day and time; the others again and again."
    repeat = ask_choice("Repeat", _REPEATS, draft.repeat, hint=hint)
    empty = replace(draft, repeat=repeat, every=1, at=(), days=(), start=None, finish=None, zone=None)
    if repeat == "manual":
        return empty
    if repeat != draft.repeat:
        draft = empty
    made = _once(empty, draft) if repeat == "once" else _again(empty, draft)
    problem = _problem(made)
    if problem:
        tell(problem)
        return ask_schedule(made)
    return made


def _once(made: Draft, before: Draft) -> Draft:
    start = ask("Day", before.start or "", _day, hint="Such as 2026-12-01.")
    at = ask_text("At", _first(before), hint="Such as 22:00, by each destination's own clock.", required="write a time")
    return replace(made, start=start, at=_times(at))


def _again(made: Draft, before: Draft) -> Draft:
    every = before.every if made.repeat != "minutes" else max(before.every, LEAST_MINUTES)
    least = LEAST_MINUTES if made.repeat == "minutes" else 1
    made = replace(made, every=ask_number(f"Every how many {_EVERY[made.repeat]}", every, least, 10_000))
    if made.repeat == "weekly":
        days = ask("Days", " ".join(before.days), _days, hint=f"Of {', '.join(WEEKDAYS)}.")
        made = replace(made, days=days)
    if made.repeat in ("daily", "weekly"):
        at = ask("At", " ".join(before.at) or "00:00", _times, hint="One time or several, such as 06:00 22:00.")
        made = replace(made, at=at)
    start = ask("First day", before.start or NONE, _maybe_day, hint=f"From which on it may start; {NONE}: at once.")
    finish = ask("Last day", before.finish or NONE, _maybe_day, hint=f"On which it may start; {NONE}: for good.")
    return replace(made, start=start, finish=finish)


def _problem(draft: Draft) -> str:
    try:
        _schedule(draft.tree().get("schedule", {}))
    except ValueError as problem:
        return str(problem)
    return ""


def _schedule(said: dict[str, Any]) -> JobSchedule:
    """Raises ValueError, in the words of the check."""
    try:
        return JobSchedule.model_validate(said)
    except ValidationError as problem:
        raise ValueError(str(problem.errors()[0]["msg"]).removeprefix("Value error, ")) from None


def _first(draft: Draft) -> str:
    return draft.at[0] if draft.at else "00:00"


def _times(text: str) -> tuple[str, ...]:
    return tuple(f"{clock_time(word):%H:%M}" for word in text.replace(",", " ").split()) or ("00:00",)


def _days(text: str) -> tuple[str, ...]:
    words = text.replace(",", " ").split()
    if not words:
        raise ValueError("name its days, such as Mo Th")
    return tuple(_schedule({"repeat": "weekly", "days": words}).days)


def _day(text: str) -> str:
    if not text:
        raise ValueError("write its day, such as 2026-12-01")
    _schedule({"repeat": "daily", "start": text})
    return text


def _maybe_day(text: str) -> str | None:
    return None if text in ("", NONE) else _day(text)
