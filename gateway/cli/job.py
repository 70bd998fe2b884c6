"""`gateway job`: distribution jobs.  Each verb's work lies in a module of its own, imported when it is asked for."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.job_new_options import new
from gateway.cli.output import JsonOption

app = typer.Typer(no_args_is_help=True, help="Distribution jobs: one source, many destinations.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="A job.")]


@app.command("list")
def list_jobs(as_json: JsonOption = False) -> None:
    """The jobs: source, destinations, schedule, next start, last run."""
    from gateway.cli.job_list import list_all

    list_all(as_json=as_json)


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Jobs; none: all.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check jobs; every finding with file, line and column.

    Exit code 0: no error (there may be warnings). 2: at least one error.
    """
    from gateway.cli.job_check import check_jobs

    check_jobs(names or [], as_json=as_json)


@app.command()
def show(
    what: Annotated[str, typer.Argument(metavar="NAME|RUN", help="A job, or the number of a run.")],
    files: Annotated[bool, typer.Option("--files", help="A run: every file at every destination.")] = False,
    destination: Annotated[
        str | None, typer.Option(help="A run: only this destination, with what commands printed.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="A run: every file, as CSV.")] = False,
    follow: Annotated[
        bool | None, typer.Option("--follow/--once", help="A run: until it is over, or as it is now. [default: by tty]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """A job as it would run now, or a run: each destination's phase, files, bytes, rate, time left and error.

    On a terminal a run that goes on is shown live until it is over; Ctrl-C ends the showing, not the run.
    """
    if not what.isdecimal():
        from gateway.cli.job_show import show_job

        show_job(what, as_json=as_json)
        return
    from gateway.cli.job_run_show import Shown, show_run

    show_run(Shown(run=int(what), destination=destination, files=files, as_csv=as_csv, as_json=as_json, follow=follow))


@app.command()
def runs(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A job; none: of all.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    active: Annotated[bool, typer.Option("--active", help="Only those that are not over.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Runs of jobs, newest first."""
    from gateway.cli.job_runs import list_runs

    list_runs(name, limit=limit, active=active, as_json=as_json)


@app.command()
def start(
    name: Name,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return at once; the run goes on.")] = False,
    priority: Annotated[int | None, typer.Option(min=1, max=9, help="Of this run, 9 first; else the job's.")] = None,
    rehash: Annotated[bool, typer.Option("--rehash", help="Hash every file anew, changed or not.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Start a run of a job and follow it to its end; beside `gateway serve` it is that gateway which runs it.

    Exit code 0: finished (with --detach: begun). 5: try again later. 7: a person must change something.
    2: the job is wrong, or runs already. 20: host key. 21: login. 22: verification. 1: failed otherwise.
    """
    from gateway.cli.job_start import Asked, start_job

    start_job(Asked(job=name, priority=priority, rehash=rehash, detach=detach, as_json=as_json))


app.command()(new)


@app.command()
def save(
    name: Name,
    no_start: Annotated[bool, typer.Option("--no-start", help="Hold it: nothing starts by itself.")] = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Don't follow the run that saving starts.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take a job as its file says it; it starts at once unless its schedule is manual or in the future.

    A gateway that serves reads its configuration anew. `every` of the schedule counts from now on.
    """
    from gateway.cli.job_save import Saved, save_job

    save_job(Saved(job=name, start=not no_start, detach=detach, as_json=as_json))


Run = Annotated[int, typer.Argument(metavar="RUN", help="The number of a run: gateway job runs.")]
At = Annotated[str | None, typer.Option("--destination", help="Only this destination.")]


@app.command()
def restart(
    run: Run,
    destination: Annotated[
        str | None, typer.Option(help="Only this one begins anew, in the same run; a run that is over is completed.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Don't follow the run.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the job of a run that is over again, with a fresh look at its source; or begin one destination anew.

    A run without a gateway that serves is followed in any case.

    Exit codes are those of `gateway job start`.
    """
    from gateway.cli.job_steering import Word, steer

    steer(Word(kind="job_restart", run=run, destination=destination, follow=not detach, as_json=as_json))


@app.command()
def pause(run: Run, as_json: JsonOption = False) -> None:
    """Hold a run: what is half sent stays, and is gone on with."""
    from gateway.cli.job_steering import Word, steer

    steer(Word(kind="job_pause", run=run, as_json=as_json))


@app.command()
def resume(run: Run, as_json: JsonOption = False) -> None:
    """Go on with a run that is paused, or that was left by a process that ended."""
    from gateway.cli.job_steering import Word, steer

    steer(Word(kind="job_resume", run=run, as_json=as_json))


@app.command()
def stop(run: Run, as_json: JsonOption = False) -> None:
    """End a run as it is: what was delivered stays, after_all and clean-up are not run."""
    from gateway.cli.job_steering import Word, steer

    steer(Word(kind="job_stop", run=run, as_json=as_json))


@app.command()
def approve(run: Run, destination: At = None, as_json: JsonOption = False) -> None:
    """Agree to what a run waits for: to delete more than the limit, or that an after_all which nobody knows of ran."""
    from gateway.cli.job_steering import Word, steer

    steer(Word(kind="job_approve", run=run, destination=destination, as_json=as_json))


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
