"""`gateway why`: why a file was or was not taken."""

from functools import partial
from typing import Annotated

import typer

from gateway.cli.output import JsonOption


def why(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A path, or a name that is looked for wherever actions look.")
    ],
    looks: Annotated[int, typer.Option(min=0, help="At most so many looks, the latest.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Why a file was or was not taken: which commands mean it, each look with its verdict, its deliveries.

    Exit code 3: no such file is known, and no action would take one of this name.
    """
    from gateway.cli.doing import do, tell
    from gateway.cli.output import print_json
    from gateway.cli.why_answer import ask_why, tell_why
    from gateway.config.findings import ConfigError

    try:
        told = do(partial(tell_why, file=file, looks=looks))
    except ConfigError:
        told = do(partial(ask_why, file=file, looks=looks), asks=True)
    for line in told["newer"]:
        tell(line)
    if as_json:
        print_json(told["rows"])
    else:
        for line in told["lines"]:
            typer.echo(line)
    raise typer.Exit(0 if told["known"] else 3)
