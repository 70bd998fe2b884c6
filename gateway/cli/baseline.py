"""`gateway baseline`."""

from typing import Annotated

import typer

from gateway.cli.output import JsonOption


def baseline(
    action: Annotated[str, typer.Argument(help="An action with -NEW, or one of its instances.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would count as delivered.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What is there now counts as delivered: the -NEW commands of the action leave it alone."""
    from gateway.cli.steering import step_in

    step_in("baseline", {"action": action, "dry_run": dry_run}, as_json=as_json)
