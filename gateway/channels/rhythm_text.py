"""Cron frequency and rhythms for people."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from gateway.channels.model import Anchor, Cron, Kind, Rhythm, Times
from gateway.channels.rhythm import cron_minute
from gateway.config.job_kinds import WEEKDAYS

_ONE_WEEK = timedelta(days=7)


def show_cron(cron: Cron, zone: ZoneInfo) -> str:
    """`every 2 hours at :10 from midnight`."""
    minute = cron_minute(cron, zone)
    if cron.every == 1:
        return f"every hour at :{minute:02}"
    if cron.anchor is Anchor.SET_TIME:
        return f"every {cron.every} hours from {cron.set_at.astimezone(zone):%Y-%m-%d %H:%M}"
    return f"every {cron.every} hours at :{minute:02} from midnight"


def show_rhythm(rhythm: Rhythm, cron: Cron, zone: ZoneInfo) -> str:
    """`every week on Su at 14:00`."""
    if rhythm.every == "hour":
        minute = rhythm.minute if rhythm.minute is not None else cron_minute(cron, zone)
        return f"every hour at :{minute:02}"
    at = f"{rhythm.at:%H:%M}" if rhythm.at is not None else "00:00"
    if rhythm.every == "week" and rhythm.day is not None:
        return f"every week on {WEEKDAYS[rhythm.day]} at {at}"
    return f"every day at {at}"


def show_times(times: Times, zone: ZoneInfo) -> dict[str, str]:
    """By name: cron, first, metadata, file."""
    cron = times.cron.value
    return {"cron": show_cron(cron, zone)} | {kind.value: show_rhythm(times.rhythm(kind), cron, zone) for kind in Kind}


def show_moments(times: Sequence[datetime]) -> str:
    """`22:00 on Sun 22 Nov, Mon 23, Tue 24`, or by days `Sun 22 Nov 21:10, 22:10; Mon 23 00:10`."""
    days = _days(times)
    if times[1:] and len(days) == len(times) and len({_clock(at) for at in times}) == 1:
        return f"{_clock(times[0])} on {', '.join(days)}"
    clocks = ([_clock(at) for at in found] for _, found in groupby(times, datetime.date))
    return "; ".join(f"{day} {', '.join(found)}" for day, found in zip(days, clocks, strict=True))


def show_soon(at: datetime, now: datetime) -> str:
    """`Sun 22:00` within a week, `29 Nov 14:00` later."""
    day = f"{at:%a}" if at.date() - now.astimezone(at.tzinfo).date() < _ONE_WEEK else f"{at.day} {at:%b}"
    return f"{day} {_clock(at)}"


def _clock(at: datetime) -> str:
    """The second of two equal hours says `again`."""
    return f"{at:%H:%M}{' again' if at.fold else ''}"


def _days(times: Sequence[datetime]) -> list[str]:
    """Each day once; a month where it begins."""
    days = list(dict.fromkeys(at.date() for at in times))
    earlier = [None, *days]
    return [
        f"{day:%a} {day.day}{'' if before is not None and before.month == day.month else f' {day:%b}'}"
        for before, day in zip(earlier, days, strict=False)
    ]
