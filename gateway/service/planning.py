"""What a run of an action would do now: read, never written; a peer is only looked at (`gateway plan`)."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast

from gateway.core.errors import GatewayError, PathRefused
from gateway.endpoints.base import Endpoint
from gateway.language.nodes import Get, LocalCopy, Put, Transfer
from gateway.language.show import show_command
from gateway.ledger.intent import Intent
from gateway.runner.instance import Instance
from gateway.runner.intents import Destination, plan
from gateway.runner.mirroring import surplus
from gateway.runner.run import Run
from gateway.runner.selecting import chosen
from gateway.runner.services import Services
from gateway.runner.zipping import unzip_plan, zip_plan
from gateway.service.dry import along, dry_run
from gateway.service.plan_sources import TAKEN, Unasked, judged_of, sources_of
from gateway.service.planned import Plan, PlannedCommand, PlannedFile
from gateway.transfer.sources import Found
from gateway.transfer.stability import Judgement, Verdict
from gateway.transfer.way import stamp_at

MOST_LOOKS = 200
"""So many final names at most are looked at on the peer."""


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
            files = await _with_target(run, number, command, cast(Endpoint, Unasked()), skipped)
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
    found = await sources_of(run, command, peer, skipped)
    judged = await judged_of(run, number, command, found)
    taken = [one for one in found if judged[one.path].verdict in TAKEN]
    intents = await _intents(run, number, command, taken, peer)
    target = run.services.local if isinstance(command, Get | LocalCopy) else peer
    replaced = await _replaced(target, intents)
    files = [_file(intent, judged, replaced) for intent in intents]
    named = {path for intent in intents for path in _paths(intent)}
    left = [one for one in found if one.path not in named]
    return files + [_left(one, judged[one.path]) for one in left]


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
    if judgement.verdict in TAKEN:
        judgement = Judgement(Verdict.READY, "left for the next run (limit)")
    return PlannedFile(source=one.path, size_bytes=one.stamp.size_bytes, judgement=judgement)
