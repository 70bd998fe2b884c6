"""`gateway job new`: its options.  They are what its questions ask, so both come to the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from gateway.cli.output import JsonOption

Many = list[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was said on the command line; None or empty: nothing."""

    name: str | None = None
    description: str | None = None
    hash: str = "sha256"
    source: str | None = None
    to: Sequence[str] = ()
    path: str | None = None
    groups: Sequence[str] = ()
    before_indexing: Sequence[str] = ()
    after_endpoint: Sequence[str] = ()
    after_endpoint_at: str | None = None
    after_all: Sequence[str] = ()
    repeat: str | None = None
    every: int = 1
    at: Sequence[str] = ()
    days: Sequence[str] = ()
    start_day: str | None = None
    finish_day: str | None = None
    zone: str | None = None
    priority: int = 5
    profile: str | None = None
    deadline: str | None = None
    require: str = "all"
    offline: str = "wait"
    start: bool = True
    dry_run: bool = False
    detach: bool = False
    as_json: bool = False


def new(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Its name; default: job1, or the next that is free.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="The folder whose files go out, or ENDPOINT:FOLDER.")] = None,
    to: Annotated[Many, typer.Option(help="GROUP or ENDPOINT, or NAME:FOLDER; may be given more than once.")] = None,
    path: Annotated[str | None, typer.Option(help="The folder there; default: each endpoint's own.")] = None,
    group: Annotated[
        Many, typer.Option(help="Make a group: NAME=ENDPOINT,ENDPOINT or NAME:TAG=VALUE; --to takes it.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="One line for people.")] = None,
    hash_: Annotated[str, typer.Option("--hash", help="How contents are compared: sha256, sha1 or md5.")] = "sha256",
    before_indexing: Annotated[
        Many, typer.Option(metavar="[PLATFORM=]COMMAND", help="Run at the source, before its files are listed.")
    ] = None,
    after_endpoint: Annotated[
        Many, typer.Option(metavar="[PLATFORM=]COMMAND", help="Run at each destination that has everything.")
    ] = None,
    after_endpoint_at: Annotated[
        str | None, typer.Option(metavar="HH:MM", help="Wait with it for this time of the endpoint's clock.")
    ] = None,
    after_all: Annotated[
        Many, typer.Option(metavar="[PLATFORM=]COMMAND", help="Run everywhere once all have everything.")
    ] = None,
    repeat: Annotated[
        str | None, typer.Option(help="manual, once, minutes, hourly, daily or weekly; default: manual.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Every so many of them.")] = 1,
    at: Annotated[Many, typer.Option(metavar="HH:MM", help="At this time; may be given more than once.")] = None,
    day: Annotated[Many, typer.Option(help="weekly: on this day, such as Mo; may be given more than once.")] = None,
    start: Annotated[str | None, typer.Option(metavar="DAY", help="The first day on which it may start.")] = None,
    finish: Annotated[str | None, typer.Option(metavar="DAY", help="The last day on which it may start.")] = None,
    zone: Annotated[str | None, typer.Option(help="Whose clock counts: gateway, or each destination's.")] = None,
    priority: Annotated[int, typer.Option(min=1, max=9, help="9 first.")] = 5,
    profile: Annotated[str | None, typer.Option(help="A profile of the configuration.")] = None,
    deadline: Annotated[str | None, typer.Option(help="How long (10h) or until when (06:00) a run may last.")] = None,
    require: Annotated[str, typer.Option(help="Who must have everything: all, any, a number, n%.")] = "all",
    offline: Annotated[str, typer.Option(help='One that is down: wait, or "exclude after 1h".')] = "wait",
    no_start: Annotated[
        bool, typer.Option("--no-start", help="Saving does not start it, whatever its schedule.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the file; write and save nothing.")] = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Don't follow the run that saving starts.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a job: eight steps of questions on a terminal, or none where --source and --to say enough.

    It is written to jobs.d/NAME.toml and saved. Saving starts a job whose schedule is neither manual nor in the future.
    """
    from gateway.cli.job_new import new_job

    new_job(
        Options(
            name=name,
            source=source,
            to=to or (),
            path=path,
            groups=group or (),
            description=description,
            hash=hash_,
            before_indexing=before_indexing or (),
            after_endpoint=after_endpoint or (),
            after_endpoint_at=after_endpoint_at,
            after_all=after_all or (),
            repeat=repeat,
            every=every,
            at=at or (),
            days=day or (),
            start_day=start,
            finish_day=finish,
            zone=zone,
            priority=priority,
            profile=profile,
            deadline=deadline,
            require=require,
            offline=offline,
            start=not no_start,
            dry_run=dry_run,
            detach=detach,
            as_json=as_json,
        )
    )
