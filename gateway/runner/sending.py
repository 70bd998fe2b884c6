"""PUT, PUT+GET and LCOPY: from this machine to a peer, or to this machine."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from gateway.endpoints.lane import Lane, LocalLane
from gateway.language.nodes import LocalCopy, Put, PutGet
from gateway.ledger import deliveries
from gateway.ledger.delivery_row import OPEN, DeliveryRow
from gateway.ledger.runs import FrozenFile
from gateway.runner.answers import Requests
from gateway.runner.carrying import Carrying, Lanes
from gateway.runner.differing import only_different
from gateway.runner.intents import Destination, plan
from gateway.runner.jobs import Ends, Job
from gateway.runner.mirroring import delete_extra
from gateway.runner.run import Run
from gateway.runner.selecting import local_files
from gateway.runner.zipping import copy_unzip, copy_zip
from gateway.transfer.intent import Intent

LOCAL_WIDTH = 4
"""Local copies side by side: disks gain little from more."""


async def put(run: Run, number: int, command: Put) -> None:
    """PUT: outbox to endpoint."""
    files = await local_files(run, number, command)
    if files:
        jobs = await put_jobs(run, number, command, files)
        if command.differ:
            jobs = await only_different(run, number, jobs)
        await Carrying(run, number, command, sending_ends(run)).carry(jobs, lanes(run), width(run))
    if command.mirror:
        await delete_extra(run, number, command)


async def put_get(run: Run, number: int, command: PutGet) -> None:
    """PUT+GET: every request is put; the answers are awaited by the service, each with its own deadline."""
    files = await local_files(run, number, command)
    if not files:
        return
    requests = Requests(run, command)
    jobs = await requests.prepare(await put_jobs(run, number, command, files))
    carrying = Carrying(run, number, command, sending_ends(run), intended=requests.noted)
    await carrying.carry(jobs, lanes(run), width(run))


async def copy(run: Run, number: int, command: LocalCopy) -> None:
    """LCOPY: this machine to this machine, with the same promise as a PUT."""
    files = await local_files(run, number, command)
    if not files:
        return
    if command.zip:
        await copy_zip(run, number, command, files)
    elif command.unzip:
        await copy_unzip(run, number, command, files)
    else:
        to = Destination(run.services.local, True, str(run.instance.outbox), command.target)
        jobs = await with_interrupted(run, number, await plan(run, number, command, files, to))
        await Carrying(run, number, command, copying_ends(run)).carry(jobs, local_lanes(run), LOCAL_WIDTH)


def copying_ends(run: Run) -> Ends:
    """Both ends of an LCOPY."""
    return Ends(source=lambda _: run.services.local, target=lambda _: run.services.local)


def sending_ends(run: Run) -> Ends:
    """Both ends of a PUT."""
    return Ends(source=lambda _: run.services.local, target=lambda lane: lane.endpoint)


def width(run: Run) -> int:
    """How many files of a command travel side by side: one a session."""
    return run.services.configured.endpoints[run.endpoint].sessions


def lanes(run: Run) -> Lanes:
    """Lanes to the run's endpoint."""
    return partial(run.services.pool.lane, run.endpoint)


def local_lanes(run: Run) -> Lanes:
    """Lanes on this machine's disks."""

    @asynccontextmanager
    async def lane() -> AsyncIterator[Lane]:
        yield LocalLane(run.services.local)

    return lane


async def put_jobs(run: Run, number: int, command: Put | PutGet, files: Sequence[FrozenFile]) -> list[Job]:
    """Plan on a session of its own: what the peer shows decides what a destination means."""
    async with run.services.pool.session(run.endpoint) as peer:
        to = Destination(peer, False, run.folder, command.target)
        intents = await plan(run, number, command, files, to)
    return await with_interrupted(run, number, intents)


async def with_interrupted(run: Run, number: int, intents: Sequence[Intent]) -> list[Job]:
    """What a killed process had begun goes on by its id; what it had ended is not done again."""
    rows: tuple[DeliveryRow, ...] = ()
    if run.resumed == number:
        rows = await run.services.ledger.read(partial(deliveries.of_run, run=run.id, command=number))
    begun = {row.intent.source: row for row in rows}
    jobs: list[Job] = []
    for intent in intents:
        row = begun.get(intent.source)
        if row is None:
            jobs.append(Job(intent.n, intent))
        elif row.state in OPEN:
            jobs.append(Job(intent.n, row.intent, row.id))
    return jobs
