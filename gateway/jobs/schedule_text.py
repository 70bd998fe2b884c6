"""A job's schedule for people."""

from datetime import datetime, time, timedelta

from gateway.config.job_kinds import WEEKDAYS
from gateway.core.units import show_duration
from gateway.jobs.model import JobSchedule, Repeat

_NOUNS = {Repeat.MINUTES: "minute", Repeat.HOURLY: "hour", Repeat.DAILY: "day", Repeat.WEEKLY: "week"}


def show_schedule(schedule: JobSchedule) -> str:
    """`weekly on Mo, Th at 22:00, from 2026-12-01, by each destination's clock`."""
    if schedule.repeat is Repeat.MANUAL:
        return "manual"
    parts = [_rhythm(schedule), _days(schedule), _times(schedule), *_span(schedule)]
    if schedule.each:
        parts.append("by each destination's clock")
    return ", ".join(part for part in parts if part)


def show_late(late: timedelta | None) -> str:
    """What becomes of a missed start."""
    return "skipped" if late is None else f"made good within {show_duration(late)}"


def _rhythm(schedule: JobSchedule) -> str:
    if schedule.repeat is Repeat.ONCE:
        return "once"
    noun = _NOUNS[schedule.repeat]
    return f"every {noun}" if schedule.every == 1 else f"every {schedule.every} {noun}s"


def _days(schedule: JobSchedule) -> str:
    if schedule.repeat is Repeat.ONCE and schedule.start is not None:
        return f"on {schedule.start:%Y-%m-%d}"
    return f"on {' '.join(WEEKDAYS[day] for day in schedule.days)}" if schedule.days else ""


def _times(schedule: JobSchedule) -> str:
    times = " ".join(f"{clock:%H:%M}" for clock in schedule.at)
    if schedule.repeat in (Repeat.MINUTES, Repeat.HOURLY):
        return f"counted from {times}"
    return f"at {times}"


def _span(schedule: JobSchedule) -> list[str]:
    first = schedule.start if schedule.repeat is not Repeat.ONCE else None
    shown = [f"from {_day(first, time.min)}"] if first is not None else []
    return [*shown, f"until {_day(schedule.finish, time.max)}"] if schedule.finish is not None else shown


def _day(moment: datetime, edge: time) -> str:
    return f"{moment:%Y-%m-%d}" if moment.time() == edge else f"{moment:%Y-%m-%d %H:%M}"
