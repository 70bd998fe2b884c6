"""What a run of an action would do now: read, never written; a peer is only looked at (`gateway plan`)."""

import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, NotThere, PathRefused
from gateway.core.model import Entry
from gateway.endpoints.base import Endpoint
from gateway.endpoints.local import LocalEndpoint
from gateway.endpoints.pool import Pool
from gateway.language.nodes import Get, LocalCopy, Put, Transfer
from gateway.language.show import show_command
from gateway.ledger import Connection, Ledger
from gateway.ledger.database import FILE_NAME
from gateway.ledger.intent import Intent
from gateway.ledger.standing import Standing, standings
from gateway.runner.instance import Instance
from gateway.runner.intents import Destination, plan
from gateway.runner.listing import find_tree
from gateway.runner.mirroring import surplus
from gateway.runner.run import Run
from gateway.runner.selecting import chosen, source_base
from gateway.runner.services import Services
from gateway.runner.texts import local_spec
from gateway.runner.zipping import unzip_plan, zip_plan
from gateway.service.dry import along, dry_run
from gateway.service.engine import configured
from gateway.service.secrets import Secrets
from gateway.transfer.blocking import in_thread
from gateway.transfer.eligible import blocked
from gateway.transfer.lease import Writer, probe_writer
from gateway.transfer.logins import LedgerLogins
from gateway.transfer.sources import Found, list_sources
from gateway.transfer.stability import Judgement, Verdict
from gateway.transfer.way import stamp_at

T = TypeVar("T")
MOST_LOOKS = 200
"""So many final names at most are looked at on the peer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """One file of a command.

    `final` is None where it would not be taken, then `judgement` says why.  `replaces_bytes` is the size of what
    stands under the final name; None: nothing, or not asked.
    """

    source: str
    size_bytes: int
    judgement: Judgement
    final: str | None = None
    mode: str | None = None
    replaces_bytes: int | None = None
    removes_source: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCommand:
    """One command.  `skipped` are names that a pattern leaves out: temporary ones, links, what is no file.

    `deletes` are the names that -MIR deletes at the destination; `refused` says why it would not.
    """

    number: int
    text: str
    transfers: bool
    files: tuple[PlannedFile, ...] = ()
    skipped: tuple[str, ...] = ()
    deletes: tuple[str, ...] = ()
    refused: str | None = None
    error: GatewayError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run of one instance would do, command by command."""

    instance: Instance
    commands: tuple[PlannedCommand, ...] = field(default=())


class _Undone(Exception):
    """Takes back what a dry ledger was asked to write."""


class DryLedger(Ledger):
    """Answers as the ledger would and keeps nothing of it."""

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work`, take it back."""
        results: list[T] = []

        def undone(connection: Connection) -> None:
            results.append(work(connection))
            raise _Undone

        with suppress(_Undone):
            await super().write(undone)
        return results[-1]


@asynccontextmanager
async def dry_services(loaded: Loaded, clock: Clock) -> AsyncIterator[Services]:
    """What a run needs, with a ledger that keeps nothing."""
    async with AsyncExitStack() as stack:
        folder = loaded.state
        if not (folder / FILE_NAME).exists():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-plan-")))
        ledger = DryLedger(folder, clock, reserve_bytes=0)
        await stack.enter_async_context(ledger)
        places, broken = await Secrets(ledger).places(loaded)
        pool = Pool(places, clock, LedgerLogins(ledger), broken=broken)
        local, linked = LocalEndpoint("/"), LocalEndpoint("/", follow_links=True)
        stack.push_async_callback(local.close)
        stack.push_async_callback(linked.close)
        stack.push_async_callback(pool.close)
        yield Services(
            ledger=ledger, pool=pool, clock=clock, local=local, linked=linked, owner=0, configured=configured(loaded)
        )


async def plan_instance(services: Services, instance: Instance, *, offline: bool) -> Plan:
    """Plan every command; one that fails is told, and the next is planned all the same."""
    run = dry_run(services, instance)
    commands: list[PlannedCommand] = []
    for number, command in along(run):
        if not isinstance(command, Transfer):
            commands.append(PlannedCommand(number=number, text=show_command(command), transfers=False))
            continue
        commands.append(await _planned(run, number, command, offline=offline))
    return Plan(instance=instance, commands=tuple(commands))


async def _planned(run: Run, number: int, command: Transfer, *, offline: bool) -> PlannedCommand:
    made = partial(PlannedCommand, number=number, text=show_command(command), transfers=True)
    skipped: list[str] = []
    error: GatewayError | None = None
    files: list[PlannedFile] = []
    mirrored: tuple[tuple[str, ...], str | None] = ((), None)
    try:
        if isinstance(command, LocalCopy):
            files = await _with_target(run, number, command, run.services.local, skipped)
        elif not offline:
            async with run.services.pool.session(run.endpoint) as session:
                files = await _with_target(run, number, command, session, skipped)
                mirrored = await _mirrored(run, command, session)
    except GatewayError as problem:
        error = problem
    if _not_asked(command, error, offline=offline):
        skipped.clear()
        try:
            files = await _with_target(run, number, command, cast(Endpoint, _Unasked()), skipped)
        except GatewayError as problem:
            error = error or problem
    return made(files=tuple(files), skipped=tuple(skipped), deletes=mirrored[0], refused=mirrored[1], error=error)


async def _mirrored(run: Run, command: Transfer, peer: Endpoint) -> tuple[tuple[str, ...], str | None]:
    """What -MIR would delete once the files are there, and why it would not."""
    if not isinstance(command, Put) or not command.mirror:
        return (), None
    found = await surplus(run, command, peer)
    if found is None:
        return (), "the source is empty or gone; -MIR deletes nothing"
    return tuple(found.paths), found.too_many(found.there + found.to_come)


def _not_asked(command: Transfer, error: GatewayError | None, *, offline: bool) -> bool:
    """True if the peer is not to be asked, or can't be: what is known here is told all the same."""
    if isinstance(command, LocalCopy):
        return False
    return offline or (error is not None and error.concerns_endpoint and not isinstance(command, Get))


async def _with_target(
    run: Run, number: int, command: Transfer, peer: Endpoint, skipped: list[str]
) -> list[PlannedFile]:
    found = await _sources(run, command, peer, skipped)
    judged = await _judged(run, number, command, found)
    taken = [one for one in found if judged[one.path].verdict in _TAKEN]
    intents = await _intents(run, number, command, taken, peer)
    target = run.services.local if isinstance(command, Get | LocalCopy) else peer
    replaced = await _replaced(target, intents)
    files = [_file(intent, judged, replaced) for intent in intents]
    named = {path for intent in intents for path in _paths(intent)}
    left = [one for one in found if one.path not in named]
    return files + [_left(one, judged[one.path]) for one in left]


_TAKEN = (Verdict.READY, Verdict.HELD_BACK)
"""A run by hand tries what is held back, too."""


async def _sources(run: Run, command: Transfer, peer: Endpoint, skipped: list[str]) -> list[Found]:
    if isinstance(command, Get):
        if isinstance(peer, _Unasked):
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


async def _judged(run: Run, number: int, command: Transfer, found: Sequence[Found]) -> Mapping[str, Judgement]:
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


async def _intents(
    run: Run, number: int, command: Transfer, taken: Sequence[Found], peer: Endpoint
) -> Sequence[Intent]:
    files = chosen(taken, run.settings)
    if isinstance(command, Get):
        to = Destination(run.services.local, True, str(run.instance.inbox), command.target)
    elif isinstance(command, LocalCopy):
        to = Destination(peer, True, str(run.instance.outbox), command.target)
    else:
        to = Destination(peer, False, run.folder, command.target)
    if isinstance(command, LocalCopy) and command.zip:
        return await zip_plan(run, number, command, files, to)
    if isinstance(command, LocalCopy) and command.unzip:
        return await unzip_plan(run, number, command, files, to)
    return [one.intent for one in await plan(run, number, command, files, to, of=len(files))]


def _paths(intent: Intent) -> list[str]:
    return [member.path for member in intent.zip.members] if intent.zip is not None else [intent.source]


async def _replaced(target: Endpoint, intents: Sequence[Intent]) -> Mapping[str, int]:
    """The sizes of what stands under final names now."""
    found: dict[str, int] = {}
    for intent in intents[:MOST_LOOKS]:
        try:
            stamp = None if intent.unzip is not None else await stamp_at(target, intent.final)
        except PathRefused:
            continue  # a drop folder lets nobody look
        if stamp is not None:
            found[intent.final] = stamp.size_bytes
    return found


def _file(intent: Intent, judged: Mapping[str, Judgement], replaced: Mapping[str, int]) -> PlannedFile:
    members = _paths(intent)
    size = sum(one.stamp.size_bytes for one in intent.zip.members) if intent.zip else intent.stamp.size_bytes
    return PlannedFile(
        source=intent.source if len(members) == 1 else f"{len(members)} files: {', '.join(members[:5])}",
        size_bytes=size,
        judgement=judged[intent.source],
        final=f"{intent.place}:{intent.final}" if intent.place else intent.final,
        mode=intent.mode.value,
        replaces_bytes=replaced.get(intent.final),
        removes_source=intent.remove_source,
    )


def _left(one: Found, judgement: Judgement) -> PlannedFile:
    """Not taken, or left for the next run by `limit`."""
    if judgement.verdict in _TAKEN:
        judgement = Judgement(Verdict.READY, "left for the next run (limit)")
    return PlannedFile(source=one.path, size_bytes=one.stamp.size_bytes, judgement=judgement)


class _Unasked:
    """A peer that nobody asks: whether a destination is a folder is taken from how it is written."""

    async def stat(self, path: str) -> Entry:
        """Nothing can be seen."""
        raise PathRefused(f"{path}: not asked")
