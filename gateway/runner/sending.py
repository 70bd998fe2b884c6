"""PUT, PUT+GET and LCOPY: from this machine to a peer, or to this machine."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from gateway.endpoints.base import Endpoint
from gateway.endpoints.lane import Lane, LocalLane
from gateway.language.nodes import LocalCopy, Put, PutGet
from gateway.ledger.runs import FrozenFile
from gateway.runner.answers import Requests
from gateway.runner.carrying import Carrying, Lanes
from gateway.runner.differing import only_different
from gateway.runner.intents import Destination, Planned, plan
from gateway.runner.interrupted import Work, begun, work_of
from gateway.runner.jobs import Ends
from gateway.runner.mirroring import delete_extra
from gateway.runner.retrying import asked
from gateway.runner.run import Run
from gateway.runner.selecting import local_files
from gateway.runner.zipping import unzip_plan, zip_plan

LOCAL_WIDTH = 4
"""Local copies side by side: disks gain little from more."""


async def put(run: Run, number: int, command: Put) -> None:
    """PUT: outbox to endpoint."""
    files = await local_files(run, number, command)
    if files:
        work = await _put_work(run, number, command, files)
        if command.differ:
            work = await only_different(run, number, command, work)
        await Carrying(run, number, command, sending_ends(run)).carry(work, lanes(run), width(run))
    if command.mirror:
        await delete_extra(run, number, command)


async def put_get(run: Run, number: int, command: PutGet) -> None:
    """PUT+GET: every request is put; the answers are awaited by the service, each with its own deadline."""
    files = await local_files(run, number, command)
    if not files:
        return
    requests = Requests(run, command)
    rows = await begun(run, number)
    new = [file for file in files if file.source not in rows]
    intents = await requests.prepare(await _put_plan(run, number, command, new, len(files))) if new else []
    carrying = Carrying(run, number, command, sending_ends(run), intended=requests.noted)
    await carrying.carry(work_of(intents, rows), lanes(run), width(run))


async def copy(run: Run, number: int, command: LocalCopy) -> None:
    """LCOPY: this machine to this machine, with the same promise as a PUT."""
    files = await local_files(run, number, command)
    if not files:
        return
    rows = await begun(run, number)
    to = Destination(run.services.local, True, str(run.instance.outbox), command.target)
    if command.zip:
        intents = await zip_plan(run, number, command, files, to)
    elif command.unzip:
        intents = await unzip_plan(run, number, command, files, to)
    else:
        new = [file for file in files if file.source not in rows]
        intents = [one.intent for one in await plan(run, number, command, new, to, of=len(files))]
    await Carrying(run, number, command, copying_ends(run)).carry(work_of(intents, rows), local_lanes(run), LOCAL_WIDTH)


async def _put_work(run: Run, number: int, command: Put, files: Sequence[FrozenFile]) -> Work:
    rows = await begun(run, number)
    new = [file for file in files if file.source not in rows]
    planned = await _put_plan(run, number, command, new, len(files)) if new else []
    return work_of([one.intent for one in planned], rows)


async def _put_plan(
    run: Run, number: int, command: Put | PutGet, files: Sequence[FrozenFile], of: int
) -> list[Planned]:
    """Plan on a session of its own: what the peer shows decides what a destination means."""

    async def planned(peer: Endpoint) -> list[Planned]:
        return await plan(run, number, command, files, Destination(peer, False, run.folder, command.target), of=of)

    return await asked(run, planned)


def own_sources(run: Run) -> Endpoint:
    """This machine's disks, links followed where the run's endpoint says so."""
    return run.services.sources(follow_links=run.instance.follow_links)


def copying_ends(run: Run) -> Ends:
    """Both ends of an LCOPY."""
    return Ends(source=lambda _: own_sources(run), target=lambda _: run.services.local)


def sending_ends(run: Run) -> Ends:
    """Both ends of a PUT."""
    return Ends(source=lambda _: own_sources(run), target=lambda lane: lane.endpoint)


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
