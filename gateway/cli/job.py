"""`gateway job`: distribution jobs.  Each verb's work lies in a module of its own, imported when it is asked for."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import JsonOption

app = typer.Typer(no_args_is_help=True, help="Distribution jobs: one source, many destinations.")

Name = Annotated[str, typer.Argument(help="A job.")]


@app.command("list")
def list_jobs(as_json: JsonOption = False) -> None:
    """The jobs: source, destinations, schedule, next start, last run."""
    from gateway.cli.job_list import list_all

    list_all(as_json=as_json)


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(help="Jobs; none: all.")] = None, as_json: JsonOption = False
) -> None:
    """Check jobs; every finding with file, line and column.

    Exit code 0: no error (there may be warnings). 2: at least one error.
    """
    from gateway.cli.job_check import check_jobs

    check_jobs(names or [], as_json=as_json)


@app.command()
def show(name: Name, as_json: JsonOption = False) -> None:
    """One job as it would run now: its destinations with their folders and profiles, its commands, its next starts."""
    from gateway.cli.job_show import show_job

    show_job(name, as_json=as_json)


@app.command("compile")
def compile_(
    name: Name,
    part: Annotated[str | None, typer.Option(help="Only one action, such as prices@shop001.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write each action as a script into this folder.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the actions that a job consists of, as script text, in the order in which they run."""
    from gateway.cli.job_compile import compile_job

    compile_job(name, part=part, out=out, as_json=as_json)
