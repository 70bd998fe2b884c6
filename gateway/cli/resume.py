"""`gateway resume`."""

from typing import Annotated

import typer


def resume(what: Annotated[str, typer.Argument(metavar="ACTION|ENDPOINT|all", help="What was paused.")]) -> None:
    """Let what was paused go on; says what is still paused."""
    from gateway.cli.steering import step_in

    step_in("resume", {"what": what})
