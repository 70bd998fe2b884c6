"""`gateway run`: one action now, followed to its end."""

from functools import partial
from typing import Annotated

import typer

from gateway.cli.output import JsonOption


def run(
    action: Annotated[
        str,
        typer.Argument(metavar="ACTION", help="An action, one of its instances (prices@shop001), or a script file."),
    ],
    now: Annotated[bool, typer.Option("--now", help="Don't wait until files are stable; the receipt says so.")] = False,
    approve: Annotated[bool, typer.Option("--approve", help="Let -MIR delete more than its limit, this once.")] = False,
    error_on_nothing: Annotated[
        bool, typer.Option("--error-on-nothing", help="Exit code 9 if there was nothing to do.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every step to standard error, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run one action now and follow it to its end; beside `gateway serve` it is that gateway which runs it.

    Exit code 0: done. 9: nothing to do, with --error-on-nothing. 2: the script is wrong. 3: it is not there.
    5: try again later. 7: a person must change something. 20: host key. 21: login. 22: verification.
    1: failed otherwise.
    """
    from gateway.cli.doing import do
    from gateway.cli.output import print_json
    from gateway.cli.run_result import shown_result
    from gateway.cli.running import Wanted, run_action

    wanted = Wanted(action, now=now, approve=approve, quiet=as_json)
    ended = do(partial(run_action, wanted=wanted), verbose=verbose, asks=True)
    if as_json:
        print_json([one.as_json() for one in ended])
    else:
        for one in ended:
            typer.echo(shown_result(one))
    codes = [one.exit_code(error_on_nothing=error_on_nothing) for one in ended]
    raise typer.Exit(next((code for code in codes if code), 0))
