"""`gateway retry`."""

import os
from typing import Annotated

import typer


def retry(
    what: Annotated[
        str, typer.Argument(metavar="ID|FILE|ENDPOINT|ACTION", help="A delivery's id, a file, an endpoint, an action.")
    ],
) -> None:
    """Try again now what failed: frees files that are held back or parked, settles a delivery, asks an endpoint.

    `retry ENDPOINT` forgets its troubles and logs in at once, also where a login was refused. What cannot be done
    right away is said, with what to do.

    Exit code: that of the error that is met, 3 if nothing of this name waits.
    """
    from gateway.cli.steering import step_in

    step_in("retry", {"what": what, "path": os.path.abspath(what)})
