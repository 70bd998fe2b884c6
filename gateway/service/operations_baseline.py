"""`gateway baseline`: what is there now counts as delivered, for commands with -NEW."""

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from gateway.core.errors import Refused
from gateway.language.nodes import Get, Transfer
from gateway.ledger.seen import Seen, mark_seen
from gateway.runner.instance import Instance
from gateway.runner.listing import find_tree
from gateway.runner.run import Run
from gateway.runner.selecting import source_base
from gateway.runner.texts import local_spec
from gateway.service.dry import along, dry_run
from gateway.service.near_names import action_names, unknown
from gateway.service.operations import Gateway, Said
from gateway.service.targets import require_instances
from gateway.transfer.blocking import in_thread
from gateway.transfer.hanging import Pulse
from gateway.transfer.sources import list_sources

SHOWN = 20


async def baseline(gateway: Gateway, action: str, *, dry: bool) -> Said:
    """Mark what the -NEW commands of an action find now; `dry` only counts.

    Raises Unknown, which names jobs and channels, too: `gateway baseline` takes all three; Refused if no command
    has -NEW.
    """
    engine = gateway.engine
    known = {*action_names(engine.actions, action), *engine.jobs.jobs.jobs, *engine.channels.channels.channels}
    if action not in known:
        raise unknown("action, job or channel", action, known)
    instances = require_instances(engine.loaded, engine.actions, action)
    if not any(isinstance(command, Transfer) and command.new for command in instances[0].action.commands):
        raise Refused(
            f"{action}: no command has -NEW, so nothing of it is remembered as delivered; "
            "add -NEW, or use `gateway skip FILE` for single files"
        )
    lines: list[str] = []
    total = 0
    for instance in instances:
        found = await _of_instance(gateway, instance)
        if not dry:
            await _mark(gateway, instance, found)
        total += len(found)
        lines += _lines(instance, found, dry=dry)
    gateway.refresh(*(instance.name for instance in instances))
    return Said(tuple(lines), facts={"action": action, "files": total, "dry_run": dry})


async def _of_instance(gateway: Gateway, instance: Instance) -> list[Seen]:
    run = dry_run(gateway.engine.runner.services, instance)
    found: dict[str, Seen] = {}
    for _, command in along(run):
        if isinstance(command, Transfer) and command.new:
            found |= {one.source: one for one in await _present(run, command)}
    return list(found.values())


async def _present(run: Run, command: Transfer) -> list[Seen]:
    if isinstance(command, Get):
        async with run.services.pool.session(run.endpoint) as peer:
            tree = find_tree(run, peer, command.source.value, recurse=command.recurse)
            return [Seen(one.path, one.stamp) async for one in tree]
    spec = local_spec(run, command.source, source_base(run, command), recurse=command.recurse)
    clock = run.services.clock
    return await in_thread(spec.folder, clock, lambda _: [Seen(one.path, one.stamp) for one in list_sources(spec)])


async def _mark(gateway: Gateway, instance: Instance, found: Sequence[Seen]) -> None:
    """With content: a file that only moves to another disk is known there, too."""
    clock = gateway.engine.clock
    hashed = await in_thread(instance.outbox, clock, lambda pulse: [_hashed(one, pulse) for one in found])
    at = gateway.engine.ledger.now_ns()
    await gateway.engine.ledger.write(partial(mark_seen, action=instance.name, files=hashed, at=at))


def _hashed(one: Seen, pulse: Pulse) -> Seen:
    """Remote files are known by size and time only."""
    pulse.beat(one.source)
    try:
        with Path(one.source).open("rb") as file:
            if Path(one.source).is_absolute() and one.stamp.inode:
                return Seen(one.source, one.stamp, hashlib.file_digest(file, "sha256").hexdigest())
    except OSError:
        pass
    return one


def _lines(instance: Instance, found: Sequence[Seen], *, dry: bool) -> list[str]:
    does = "would count" if dry else "count"
    files = f"{len(found)} file{'s' if len(found) != 1 else ''}"
    more = [f"  and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return [f"{instance.name}: {files} {does} as delivered", *(f"  {one.source}" for one in found[:SHOWN]), *more]
