"""`gateway schedulers set`: by the form on a terminal, or by options alone."""

import sys
from dataclasses import dataclass, fields
from datetime import datetime
from textwrap import fill
from zoneinfo import ZoneInfo

import typer

from gateway.channels.coming import CRON
from gateway.channels.model import Kind
from gateway.channels.roles import require_maintainer
from gateway.channels.schedule_file import Changes, current
from gateway.channels.schedule_text import parse_cron, parse_rhythm
from gateway.channels.schedule_values import Value
from gateway.cli.channel_reading import load_telling
from gateway.cli.doing import INTERRUPTED, do, tell
from gateway.cli.job_ask import Cancelled
from gateway.cli.moments import ahead
from gateway.cli.output import print_json
from gateway.cli.schedulers_show import schedule_of, title
from gateway.cli.times_table import LABELS, print_times, times_rows
from gateway.config.beside import load_beside
from gateway.config.channels import CronSettings
from gateway.config.job_kinds import clock_time
from gateway.config.loaded import Loaded
from gateway.core.clock import SystemClock
from gateway.core.errors import Refused
from gateway.service.schedule_saving import Saved, save_schedule

DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the command line says, None: nothing."""

    cron: str | None = None
    cron_at: str | None = None
    anchor: str | None = None
    first: str | None = None
    metadata: str | None = None
    file: str | None = None

    def is_empty(self) -> bool:
        """True if the form has to ask."""
        return all(getattr(self, one.name) is None for one in fields(self))


def set_schedule(channel: str | None, said: Said, *, as_json: bool) -> None:
    """Ask where nothing is said and somebody can answer; save all of it or nothing."""
    loaded = load_telling()
    _, zone = schedule_of(loaded, channel)
    if channel is None:
        require_maintainer(loaded)
    if said.is_empty():
        if not sys.stdin.isatty() or as_json:
            raise Refused('nobody can be asked here; say what is to change, such as --cron 2 --first "daily 22:00"')
        changes = _asked(loaded, channel)
    else:
        changes = changes_of(said, loaded, channel, zone)
    saved = do(lambda loaded, clock: save_schedule(loaded, clock, channel, changes), loaded=loaded)
    _tell(saved, channel, as_json=as_json)


def _asked(loaded: Loaded, channel: str | None) -> Changes:
    import readline  # noqa: F401 -- from now on `input` lets a line be edited

    from gateway.cli.schedulers_form import fill

    try:
        return fill(loaded, channel, SystemClock())
    except (Cancelled, KeyboardInterrupt):
        typer.echo("")
        tell("cancelled; nothing was written")
        raise typer.Exit(INTERRUPTED) from None


def changes_of(said: Said, loaded: Loaded, channel: str | None, zone: ZoneInfo) -> Changes:
    """The options as values.  Raises Refused, naming the option."""
    found: dict[str, Value | None] = {}
    cron = _cron(said, loaded, channel, zone)
    if cron is not None or said.cron == DEFAULT:
        found[CRON] = cron
    for kind in Kind:
        text: str | None = getattr(said, kind.value)
        if text is not None:
            found[kind.value] = None if _is_back(text, channel) else _read(f"--{kind.value}", text)
    return found


def _is_back(text: str, channel: str | None) -> bool:
    """True if the default is to hold again."""
    return text == DEFAULT and channel is not None


def _read(option: str, text: str) -> Value:
    try:
        return parse_cron(text) if option == "--cron" else parse_rhythm(text)
    except ValueError as problem:
        raise Refused(f"{option}: {problem}") from None


def _cron(said: Said, loaded: Loaded, channel: str | None, zone: ZoneInfo) -> CronSettings | None:
    if said.cron is not None and _is_back(said.cron, channel):
        if said.cron_at or said.anchor:
            raise Refused("--cron default takes the line out; leave --cron-at and --anchor out")
        return None
    if said.cron_at is not None and said.cron is None:
        raise Refused("--cron-at belongs to --cron; add --cron HOURS, or leave it out")
    if said.anchor not in (None, "midnight", "set_time"):
        raise Refused(f"--anchor: {said.anchor!r} is not known; write midnight or set_time")
    if said.cron is None and said.anchor is None:
        return None
    before = current(loaded, channel).cron
    made = _read("--cron", said.cron) if said.cron is not None else before or _effective(loaded, channel)
    update: dict[str, object] = {"anchor": said.anchor or (before.anchor if before is not None else "midnight")}
    if said.cron_at is not None:
        update["set_at"] = _moment(said.cron_at, zone)
    return CronSettings.model_validate({**made.model_dump(exclude_none=True), **update})


def _moment(text: str, zone: ZoneInfo) -> datetime:
    """`01:10` is today's."""
    now = SystemClock().now().astimezone(zone)
    try:
        return datetime.combine(now.date(), clock_time(text), zone)
    except ValueError:
        return ahead(text, now, zone).astimezone(zone)


def _effective(loaded: Loaded, channel: str | None) -> CronSettings:
    """What holds for a channel that says nothing itself."""
    times, zone = schedule_of(loaded, channel)
    cron = times.cron.value
    return CronSettings(every=cron.every, set_at=cron.set_at.astimezone(zone), anchor=cron.anchor.value)


def _tell(saved: Saved, channel: str | None, *, as_json: bool) -> None:
    loaded, now = load_beside(), SystemClock().now()
    times, zone = schedule_of(loaded, channel)
    if as_json:
        changes = [{"what": one.key, "old": one.old, "new": one.new} for one in saved.changes]
        print_json({"changes": changes, "taken": saved.taken, "next": times_rows(times, now, zone)})
    elif not saved.changes:
        typer.echo("nothing is changed: it was so before")
    else:
        _tell_people(saved, title(channel, zone, now))
        print_times(times, now, zone)


def _tell_people(saved: Saved, heading: str) -> None:
    fields = ", ".join(LABELS[one.key] for one in saved.changes)
    serves = "the gateway that serves goes by it from now on" if saved.taken else "`gateway serve` will go by it"
    typer.echo(f"{fill(f'saved: {fields}', 80)}\n{serves}\n\n{heading}\n")
