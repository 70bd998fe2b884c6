"""The last step of `gateway job new`: what it will be, and whether saving starts it."""

import re
from collections.abc import Sequence
from datetime import datetime

import typer

from gateway.cli.job_ask import Cancelled, ask_choice, ask_number, ask_yes, tell
from gateway.cli.job_draft import Draft, text_of
from gateway.cli.job_judge import judge
from gateway.cli.job_said import by_steps
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.jobs.model import Job, Repeat
from gateway.jobs.schedule import next_start, starts_on_save
from gateway.jobs.schedule_text import show_schedule
from gateway.jobs.starting import clocks_of


class Mend(Exception):
    """A step must be answered otherwise."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step


def review(loaded: Loaded, clock: Clock, draft: Draft) -> bool:
    """The file, notes and findings; True if saving may start it.  Raises Mend, Cancelled."""
    judged = judge(loaded, draft, by_steps)
    typer.echo("")
    for line in text_of(draft).splitlines():
        typer.echo(f"  {line}")
    typer.echo("")
    for one in judged.warnings:
        tell(f"note: {one}")
    if judged.job is None or judged.errors:
        for one in judged.errors:
            tell(f"it can't run: {one}")
        step = ask_number("Which step is to be answered otherwise", _step_of(judged.errors), 1, 7)
        raise Mend(step - 1)
    count = len(judged.job.destinations)
    tell(f"{count} destination{'' if count == 1 else 's'}; schedule: {show_schedule(judged.job.schedule)}")
    return _last_question(judged.loaded, clock, judged.job)


def _step_of(errors: Sequence[str]) -> int:
    """The first that an error names."""
    found = (re.match(r"step (\d)", one) for one in errors)
    return next((int(one[1]) for one in found if one is not None), 4)


def _last_question(loaded: Loaded, clock: Clock, job: Job) -> bool:
    now = clock.now()
    if starts_on_save(job.schedule, now, clocks_of(loaded, job, now)):
        tell("Saving STARTS the job at once; hold saves it, and nothing starts by itself.")
        said = ask_choice("Save", ("start", "hold", "cancel"), "start")
    else:
        tell(f"Saving does not start the job; {_starts(loaded, job, now)}.")
        said = "start" if ask_yes("Save", default=True) else "cancel"
    if said == "cancel":
        raise Cancelled
    return said == "start"


def _starts(loaded: Loaded, job: Job, now: datetime) -> str:
    if next_start(job.schedule, now, clocks_of(loaded, job, now)) is not None:
        return "it starts when its time comes"
    over = "" if job.schedule.repeat is Repeat.MANUAL else "no time of its schedule is left: "
    return f"{over}it starts with gateway job start {job.name}"
