"""`gateway simulate`: when an action comes due, a job starts, or a channel looks and delivers, by a turned clock."""

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.output import JsonOption, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.config.loaded import Loaded
    from gateway.core.clock import Clock
    from gateway.runner.instance import Instance

_AT_MOST = 100_000


def simulate(
    action: Annotated[
        str, typer.Argument(metavar="NAME", help="An action, one of its instances, a distribution job, or a channel.")
    ],
    length: Annotated[str, typer.Option("--for", help="How far ahead, such as 12h or 30d.")] = "7d",
    start: Annotated[str | None, typer.Option("--from", help="Where to begin: a time, or a length from now.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many lines; --json gives all.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """The next times of an action, a job or a channel, in its own time zone, changes to and from summer time included.

    A polled action shows its ranges: it is looked at all the while, and runs when files make it due.
    """
    from gateway.cli.doing import do
    from gateway.cli.output import print_json

    told = do(partial(_simulate, action=action, length=length, start=start))
    if as_json:
        print_json([row for one in told for row in one["times"]])
        return
    for number, one in enumerate(told):
        if number:
            typer.echo("")
        for line in _lines(one, limit):
            typer.echo(line)


async def _simulate(
    loaded: "Loaded", clock: "Clock", action: str, length: str, start: str | None
) -> list[dict[str, Any]]:
    import asyncio

    from gateway.runner.actions import read_actions
    from gateway.service.near_names import action_names, unknown
    from gateway.service.targets import require_instances

    begin, end = _stretch(loaded, clock, length, start)
    actions = await asyncio.to_thread(read_actions, loaded)
    told: dict[tuple[str, str], dict[str, Any]] = {}
    is_job, is_channel = action in loaded.config.jobs, action in loaded.config.channels
    known = action_names(actions, action)
    if not (is_job or is_channel or action in known):
        raise unknown("action, job or channel", action, {*known, *loaded.config.jobs, *loaded.config.channels})
    for instance in require_instances(loaded, actions, action) if action in known else ():
        one = await asyncio.to_thread(_instance, loaded, instance, begin, end)
        key = (one["schedule"], one["zone"])  # the endpoints of a group mostly share theirs
        told.setdefault(key, one)["names"].append(instance.name)
    for one in told.values():
        one["times"] = [{"action": name, **row} for name in one["names"] for row in one["rows"]]
    jobs = await _job(loaded, clock, action, begin, end) if is_job else []
    channels = await asyncio.to_thread(_channel, loaded, action, begin, end) if is_channel else []
    return [*told.values(), *jobs, *channels]


def _stretch(loaded: "Loaded", clock: "Clock", length: str, start: str | None) -> tuple[datetime, datetime]:
    """From when to when.  Raises Refused."""
    from gateway.cli.moments import ahead
    from gateway.core.errors import Refused
    from gateway.core.units import parse_duration

    begin = ahead(start, clock.now(), loaded.zone()) if start is not None else clock.now()
    try:
        return begin, begin + parse_duration(length)
    except ValueError as problem:
        raise Refused(f"--for {problem}") from None
    except OverflowError:
        raise Refused(f"--for {length}: that is beyond every calendar") from None


def _channel(loaded: "Loaded", name: str, begin: datetime, end: datetime) -> list[dict[str, Any]]:
    from gateway.channels.read import read_channels
    from gateway.cli.channel_simulate import times_of

    return times_of(read_channels(loaded), name, begin, end, _AT_MOST)


async def _job(loaded: "Loaded", clock: "Clock", name: str, begin: datetime, end: datetime) -> list[dict[str, Any]]:
    import asyncio

    from gateway.cli.job_reading import look
    from gateway.cli.job_simulate import starts_of

    looked = await look(loaded, clock)
    told = await asyncio.to_thread(starts_of, looked, looked.job(name), begin, end, _AT_MOST)
    for one in told:
        one["times"] = [{"job": who, **row} for who in one["names"] for row in one["rows"]]
    return told


def _instance(loaded: "Loaded", instance: "Instance", begin: datetime, end: datetime) -> dict[str, Any]:
    from itertools import islice
    from zoneinfo import ZoneInfo

    from gateway.language.schedule import parse_schedule, show_schedule
    from gateway.scheduler.times import simulate as times_of
    from gateway.service.schedules import refusal

    schedule = parse_schedule(instance.settings.schedule)
    zone = ZoneInfo(schedule.zone) if schedule.zone else instance.zone
    look_every = loaded.config.gateway.autosend_check_every
    coming = islice(times_of(schedule, begin, end, zone, look_every), _AT_MOST)
    rows = [_row(one.at, one.until, one.every, zone, polled=schedule.polling) for one in coming]
    return {
        "names": [],
        "schedule": show_schedule(schedule),
        "zone": str(zone),
        "manual": schedule.manual,
        "by_hand": "gateway run",
        "polled": schedule.polling,
        "idle": None if instance.settings.enabled else "it is disabled (@enabled no)",
        "refusal": refusal(instance),
        "rows": rows,
        "end": end.astimezone(zone),
    }


def _row(at: datetime, until: datetime | None, every: timedelta | None, zone: Any, *, polled: bool) -> Row:
    return {
        "at": at.astimezone(zone).isoformat(timespec="seconds"),
        "until": until.astimezone(zone).isoformat(timespec="seconds") if until else None,
        "every_s": every.total_seconds() if every else None,
        "looks": polled,
    }


def _lines(told: dict[str, Any], limit: int) -> "Iterator[str]":
    names = told["names"]
    who = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    yield f"{who}: {told['schedule']}  (times of {told['zone']})"
    if told["refusal"]:
        yield f"  It can't be scheduled: {told['refusal']}"
    if told["idle"]:
        yield f"  {told['idle'].capitalize()}: none of these times starts a run."
    if told["manual"]:
        yield f"  Never by itself: only `{told['by_hand']}` starts it."
        return
    rows = told["rows"]
    if not rows:
        yield f"  Not due before {told['end']:%a %Y-%m-%d %H:%M:%S %z}."
    for row in rows[:limit]:
        yield f"  {_time(row, polled=told['polled'])}"
    if len(rows) > limit:
        more = f"{len(rows) - limit}{' or more' if len(rows) >= _AT_MOST else ''}"
        yield f"  and {more} more before {told['end']:%a %Y-%m-%d %H:%M:%S %z}; --limit shows more"


def _time(row: Row, *, polled: bool) -> str:
    from gateway.cli.output import show_span

    at = datetime.fromisoformat(str(row["at"]))
    text = f"{at:%a %Y-%m-%d %H:%M:%S %z}"
    if row["until"] is None:
        return f"{text}  a look, and a run if files are there" if polled else text
    until = datetime.fromisoformat(str(row["until"]))
    every = show_span(timedelta(seconds=float(str(row["every_s"]))))
    does = "looked at every" if polled else "runs every"
    return f"{text}  to  {until:%a %Y-%m-%d %H:%M:%S %z}  {does} {every}"
