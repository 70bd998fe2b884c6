"""How a verb does its work: configuration, clock, event loop, and what Ctrl-C means."""

import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from gateway.config.loaded import Loaded
    from gateway.core.clock import Clock
    from gateway.ledger.instances import Holder
    from gateway.service.operations import Said

T = TypeVar("T")
INTERRUPTED = 130


class GoesOn(Exception):
    """Ctrl-C ended this command alone: what it asked for goes on elsewhere, and that has been said."""


def do(work: "Callable[[Loaded, Clock], Coroutine[Any, Any, T]]", *, verbose: bool = False) -> T:
    """Run `work` with the configuration; our log lines go to standard error only if `verbose`."""
    from gateway.config.load import load
    from gateway.core.clock import SystemClock
    from gateway.service.event_loop import run_to_end
    from gateway.service.logs import configure_logs

    configure_logs(verbose=verbose, as_json=False, quiet=not verbose)
    loaded = load()
    try:
        return run_to_end(work(loaded, SystemClock()))
    except GoesOn:
        raise typer.Exit(INTERRUPTED) from None
    except KeyboardInterrupt:
        tell("stopped")
        raise typer.Exit(INTERRUPTED) from None


def tell(line: str) -> None:
    """A remark beside the output proper."""
    typer.echo(line, err=True)


def waiting_for(found: "Holder") -> None:
    """Why nothing happens yet."""
    tell(f"waiting until `gateway {found.what}` (pid {found.pid}) is done with this state folder")


def say(said: "Said", *, as_json: bool = False) -> NoReturn:
    """Print what an operation answered and end with its exit code."""
    from gateway.cli.output import print_json, show_value

    if as_json:
        print_json(dict(said.facts))
    else:
        for line in said.lines:
            typer.echo(show_value(line))
    raise typer.Exit(said.exit_code)


def is_terminal() -> bool:
    """True if a person reads the output."""
    return sys.stdout.isatty()
