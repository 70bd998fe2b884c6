"""`gateway job new` on a terminal: eight steps, each with defaults; `<` goes back a step and keeps what was said."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import typer

from gateway.cli.job_ask import BACK, NONE, Back, Cancelled, ask, ask_choice, ask_number, ask_text, ask_yes
from gateway.cli.job_draft import (
    Command,
    Draft,
    NewGroup,
    To,
    checked_name,
    destination_of,
    group_of,
    text_of,
)
from gateway.cli.job_judge import judge
from gateway.cli.job_said import STEPS, by_steps
from gateway.cli.job_schedule_ask import ask_schedule
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.errors import Refused
from gateway.jobs.model import Job, Repeat
from gateway.jobs.schedule import next_start, starts_on_save
from gateway.jobs.schedule_text import show_schedule
from gateway.jobs.starting import clocks_of

HERE = "here"
_MOMENTS = (
    ("before_indexing", "Before file indexing begins: at the source; it may still make or change the files."),
    ("after_endpoint", "After an endpoint has everything: at that destination; others may still be loading."),
    ("after_all", "After all endpoints have everything: at every destination, then at the source."),
)


@dataclass(frozen=True, slots=True)
class Made:
    """What the questions came to; `start`: saving may start the job."""

    draft: Draft
    start: bool


def walk(loaded: Loaded, clock: Clock, draft: Draft) -> Made:
    """Ask the steps in order.  Raises Cancelled."""
    typer.echo(
        f"A new distribution job. Enter takes what stands in [ ], {BACK} goes back, Ctrl-C ends without a trace."
    )
    steps: list[Callable[[Loaded, Draft], Draft]] = [
        _kind,
        _name,
        _source,
        _destinations,
        _commands,
        lambda _, draft: ask_schedule(draft),
        _settings,
    ]
    at = 0
    while True:
        try:
            while at < len(steps):
                typer.echo(f"\nStep {at + 1} of {len(steps) + 1}: {STEPS[at]}")
                draft = steps[at](loaded, draft)
                at += 1
            typer.echo(f"\nStep {at + 1} of {len(steps) + 1}: Review")
            return Made(draft, _review(loaded, clock, draft))
        except Back:
            at = max(0, at - 1)
        except _Mend as mend:
            at = mend.step


class _Mend(Exception):
    """Something must be answered otherwise."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step


def _kind(_: Loaded, draft: Draft) -> Draft:
    ask_choice("What is made", ("distribution",), "distribution", hint="One folder, brought to many endpoints.")
    return draft


def _name(loaded: Loaded, draft: Draft) -> Draft:
    name = ask("Name", draft.name, lambda text: checked_name(text, loaded))
    described = ask_text("Description", draft.description, hint=f"One line for people; {NONE} for none.")
    hint = "How contents are compared; sha256 unless a destination can only compute another one."
    algorithm = ask_choice("Hash", ("sha256", "sha1", "md5"), draft.hash, hint=hint)
    return replace(draft, name=name, description=described, hash=algorithm)


def _source(loaded: Loaded, draft: Draft) -> Draft:
    names = (HERE, *loaded.config.endpoints)
    typer.echo(f"  {HERE}: this machine.  Endpoints: {', '.join(names[1:]) or 'none'}")
    endpoint = ask("Source", draft.endpoint or HERE, lambda text: _one_of(text, names))
    if endpoint != HERE:
        path = ask_text("Folder there", draft.path, required="write the folder whose files are distributed")
        return replace(draft, endpoint=endpoint, path=path)

    def read(text: str) -> str:
        problem = _lacks(loaded.resolve(text)) if text else "write the folder whose files are distributed"
        if problem:
            raise Refused(problem)
        return text

    hint = "It must be there, and hold files when the job starts."
    return replace(draft, endpoint=None, path=ask("Folder", draft.path, read, hint=hint))


def _one_of(text: str, names: tuple[str, ...]) -> str:
    if text not in names:
        raise Refused(f"{text!r} is none of them; choose {', '.join(names)}")
    return text


def _lacks(folder: Path) -> str:
    """What keeps a folder from being a source now."""
    if not folder.exists():
        return f"{folder} does not exist; make it first, or name another folder"
    if not folder.is_dir():
        return f"{folder} is no folder; name the folder that holds the files"
    if not os.access(folder, os.R_OK | os.X_OK):
        return f"{folder} can't be read by this user; let it, or name another folder"
    if not any(folder.iterdir()):
        typer.echo(f"  {folder} is empty now; it must hold files when the job starts")
    return ""


def _destinations(loaded: Loaded, draft: Draft) -> Draft:
    groups = {name: loaded.members(name) for name in loaded.config.groups}
    for name, members in groups.items():
        typer.echo(f"  group {name}: {', '.join(members) or 'nobody yet'}")
    for made in draft.groups:
        typer.echo(f"  group {made.name} (new): {', '.join(made.endpoints) or 'by tags'}")
    typer.echo(f"  endpoints: {', '.join(loaded.config.endpoints) or 'none; add some to the configuration first'}")
    typer.echo("  `new` makes a group. An endpoint that is named singly joins no group.")
    usual = " ".join(one.name for one in draft.destinations)
    draft, names = _picked(loaded, draft, usual)
    hint = f"Macros and {{tags}} may stand in it; {NONE}: each endpoint's own folder."
    first = next((one.path for one in draft.destinations if one.path), None)
    path = ask_text("Folder at the destinations", first or "", hint=hint)
    return _without_conflict(
        loaded, replace(draft, destinations=tuple(replace(one, path=path or None) for one in names))
    )


def _picked(loaded: Loaded, draft: Draft, usual: str) -> tuple[Draft, list[To]]:
    while True:
        text = ask_text("Groups and endpoints", usual, required="name a group, an endpoint, several of them, or new")
        if text == "new":
            group = _new_group(loaded)
            draft, usual = draft.with_group(group), f"{usual} {group.name}".strip()
            continue
        try:
            words = dict.fromkeys(text.replace(",", " ").split())
            return draft, [destination_of(word, loaded, draft.groups) for word in words]
        except Refused as problem:
            typer.echo(f"  {problem}")


def _new_group(loaded: Loaded) -> NewGroup:
    def named(text: str) -> str:
        return group_of(f"{text}=", loaded).name if text.endswith("=") else group_of(f"{text}:a=b", loaded).name

    name = ask("Name of the group", "", named)

    def members(text: str) -> NewGroup:
        words = ",".join(text.replace(",", " ").split())
        return group_of(f"{name}{':' if '=' in words else '='}{words}", loaded)

    return ask("Its endpoints", "", members, hint="Names such as shop001 shop002, or tags such as region=north.")


def _without_conflict(loaded: Loaded, draft: Draft) -> Draft:
    """Conflicts are told at once, and answered here again."""
    if draft.path or draft.endpoint:
        problems = judge(loaded, replace(draft, commands=(), repeat="manual"), by_steps).errors
        for problem in problems:
            typer.echo(f"  {problem}")
        if problems:
            return _destinations(loaded, draft)
    return draft


def _commands(loaded: Loaded, draft: Draft) -> Draft:
    typer.echo(
        f"  Enter leaves a command out, {NONE} takes one away. [system] allow must list what runs on this machine."
    )
    commands: list[Command] = []
    for moment, said in _MOMENTS:
        typer.echo(f"  {said}")
        own = [_command(draft, moment, platform) for platform in _platforms(loaded, draft, moment)]
        found = [one for one in own if one is not None]
        if found and moment == "after_endpoint":
            usual = next((one.at for one in draft.of(moment) if one.at), None) or ""
            at = ask_text("  At this time of the endpoint's clock", usual, hint=f"  Such as 03:00; {NONE}: at once.")
            found = [replace(one, at=at or None) for one in found]
        commands += found
    return replace(draft, commands=tuple(commands))


def _command(draft: Draft, moment: str, platform: str) -> Command | None:
    usual = next((one.line for one in draft.of(moment) if one.platform == platform), "")
    line = ask_text(f"  {moment} on {platform}", usual)
    return Command(moment, platform, line) if line else None


def _platforms(loaded: Loaded, draft: Draft, moment: str) -> list[str]:
    """Of the places where it would run."""
    job = judge(loaded, draft, by_steps).job
    source = [job.source.machine.platform] if job is not None else ["linux"]
    there = [one.machine.platform for one in job.destinations if one.machine.runs_commands] if job is not None else []
    places = {"before_indexing": source, "after_endpoint": there, "after_all": [*there, *source]}[moment]
    return list(dict.fromkeys(places)) or ["linux"]


def _settings(loaded: Loaded, draft: Draft) -> Draft:
    priority = ask_number("Priority, 9 first", draft.priority, 1, 9)
    profiles = tuple(loaded.config.profiles)
    if not profiles:
        typer.echo("  Profile: none is configured ([profiles.NAME]); what is usual holds")
        return replace(draft, priority=priority)
    chosen = ask_choice("Profile", (*profiles, "none"), draft.profile or "none")
    return replace(draft, priority=priority, profile=None if chosen == "none" else chosen)


def _review(loaded: Loaded, clock: Clock, draft: Draft) -> bool:
    """What it will be; the last question says whether saving starts it."""
    judged = judge(loaded, draft, by_steps)
    typer.echo("")
    for line in text_of(draft).splitlines():
        typer.echo(f"  {line}")
    typer.echo("")
    for one in judged.warnings:
        typer.echo(f"  note: {one}")
    if judged.job is None or judged.errors:
        for one in judged.errors:
            typer.echo(f"  it can't run: {one}")
        step = ask_number("Which step is to be answered otherwise", 4, 1, 7)
        raise _Mend(step - 1)
    count = len(judged.job.destinations)
    typer.echo(f"  {count} destination{'' if count == 1 else 's'}; schedule: {show_schedule(judged.job.schedule)}")
    return _last_question(judged.loaded, clock, judged.job)


def _last_question(loaded: Loaded, clock: Clock, job: Job) -> bool:
    now = clock.now()
    if starts_on_save(job.schedule, now, clocks_of(loaded, job, now)):
        typer.echo("  Saving STARTS the job at once; hold saves it, and nothing starts by itself.")
        said = ask_choice("Save", ("start", "hold", "cancel"), "start")
    else:
        typer.echo(f"  Saving does not start the job; {_starts(loaded, job, now)}.")
        said = "start" if ask_yes("Save", default=True) else "cancel"
    if said == "cancel":
        raise Cancelled
    return said == "start"


def _starts(loaded: Loaded, job: Job, now: datetime) -> str:
    if next_start(job.schedule, now, clocks_of(loaded, job, now)) is not None:
        return "it starts when its time comes"
    over = "" if job.schedule.repeat is Repeat.MANUAL else "no time of its schedule is left: "
    return f"{over}it starts with gateway job start {job.name}"
