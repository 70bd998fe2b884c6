"""`gateway job start`: a run of a job, here or in the gateway that serves, followed to its end."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

import typer

from gateway.cli.doing import GoesOn, do, tell, waiting_for
from gateway.cli.job_alone import answering, nobody_works, spawn
from gateway.cli.job_following import Watch, follow, report_of
from gateway.cli.job_run_show import print_places, run_lines
from gateway.cli.output import print_json
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.users import who_am_i
from gateway.jobs.report import Report, run_fields
from gateway.ledger import job_runs
from gateway.ledger.job_states import HAS_EVERYTHING, JobState
from gateway.service.failures import exit_code_of
from gateway.service.reading import SERVE
from gateway.service.talking import JOB_WORK, Here, Talk, talk

PATIENT_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A start as a person asks for it."""

    job: str
    priority: int | None = None
    rehash: bool = False
    detach: bool = False
    as_json: bool = False

    def arguments(self) -> dict[str, Any]:
        """As it travels between processes."""
        return {"job": self.job, "priority": self.priority, "rehash": self.rehash, "by": who_am_i()}

    def words(self) -> list[str]:
        """The command that does the same in a process of its own."""
        priority = ["--priority", str(self.priority)] if self.priority is not None else []
        return ["job", "start", self.job, *priority, *(["--rehash"] if self.rehash else [])]


def start_job(asked: Asked) -> None:
    """Start it; the exit code says how it ended, or that it began."""
    loaded, report, now = do(partial(_start, asked=asked), asks=True)
    end(report, loaded, now, as_json=asked.as_json, detached=asked.detach)


async def _start(loaded: Loaded, clock: Clock, asked: Asked) -> tuple[Loaded, Report, int]:
    if asked.detach and await nobody_works(loaded):
        report = await spawn(loaded, clock, asked.words())
        return loaded, report, 0
    async with working(loaded, clock) as talking:
        run = await _begun(talking, asked)
        watch = Watch(talking.ledger, clock, loaded.zone(), quiet=asked.as_json)
        report = await followed(talking, watch, run, detach=asked.detach)
        return loaded, report, talking.ledger.now_ns()


def working(loaded: Loaded, clock: Clock) -> Any:
    """Ask whoever works on jobs now; nobody: it is this process."""
    return talk(loaded, clock, JOB_WORK, patience_s=PATIENT_S, waiting=waiting_for, beside=(SERVE, JOB_WORK))


async def _begun(talking: Talk, asked: Asked) -> int:
    """The run; one that a process left when it died is gone on with instead, where nobody else does that."""
    left = await talking.ledger.read(partial(job_runs.live_of, job=asked.job)) if isinstance(talking, Here) else None
    if left is not None:
        tell(f"{asked.job}: run {left} was interrupted; it goes on")
        return left
    answer = await talking.ask("job_start", asked.arguments())
    return int(answer["run"])


async def followed(talking: Talk, watch: Watch, run: int, *, detach: bool = False) -> Report:
    """The run at its end, or as it began; where this process works on it, it also answers what is asked of jobs."""
    if isinstance(talking, Here):
        async with answering(talking.engine):
            return await _to_its_end(talking, watch, run)
    return await report_of(watch.ledger, run) if detach else await _to_its_end(talking, watch, run)


async def _to_its_end(talking: Talk, watch: Watch, run: int) -> Report:
    try:
        return await follow(watch, run, talking.engine.jobs.over(run) if isinstance(talking, Here) else None)
    except asyncio.CancelledError:
        if talking.served_by is not None:
            tell(f"run {run} goes on in `gateway {talking.served_by.what}`; gateway job show {run} shows it")
        else:
            tell(f"run {run} rests where it is; `gateway serve` or `gateway job resume {run}` goes on with it")
        raise GoesOn from None


def end(report: Report, loaded: Loaded, now: int, *, as_json: bool, detached: bool = False) -> None:
    """Print what became of it and end with its exit code."""
    if as_json:
        print_json(run_fields(report))
    elif detached and not report.run.terminal:
        typer.echo(f"run {report.run.id} of {report.run.job} is started; gateway job show {report.run.id} follows it")
    else:
        for line in run_lines(report, loaded, now):
            typer.echo(line)
        print_places(report, loaded)
    raise typer.Exit(0 if detached and not report.run.terminal else exit_code(report))


def exit_code(report: Report) -> int:
    """0 for a run that is finished; else the code of what kept it from that, where all agree on one."""
    run = report.run
    if run.state is JobState.FINISHED:
        return 0
    lacking = [one.row for one in report.places if one.row.state not in HAS_EVERYTHING]
    codes = {exit_code_of(row.error_class) for row in lacking}
    if run.state is JobState.FINISHED_WITH_ERRORS and len(codes) == 1:
        return codes.pop()
    return exit_code_of(run.error_class)
