"""Cron frequency and rhythms for people."""

from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.channels.model import Anchor, Cron, Kind, Rhythm, Times
from gateway.channels.rhythm import cron_minute
from gateway.config.job_kinds import WEEKDAYS


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


def show_moment(at: datetime) -> str:
    """`Sun 25 Oct 02:20`; the second of two equal hours says `again`."""
    return f"{at:%a %d %b %H:%M}{' again' if at.fold else ''}"
