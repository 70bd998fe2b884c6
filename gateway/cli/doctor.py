"""`gateway doctor`: looks over this machine and the configuration; connects to nobody and changes nothing."""

import sys
from collections.abc import Iterator, Sequence

import typer

from gateway.cli.checkups.answers import Answers
from gateway.cli.checkups.doors import check_doors
from gateway.cli.checkups.folders import check_folders
from gateway.cli.checkups.line import Line, State, fail, ok, warn
from gateway.cli.checkups.machine import check_machine
from gateway.cli.checkups.partners import check_partners
from gateway.cli.checkups.serving import check_serving
from gateway.cli.output import JsonOption, print_json
from gateway.config.findings import ConfigError
from gateway.config.load import load
from gateway.config.loaded import Loaded
from gateway.core.colour import takes_colour
from gateway.core.model import Severity

_COLOURS = {State.OK: typer.colors.GREEN, State.WARN: typer.colors.YELLOW, State.FAIL: typer.colors.RED}


def doctor(as_json: JsonOption = False) -> None:
    """Look over this machine and the configuration; each line with its remedy.

    Exit code 0: nothing fails (there may be warnings). 7: something needs you.
    """
    lines = list(look_over())
    if as_json:
        print_json([{"subject": x.subject, "state": x.state, "found": x.found, "remedy": x.remedy} for x in lines])
    else:
        _print(lines)
    raise typer.Exit(7 if any(line.state is State.FAIL for line in lines) else 0)


def look_over() -> Iterator[Line]:
    """Every check-up, in the order in which one would set things right."""
    loaded: Loaded | None = None
    answers = Answers()
    try:
        loaded = load()
    except ConfigError as problem:
        for finding in problem.findings:
            make = fail if finding.severity is Severity.ERROR else warn
            yield make("configuration", f"{finding.span}: {finding.message}", "gateway check shows it, too")
    if loaded is not None:
        yield from _configured(loaded, answers)
    yield from check_machine(loaded, answers)


def _configured(loaded: Loaded, answers: Answers) -> Iterator[Line]:
    files = f"{len(loaded.files)} file{'s' if len(loaded.files) > 1 else ''}"
    yield ok("configuration", f"{loaded.path}, {files}, root {loaded.root}")
    for finding in loaded.findings:
        yield warn("configuration", f"{finding.span}: {finding.message}", "gateway check shows it, too")
    yield from check_folders(loaded, answers)
    yield from check_serving(loaded, answers)
    yield from check_partners(loaded)
    yield from check_doors(loaded, answers)


def _print(lines: Sequence[Line]) -> None:
    width = max(len(line.subject) for line in lines)
    for line in lines:
        state = f"{line.state:<4}"
        state = typer.style(state, fg=_COLOURS[line.state]) if takes_colour(sys.stdout) else state
        typer.echo(f"{state}  {line.subject:<{width}}  {line.found}")
        if line.remedy:
            typer.echo(f"{'':4}  {'':{width}}  -> {line.remedy}")
    counts = [f"{sum(line.state is state for line in lines)} {state}" for state in State]
    typer.echo(", ".join(counts))
