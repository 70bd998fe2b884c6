"""`gateway job save`, and the end of `job new`: the file is written, the job holds, and may start."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import typer

from gateway.cli.doing import do
from gateway.cli.job_alone import nobody_works, spawn
from gateway.cli.job_draft import Draft, text_of
from gateway.cli.job_following import Watch
from gateway.cli.job_start import end, followed, working
from gateway.cli.new_file import make, place_of
from gateway.cli.output import print_json
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.users import who_am_i
from gateway.jobs.model import Repeat
from gateway.jobs.read import read_jobs
from gateway.jobs.report import Report
from gateway.jobs.schedule import next_start
from gateway.jobs.starting import clocks_of
from gateway.service.talking import Here

_FOLDER = "jobs.d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What saving a job is to do."""

    job: str
    start: bool = True
    detach: bool = False
    as_json: bool = False

    def words(self) -> list[str]:
        """The command that does the same in a process of its own."""
        return ["job", "save", self.job, *([] if self.start else ["--no-start"])]


def save_job(saved: Saved) -> None:
    """Take the job as its file says it; it starts where its schedule says so."""
    loaded, report, said, now = do(partial(_save, saved=saved))
    if report is not None:
        end(report, loaded, now, as_json=saved.as_json, detached=saved.detach)
    if saved.as_json:
        print_json({"job": saved.job, "run": None})
    else:
        typer.echo(said)


async def _save(loaded: Loaded, clock: Clock, saved: Saved) -> tuple[Loaded, Report | None, str, int]:
    if saved.detach and saved.start and await nobody_works(loaded):
        return loaded, await spawn(loaded, clock, saved.words()), "", 0
    async with working(loaded, clock) as talking:
        arguments = {"job": saved.job, "start": saved.start, "by": who_am_i()}
        answer = await talking.ask("job_save", arguments)
        run = answer["run"]
        if run is None:
            return loaded, None, _said(loaded, clock, saved, served=not isinstance(talking, Here)), 0
        if not saved.as_json:
            typer.echo(f"{saved.job} is saved, and started: run {run}")
        watch = Watch(talking.ledger, clock, loaded.zone(), quiet=saved.as_json)
        report = await followed(talking, watch, int(run), detach=saved.detach)
        return loaded, report, "", talking.ledger.now_ns()


def _said(loaded: Loaded, clock: Clock, saved: Saved, *, served: bool) -> str:
    if not saved.start:
        return f"{saved.job} is saved and held: nothing starts by itself; gateway job start {saved.job} starts it"
    job, now = read_jobs(loaded).jobs[saved.job], clock.now()
    following = next_start(job.schedule, now, clocks_of(loaded, job, now))
    if following is None:
        over = "" if job.schedule.repeat is Repeat.MANUAL else "no time of its schedule is left; "
        return f"{saved.job} is saved; {over}gateway job start {saved.job} starts it"
    at = following.at.astimezone(loaded.zone())
    serves = "" if served else "; `gateway serve` must run then"
    return f"{saved.job} is saved; it starts at {at:%Y-%m-%d %H:%M}{serves}"


def file_of(loaded: Loaded, name: str) -> Path:
    """Where the job's file belongs.  Raises Refused where there is no such place, or it stands."""
    return place_of(loaded, _FOLDER, name)


def write_job(loaded: Loaded, draft: Draft) -> Path:
    """Write the file; the configuration with it is read anew, and the file is taken back if that can't be."""
    path = file_of(loaded, draft.name)
    make(loaded, path, partial(_write, text=text_of(draft)))
    return path


def _write(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
