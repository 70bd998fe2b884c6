"""`gateway resend`."""

from typing import Annotated

import typer

from gateway.cli.output import JsonOption


def resend(
    delivery: Annotated[int, typer.Argument(metavar="ID", help="A delivery that `gateway history` shows as done.")],
    as_json: JsonOption = False,
) -> None:
    """Send a delivered file again, to the same final name: from the sentbox, or from where it still lies.

    Only if its SHA-256 is the one that was delivered. Reactions don't run.

    Exit code 3: there is no such delivery, or its content is gone.
    """
    from gateway.cli.steering import step_in

    step_in("resend", {"delivery": delivery}, as_json=as_json)
