"""`gateway job show NAME`: the definition with everything resolved."""

from collections.abc import Iterator
from itertools import islice

import typer

from gateway.cli.doing import do
from gateway.cli.job_reading import Looked, look
from gateway.cli.output import Row, Value, print_json, print_table
from gateway.core.units import show_duration
from gateway.jobs.commands import command_line
from gateway.jobs.model import Destination, Job, Profile, Repeat, Trigger
from gateway.jobs.schedule import starts
from gateway.jobs.schedule_text import show_late, show_schedule

_TIMES = 5


def show_job(name: str, *, as_json: bool) -> None:
    """Everything that the next start goes by."""
    looked = do(look)
    job = looked.job(name)
    if as_json:
        print_json(_as_json(job, looked))
        return
    for line in _lines(job, looked):
        typer.echo(line)
    typer.echo("")
    columns = ("endpoint", "place", "by", "profile", "priority", "place_at")
    rows = [_destination(one) for one in job.destinations]
    print_table(columns, [[row[column] for column in columns] for row in rows])


def _lines(job: Job, looked: Looked) -> Iterator[str]:
    yield f"{job.name}: {job.description or 'no description'}" + ("" if job.enabled else " (disabled)")
    finding = looked.jobs.broken.get(job.name)
    if finding is not None:
        yield f"  it can't run: {finding}"
    yield f"  source      {show_source(job)}"
    missed = "" if job.schedule.repeat is Repeat.MANUAL else f"; missed starts are {show_late(job.schedule.late)}"
    yield f"  schedule    {show_schedule(job.schedule)}{missed}"
    if looked.holds(job):
        yield f"  held        nothing starts by itself; gateway job start {job.name}, or save, lets it go"
    else:
        yield from (f"  next        {at}" for at in _next(job, looked))
    yield f"  required    {job.required()} of {len(job.destinations)} destinations"
    yield f"  priority    {job.priority}"
    yield from (f"  {trigger.moment.value}: {_commands(trigger)}" for trigger in job.triggers)
    yield f"  file        {job.span.file}"


def show_source(job: Job) -> str:
    """`FOLDER` of this machine, or `ENDPOINT:FOLDER`."""
    return f"{job.source.endpoint}:{job.source.path}" if job.source.endpoint else job.source.path


def _commands(trigger: Trigger) -> str:
    lines = (f"{command_line(words, platform)} ({platform})" for platform, words in trigger.commands.items())
    at = f" at {trigger.at:%H:%M}" if trigger.at is not None else ""
    return f"{'; '.join(lines)}{at}, at most {show_duration(trigger.timeout)}"


def _next(job: Job, looked: Looked) -> list[str]:
    zone = looked.loaded.zone()
    coming = islice(starts(job.schedule, looked.now, looked.clocks(job)), _TIMES)
    return [start.at.astimezone(zone).isoformat(timespec="seconds") for start in coming]


def _destination(one: Destination) -> Row:
    return {
        "endpoint": one.endpoint,
        "folder": one.folder,
        "place": one.place,
        "by": one.route.said,
        "profile": "+".join(one.profile.names) or None,
        "priority": one.priority,
        "place_at": f"{one.place_at:%H:%M}" if one.place_at is not None else None,
        "zone": one.machine.zone or None,
        "platform": one.machine.platform,
    }


def _profile(profile: Profile) -> Row:
    limit = profile.delete_limit
    return {
        "profiles": list(profile.names),
        "delete_absent": profile.delete_absent,
        "delete_limit": {"percent": limit.percent, "files": limit.files},
        "archive_s": profile.archive.total_seconds(),
        "ignore": list(profile.ignore),
        "bandwidth": profile.bandwidth,
        "after_success": profile.after_success.value,
        "abort_on": list(profile.abort_on),
    }


def _trigger(trigger: Trigger) -> Row:
    commands: dict[str, Value] = {one: command_line(words, one) for one, words in trigger.commands.items()}
    return {
        "moment": trigger.moment.value,
        "commands": commands,
        "timeout_s": trigger.timeout.total_seconds(),
        "on_fail": "warn" if trigger.warns else "fail",
        "at": f"{trigger.at:%H:%M}" if trigger.at is not None else None,
    }


def _as_json(job: Job, looked: Looked) -> Row:
    finding = looked.jobs.broken.get(job.name)
    return {
        "job": job.name,
        "description": job.description,
        "enabled": job.enabled,
        "held": looked.holds(job),
        "broken": str(finding) if finding is not None else None,
        "file": job.span.file,
        "hash": job.hash,
        "source": {"endpoint": job.source.endpoint, "path": job.source.path},
        "schedule": show_schedule(job.schedule),
        "next": _next(job, looked),
        "priority": job.priority,
        "required": job.required(),
        "release": "together" if job.together else "each",
        "rehash": "always" if job.rehash_all else "changed",
        "profile": _profile(job.profile),
        "triggers": [_trigger(one) for one in job.triggers],
        "destinations": [{**_destination(one), "profile": _profile(one.profile)} for one in job.destinations],
    }
