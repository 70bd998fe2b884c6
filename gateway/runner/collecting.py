"""GET: from a peer into the inbox.

A remote file is taken when two listings at least `stable_for` apart agree on size and time; the first sight is kept
in the ledger from run to run (SPEC §6).
"""

from collections.abc import Mapping
from functools import partial

from gateway.core.errors import NotThere
from gateway.core.model import Stamp
from gateway.endpoints.base import Endpoint
from gateway.language.nodes import Get
from gateway.language.settings import Empty, Stability
from gateway.ledger import runs, seen
from gateway.ledger.runs import FrozenFile
from gateway.runner.carrying import Carrying
from gateway.runner.intents import Destination, plan
from gateway.runner.interrupted import begun, work_of
from gateway.runner.jobs import Ends
from gateway.runner.listing import find_tree
from gateway.runner.retrying import asked
from gateway.runner.run import Run
from gateway.runner.selecting import NOT_JUDGED, freeze, note_left_out, takeable
from gateway.runner.sending import lanes, width
from gateway.transfer.sources import Found
from gateway.transfer.stability import UNPROVED_S


async def get(run: Run, number: int, command: Get) -> None:
    """GET: endpoint to inbox."""
    files = await remote_files(run, number, command)
    if not files:
        return
    rows = await begun(run, number)
    to = Destination(run.services.local, True, str(run.instance.inbox), command.target)
    new = [file for file in files if file.source not in rows]
    intents = [one.intent for one in await plan(run, number, command, new, to, of=len(files))]
    ends = Ends(source=lambda lane: lane.endpoint, target=lambda _: run.services.local)
    await Carrying(run, number, command, ends).carry(work_of(intents, rows), lanes(run), width(run))


async def remote_files(run: Run, number: int, command: Get) -> tuple[FrozenFile, ...]:
    """The frozen list of a GET.  Raises NotThere if a literal name is not there."""
    if run.resumed == number:
        frozen = await run.services.ledger.read(partial(runs.frozen, found=run.id, command=number))
        if frozen:
            return frozen
    found = await _stable(run, number, command)
    note = NOT_JUDGED if run.due.skip_wait else None
    return await freeze(run, number, await takeable(run, number, command, found), note)


async def _stable(run: Run, number: int, command: Get) -> list[Found]:
    """List until all is stable or `wait_stable` is over; what is left then is named."""
    clock, settings = run.services.clock, run.settings
    end_s = clock.monotonic() + settings.wait_stable.total_seconds()
    while True:
        left_out: list[str] = []
        listing = await _list(run, command, left_out)
        since = await _sighted(run, number, listing)
        now_ns = run.services.ledger.now_ns()
        waits = {path: wait_s for path, at in since.items() if (wait_s := _wait_s(run, listing[path], now_ns - at)) > 0}
        left_s = end_s - clock.monotonic()
        if not waits or min(waits.values()) > left_s:
            break
        await run.wait(min(waits.values()) + 0.05)
    if command.recurse:
        note_left_out(run, number, left_out)
    if waits:
        names = ", ".join(sorted(listing[path].relative for path in waits))
        run.notes.append(f"command {number}: seen for too short a time, left for the next run: {names}")
    return [found for path, found in listing.items() if path not in waits and _wanted(run, found)]


async def _list(run: Run, command: Get, left_out: list[str]) -> dict[str, Found]:
    async def listed(peer: Endpoint) -> dict[str, Found]:
        left_out.clear()
        tree = find_tree(run, peer, command.source.value, recurse=command.recurse, left_out=left_out.append)
        return {found.path: found async for found in tree}

    try:
        return await asked(run, listed)
    except NotThere as error:
        raise NotThere(f"{command.span}: GET: {error}") from error


async def _sighted(run: Run, number: int, listing: Mapping[str, Found]) -> Mapping[str, int]:
    """Since when each file has been seen as it is (nanoseconds since the epoch)."""
    stamps: dict[str, Stamp] = {path: found.stamp for path, found in listing.items()}
    ledger = run.services.ledger
    note = partial(seen.sight, action=run.instance.name, command=number, listing=stamps, at=ledger.now_ns())
    return await ledger.write(note)


def _wait_s(run: Run, found: Found, seen_for_ns: int) -> float:
    """How much longer `found` must stay as it is; 0 if it may be taken."""
    settings = run.settings
    if settings.stability is Stability.NONE or run.due.skip_wait:
        return 0.0
    needed_s = (
        run.services.configured.stable_for_s if settings.stable_for is None else settings.stable_for.total_seconds()
    )
    needed_s = UNPROVED_S if needed_s is None else needed_s
    if found.stamp.size_bytes == 0 and settings.empty is Empty.SEND:
        needed_s = max(needed_s, settings.empty_after.total_seconds())
    return max(0.0, needed_s - seen_for_ns / 1e9)


def _wanted(run: Run, found: Found) -> bool:
    return found.stamp.size_bytes > 0 or run.settings.empty is Empty.SEND
