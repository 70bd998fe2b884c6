"""`gateway job new`: by questions on a terminal, or by options alone."""

import sys

import typer

from gateway.cli.doing import INTERRUPTED, tell
from gateway.cli.job_ask import Cancelled
from gateway.cli.job_draft import (
    Command,
    Draft,
    checked_name,
    command_of,
    destination_of,
    free_name,
    group_of,
    text_of,
)
from gateway.cli.job_judge import judge
from gateway.cli.job_new_options import Options
from gateway.cli.job_said import by_options
from gateway.cli.job_save import Saved, file_of, save_job, write_job
from gateway.cli.job_wizard import Made, walk
from gateway.config.load import load
from gateway.config.loaded import Loaded
from gateway.core.clock import SystemClock
from gateway.core.errors import Refused


def new_job(options: Options) -> None:
    """Ask what is open where somebody can answer; write the file, save it, and start it where its schedule says so."""
    loaded = load()
    draft, start = draft_of(options, loaded), options.start
    if options.source is None or not options.to:
        if not sys.stdin.isatty() or options.as_json:
            raise Refused("nobody can be asked here; give at least --source FOLDER and --to GROUP or ENDPOINT")
        made = _asked(loaded, draft)
        draft, start = made.draft, start and made.start
    elif draft.repeat == "manual":
        _require_no_times(options)
    _require_sound(loaded, draft)
    if options.dry_run:
        typer.echo(text_of(draft), nl=False)
        return
    path = write_job(loaded, draft)
    tell(f"written to {path}")
    save_job(Saved(job=draft.name, start=start, detach=options.detach, as_json=options.as_json))


def _asked(loaded: Loaded, draft: Draft) -> Made:
    import readline  # noqa: F401 -- from now on `input` lets a line be edited

    try:
        return walk(loaded, SystemClock(), draft)
    except (Cancelled, KeyboardInterrupt):
        typer.echo("")
        tell("cancelled; nothing was written")
        raise typer.Exit(INTERRUPTED) from None


def _require_sound(loaded: Loaded, draft: Draft) -> None:
    file_of(loaded, draft.name)
    judged = judge(loaded, draft, by_options)
    if judged.errors:
        raise Refused("\n".join(f"{draft.name}: {one}" for one in judged.errors))
    for one in judged.warnings:
        tell(f"{draft.name}: {one}")


def draft_of(options: Options, loaded: Loaded) -> Draft:
    """The options as answers.  Raises Refused for what can't be."""
    groups = tuple(group_of(one, loaded) for one in options.groups)
    endpoint, path = _source(options.source, loaded)
    return Draft(
        name=checked_name(options.name, loaded) if options.name else free_name(loaded),
        description=options.description or "",
        hash=options.hash,
        endpoint=endpoint,
        path=path,
        destinations=tuple(destination_of(one, loaded, groups, options.path) for one in options.to),
        groups=groups,
        commands=_commands(options),
        repeat=options.repeat or ("once" if options.start_day and not options.finish_day else "manual"),
        every=options.every,
        at=tuple(options.at),
        days=tuple(options.days),
        start=options.start_day,
        finish=options.finish_day,
        zone=options.zone,
        priority=options.priority,
        profile=options.profile,
        deadline=options.deadline,
        require=options.require,
        offline=options.offline,
    )


def _require_no_times(options: Options) -> None:
    """Raises Refused for what only a schedule can mean."""
    times = {"--every": options.every != 1, "--at": options.at, "--day": options.days, "--zone": options.zone}
    times |= {"--start": options.start_day, "--finish": options.finish_day}
    given = next((option for option, value in times.items() if value), None)
    if given is not None:
        raise Refused(f"{given} means nothing for a job that is started by hand; add --repeat daily, or leave it out")


def _source(text: str | None, loaded: Loaded) -> tuple[str | None, str]:
    """`FOLDER` of this machine, or `ENDPOINT:FOLDER`."""
    name, colon, path = (text or "").partition(":")
    return (name, path) if colon and name in loaded.config.endpoints else (None, text or "")


def _commands(options: Options) -> tuple[Command, ...]:
    return (
        *(command_of("before_indexing", one) for one in options.before_indexing),
        *(command_of("after_endpoint", one, options.after_endpoint_at) for one in options.after_endpoint),
        *(command_of("after_all", one) for one in options.after_all),
    )
