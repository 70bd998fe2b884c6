"""How a verb does its work: configuration, clock, event loop, and what Ctrl-C means."""

import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from gateway.config.findings import ConfigError
    from gateway.config.loaded import Loaded
    from gateway.core.clock import Clock
    from gateway.ledger.instances import Holder
    from gateway.service.operations import Said

T = TypeVar("T")
INTERRUPTED = 130


class GoesOn(Exception):
    """Ctrl-C ended this command alone: what it asked for goes on elsewhere, and that has been said."""


def do(
    work: "Callable[[Loaded, Clock], Coroutine[Any, Any, T]]",
    *,
    verbose: bool = False,
    asks: bool = False,
    looks_back: bool = False,
    loaded: "Loaded | None" = None,
) -> T:
    """Run `work` with the configuration; our log lines go to standard error only if `verbose`.

    `loaded`: the configuration, where it was read before.
    With a configuration that can't be used nothing is done, but by what `asks` a gateway that serves, or `looks_back`
    at the ledger: the errors are told beside their work.
    """
    from gateway.config.findings import ConfigError
    from gateway.config.load import load
    from gateway.core.clock import SystemClock
    from gateway.service.event_loop import run_to_end
    from gateway.service.logs import configure_logs

    configure_logs(verbose=verbose, as_json=False, quiet=not verbose)
    try:
        loaded = loaded or load()
    except ConfigError as problem:
        beside = _beside_the_error(problem, looks_back=looks_back) if asks or looks_back else None
        if beside is None:
            raise
        loaded = beside
    try:
        return run_to_end(work(loaded, SystemClock()))
    except GoesOn:
        raise typer.Exit(INTERRUPTED) from None
    except KeyboardInterrupt:
        tell("stopped")
        raise typer.Exit(INTERRUPTED) from None


def _beside_the_error(problem: "ConfigError", *, looks_back: bool) -> "Loaded | None":
    from gateway.cli.partly import beside_the_error

    found = beside_the_error(problem, ledger_is_enough=looks_back)
    if found is None:
        return None
    tell(found[1])
    return found[0]


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
