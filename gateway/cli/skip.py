"""`gateway skip`."""

import os
from typing import Annotated

import typer


def skip(
    what: Annotated[str, typer.Argument(metavar="ID|FILE", help="A delivery's id, or a file.")],
) -> None:
    """Leave this version of a held-back, parked or held file alone; once it changes, it is new.

    For a file that was delivered but could not be removed: it may stay, and is not sent again.
    """
    from gateway.cli.steering import step_in

    step_in("skip", {"what": what, "path": os.path.abspath(what)})
