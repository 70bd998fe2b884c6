"""`gateway baseline`."""

from typing import Annotated

import typer

from gateway.cli.output import JsonOption


def baseline(
    action: Annotated[str, typer.Argument(metavar="NAME", help="An action with -NEW, a job, or a channel.")],
    destination: Annotated[str | None, typer.Option(help="A job: only this destination; else all.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would count as delivered.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What is there now counts as delivered: the -NEW commands of the action leave it alone.

    Of a job: files that a destination has with the name and size of the source's are not sent; for destinations that
    can't compute what is in a file. Of a channel: what is in its catalogue; only what changes from now on goes out.
    """
    from gateway.cli.steering import step_in

    arguments = {"action": action, "destination": destination, "dry_run": dry_run}
    step_in("baseline", arguments, as_json=as_json)
