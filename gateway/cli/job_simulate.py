"""When a job starts by itself, for `gateway simulate`: by the gateway's clock, or by that of every destination."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from gateway.cli.job_reading import Looked
from gateway.jobs.model import Job, Repeat
from gateway.jobs.schedule import Start, begins_at, starts
from gateway.jobs.schedule_text import show_schedule


def starts_of(looked: Looked, job: Job, begin: datetime, end: datetime, at_most: int) -> list[dict[str, Any]]:
    """One for each clock that counts, as `gateway simulate` prints them; `idle` says why none of it starts a run."""
    coming = takewhile(lambda start: start.at < end, starts(job.schedule, begin, looked.clocks(job)))
    points = list(islice(coming, at_most))
    common = {
        "schedule": show_schedule(job.schedule),
        "manual": job.schedule.repeat is Repeat.MANUAL,
        "by_hand": f"gateway job start {job.name}",
        "polled": False,
        "idle": _idle(looked, job),
        "refusal": str(looked.jobs.broken[job.name]) if job.name in looked.jobs.broken else None,
    }
    return [
        {
            **common,
            "names": names,
            "zone": str(zone),
            "end": end.astimezone(zone),
            "rows": list(_rows(job, points, zone)),
        }
        for zone, names in _clocks(looked, job).items()
    ]


def _idle(looked: Looked, job: Job) -> str | None:
    if not job.enabled:
        return "it is disabled (enabled = false)"
    return "it is held (saved with --no-start)" if looked.holds(job) else None


def _clocks(looked: Looked, job: Job) -> dict[ZoneInfo, list[str]]:
    """Who goes by which clock."""
    if not job.schedule.each:
        return {looked.loaded.zone(): [job.name]}
    found: dict[ZoneInfo, list[str]] = {}
    for to in job.destinations:
        found.setdefault(looked.loaded.zone(to.endpoint), []).append(f"{job.name}@{to.endpoint}")
    return found


def _rows(job: Job, points: list[Start], zone: ZoneInfo) -> Iterator[dict[str, Any]]:
    for start in points:
        at = begins_at(start, job.schedule, zone).astimezone(zone)
        yield {"at": at.isoformat(timespec="seconds"), "until": None, "every_s": None, "looks": False}
