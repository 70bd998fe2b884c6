"""`gateway schedulers`: when is looked for changes and when they go out, for all channels or for one."""

from typing import Annotated

import typer

from gateway.cli.output import JsonOption

app = typer.Typer(no_args_is_help=True, help="The default schedule of all channels, or a channel's own.")

Channel = Annotated[str | None, typer.Option(metavar="NAME", help="A channel's own; else the default of all.")]
TIMES = 'hourly, "hourly :30", "daily 22:00" or "weekly Su 14:00"'
BACK = '; with --channel also "default": nothing of its own any more'


@app.command()
def show(
    channel: Channel = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="The next times after TIME: 2026-11-21T14:30; default: now.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """The schedule: what it says, the next five times of each, and the line that says it.

    --json is the next five times alone: {"cron": […], "first": […], "metadata": […], "file": […]}.
    """
    from gateway.cli.schedulers_show import show_schedule

    show_schedule(channel, at=at, as_json=as_json)


@app.command("set")
def set_(
    channel: Channel = None,
    cron: Annotated[str | None, typer.Option(metavar="HOURS", help=f"Look for changes every 1-24 hours{BACK}.")] = None,
    cron_at: Annotated[
        str | None, typer.Option(metavar="TIME", help="With --cron: as if it was set at this time; default: now.")
    ] = None,
    anchor: Annotated[
        str | None, typer.Option(metavar="WHAT", help="The hours count from midnight, or from set_time.")
    ] = None,
    first: Annotated[str | None, typer.Option(metavar="TIMES", help=f"First deliveries: {TIMES}{BACK}.")] = None,
    metadata: Annotated[str | None, typer.Option(metavar="TIMES", help="Changes of metadata, likewise.")] = None,
    file: Annotated[str | None, typer.Option(metavar="TIMES", help="Changes of files, likewise.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Set the schedule: by a form on a terminal, or by options without a question.

    What is saved holds at once, whole or not at all, in a running gateway, too.
    Only maintainers may set the default (`maintainers` in gateway.toml).

    Exit code 7: you are none.
    """
    from gateway.cli.schedulers_set import Said, set_schedule

    said = Said(cron=cron, cron_at=cron_at, anchor=anchor, first=first, metadata=metadata, file=file)
    set_schedule(channel, said, as_json=as_json)


@app.command()
def history(
    channel: Channel = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Who changed what and when, newest first: of the default and of all channels, or of one."""
    from gateway.cli.schedulers_history import show_history

    show_history(channel, limit=limit, as_json=as_json)
