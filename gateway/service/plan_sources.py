"""The files that a command of a dry run finds, and what a run would make of each."""

from collections.abc import Mapping, Sequence

from gateway.core.errors import NotThere, PathRefused
from gateway.core.model import Entry
from gateway.endpoints.base import Endpoint
from gateway.language.nodes import Get, Transfer
from gateway.ledger.standing import Standing, standings
from gateway.runner.listing import find_tree
from gateway.runner.run import Run
from gateway.runner.selecting import source_base
from gateway.runner.texts import local_spec
from gateway.transfer.blocking import in_thread
from gateway.transfer.eligible import blocked
from gateway.transfer.lease import Writer, probe_writer
from gateway.transfer.sources import Found, list_sources
from gateway.transfer.stability import Judgement, Verdict

TAKEN = (Verdict.READY, Verdict.HELD_BACK)
"""A run by hand tries what is held back, too."""


class Unasked:
    """A peer that nobody asks: whether a destination is a folder is taken from how it is written."""

    async def stat(self, path: str) -> Entry:
        """Nothing can be seen."""
        raise PathRefused(f"{path}: not asked")


async def sources_of(run: Run, command: Transfer, peer: Endpoint, skipped: list[str]) -> list[Found]:
    """Where it looks; `skipped` hears of names that a pattern leaves out.  Raises NotThere."""
    if isinstance(command, Get):
        if isinstance(peer, Unasked):
            raise NotThere("what a GET would fetch can't be known without asking the peer; leave --offline out")
        return [found async for found in find_tree(run, peer, command.source.value, recurse=command.recurse)]
    spec = local_spec(run, command.source, source_base(run, command), recurse=command.recurse)
    found, is_there = await in_thread(
        spec.folder,
        run.services.clock,
        lambda _: (list(list_sources(spec, skipped.append)), spec.literal is None or spec.literal.exists()),
    )
    if not found and not is_there:
        raise NotThere(f"{command.span}: {command.verb}: {spec.literal} is not there; correct the path in the script")
    return found


async def judged_of(run: Run, number: int, command: Transfer, found: Sequence[Found]) -> Mapping[str, Judgement]:
    """What the ledger and a look at its writers say of each file; whether it rests, only time can tell."""
    paths = [one.path for one in found]
    known = await run.services.ledger.read(lambda connection: standings(connection, run.instance.name, paths))
    by_path: dict[str, list[Standing]] = {}
    for standing in known:
        by_path.setdefault(standing.source, []).append(standing)
    now_ns = run.services.ledger.now_ns()
    writers: Mapping[str, Writer] = {}
    if paths and not isinstance(command, Get):
        writers = await in_thread(paths[0], run.services.clock, lambda _: _writers(paths))
    return {
        one.path: blocked(one.stamp, number, by_path.get(one.path, ()), now_ns=now_ns, only_new=run.instance.only_new)
        or _by_writer(writers.get(one.path))
        for one in found
    }


def _writers(paths: Sequence[str]) -> dict[str, Writer]:
    return {path: probe_writer(path) for path in paths}


def _by_writer(writer: Writer | None) -> Judgement:
    if writer is Writer.HELD:
        return Judgement(Verdict.HELD_OPEN, "a process has it open for writing")
    if writer is Writer.UNREADABLE:
        return Judgement(Verdict.UNREADABLE, "no permission to read it")
    return Judgement(Verdict.READY)
