"""What a person can ask of jobs and their runs; each answer says what was done, and what to do next."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from gateway.jobs.clockwork import Clockwork
from gateway.jobs.engine import JobEngine
from gateway.jobs.left_behind import left_behind
from gateway.jobs.starting import Start
from gateway.ledger import job_destinations, job_runs
from gateway.ledger.job_destinations import PlaceRow
from gateway.ledger.job_states import JobState, PlaceState
from gateway.service.desk import Answer, Handler
from gateway.service.operations import Gateway, Said

Arguments = Mapping[str, Any]


def job_handlers(gateway: Gateway) -> Mapping[str, Handler]:
    """By kind."""
    return {
        "job_start": lambda arguments: start(gateway.engine.jobs, arguments),
        "job_save": lambda arguments: save(gateway, arguments),
        "job_restart": lambda arguments: _said(restart(gateway.engine.jobs, arguments)),
        "job_pause": lambda arguments: _said(pause(gateway.engine.jobs, arguments)),
        "job_resume": lambda arguments: _said(resume(gateway.engine.jobs, arguments)),
        "job_stop": lambda arguments: _said(stop(gateway.engine.jobs, arguments)),
        "job_approve": lambda arguments: _said(approve(gateway.engine.jobs, arguments)),
    }


async def _said(work: Awaitable[Said]) -> Answer:
    return (await work).answer()


async def start(jobs: JobEngine, arguments: Arguments) -> Answer:
    """A run of a job, by hand."""
    asked = Start(
        by=arguments.get("by"), priority=arguments.get("priority"), rehash=bool(arguments.get("rehash", False))
    )
    return {"run": await jobs.start(str(arguments["job"]), asked)}


async def save(gateway: Gateway, arguments: Arguments, reload: Callable[[], Awaitable[object]] | None = None) -> Answer:
    """The job as its file says it now holds; it is started if its schedule says so, and nobody says otherwise."""
    if reload is not None:
        await reload()
    starts = bool(arguments.get("start", True))
    clockwork = Clockwork(gateway.engine.jobs)
    return {"run": await clockwork.save(str(arguments["job"]), by=arguments.get("by"), start=starts)}


async def restart(jobs: JobEngine, arguments: Arguments) -> Said:
    """An ended run again, or one destination of a run."""
    run, to = int(arguments["run"]), arguments.get("destination")
    found = await jobs.restart(run, to, by=arguments.get("by"))
    if to is None:
        return Said((f"run {found} is started, again after run {run}",), facts={"run": found})
    places = await jobs.services.ledger.read(partial(job_destinations.of_run, run=found))
    return Said((f"run {found}: {to} begins anew", *_left_out(found, places)), facts={"run": found})


def _left_out(run: int, places: Sequence[PlaceRow]) -> Iterator[str]:
    """Who was given up and is not brought back: one is asked for at a time."""
    names = [one.endpoint for one in places if one.state is PlaceState.ABORTED]
    if names:
        more = f" and {len(names) - 1} more" if names[1:] else ""
        yield (
            f"{names[0]}{more} stay{'' if more else 's'} aborted; "
            f"gateway job restart {run} --destination {names[0]} brings it back, too"
        )


async def pause(jobs: JobEngine, arguments: Arguments) -> Said:
    """Hold a run."""
    run = int(arguments["run"])
    await jobs.pause(run, str(arguments.get("by") or ""))
    return Said((f"run {run} is paused; gateway job resume {run} goes on",), facts={"run": run})


async def resume(jobs: JobEngine, arguments: Arguments) -> Said:
    """Go on with a run."""
    run = int(arguments["run"])
    row = await jobs.services.ledger.read(partial(job_runs.get, found=run))
    if row is None or row.terminal or row.state is JobState.PAUSED:
        await jobs.resume(run)
    await jobs.adopt()  # one that a process left when it died was never paused
    return Said((f"run {run} goes on",), facts={"run": run})


async def stop(jobs: JobEngine, arguments: Arguments) -> Said:
    """End a run as it is."""
    run = int(arguments["run"])
    await jobs.stop(run, str(arguments.get("by") or ""))
    said = f"run {run} is stopped: what was delivered stays; gateway job restart {run} begins again"
    places = await jobs.services.ledger.read(partial(job_destinations.of_run, run=run))
    kept = await jobs.services.ledger.read(lambda connection: tuple(left_behind(connection, places)))
    return Said((said, *(f"kept: {one}" for one in kept)), facts={"run": run})


async def approve(jobs: JobEngine, arguments: Arguments) -> Said:
    """A person agrees to what waits for it."""
    run, to = int(arguments["run"]), arguments.get("destination")
    await jobs.approve(run, to)
    return Said((f"run {run}: approved{f' at {to}' if to else ''}, it goes on",), facts={"run": run})
