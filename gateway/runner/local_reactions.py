"""The local commands of a reaction: $LCOPY, $LDELETE, $LREPLACE.  Their paths start at the gateway's root."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from gateway.core.errors import GatewayError, NeedsOperator, NotThere
from gateway.language.age import meets
from gateway.language.nodes import LocalCopy, LocalDelete, LocalReplace, Taken
from gateway.runner.instance import Instance
from gateway.runner.local_files import delete_local, read_operand, replace_in_file
from gateway.runner.services import Services
from gateway.runner.targets import final_name, require_no_collision
from gateway.runner.texts import expanded_path
from gateway.transfer.blocking import in_thread
from gateway.transfer.deliver import deliver
from gateway.transfer.intent import Held, Intent
from gateway.transfer.sources import Found, SourceSpec, list_sources, source_spec

_IN_REACTION = 0
"""The command number of a delivery that a reaction makes."""


async def run_local(
    services: Services,
    instance: Instance,
    command: LocalCopy | LocalDelete | LocalReplace,
    values: Mapping[str, str],
    *,
    again: bool,
) -> str:
    """Run one; returns what it did.  Raises GatewayError.

    `again`: an earlier attempt may have done it, and a file that it should have taken away may be gone.
    """
    spec = _spec(instance, command, values)
    work = partial(in_thread, spec.folder, services.clock)
    found = await work(lambda _: _list(spec))
    if found is None:
        takes = isinstance(command, LocalDelete) or (isinstance(command, LocalCopy) and command.delete)
        if again and takes:
            return f"{spec.literal} is gone; an earlier attempt took it"
        raise NotThere(f"{command.verb}: {spec.literal} is not there; somebody else may have taken it")
    match command:
        case LocalCopy():
            return await _copy(services, instance, command, found, values)
        case LocalDelete(age=age):
            now, zone = services.clock.now(), instance.zone
            deleted = await work(
                lambda pulse: delete_local(
                    spec, lambda one: age is None or meets(age, one.stamp.mtime_ns or 0, now, zone), pulse.beat
                )
            )
            return f"deleted {len(deleted)} files"
        case LocalReplace(old=old, new=new):
            before, after = read_operand(old.value), read_operand(new.value)
            count = await work(
                lambda pulse: sum(replace_in_file(Path(one.path), before, after, pulse.beat) for one in found)
            )
            return f"{count} replaced in {len(found)} files"


def _list(spec: SourceSpec) -> list[Found] | None:
    """What it means; None where the one path that it names is not there."""
    found = list(list_sources(spec))
    return None if not found and spec.literal is not None and not spec.literal.is_dir() else found


def _spec(instance: Instance, command: LocalCopy | LocalDelete | LocalReplace, values: Mapping[str, str]) -> SourceSpec:
    return source_spec(
        command.source.value if isinstance(command, LocalCopy) else command.path.value,
        instance.root,
        values=values,
        recurse=not isinstance(command, LocalReplace) and command.recurse,
        ignore_case=instance.ignore_case,
        follow_links=instance.follow_links,
    )


async def _copy(
    services: Services, instance: Instance, command: LocalCopy, found: list[Found], values: Mapping[str, str]
) -> str:
    if command.zip or command.unzip:
        raise NeedsOperator("$LCOPY -ZIP and -UNZ can't be reactions; write an action of its own with @endpoint none")
    written = expanded_path(command.target.value if command.target is not None else "", values)
    path = str(instance.root / written)
    is_folder = written.endswith("/") or await in_thread(path, services.clock, lambda _: os.path.isdir(path))
    finals = {one.path: final_name(one.relative, path, is_folder=is_folder) for one in found}
    if not command.unique and not command.append:
        require_no_collision("$LCOPY", finals)
    first: GatewayError | None = None
    for one in found:
        try:
            await _copy_one(services, instance, command, one, finals[one.path])
        except GatewayError as error:
            first = first or error
    if first is not None:
        raise first
    return f"copied {len(found)} files"


async def _copy_one(services: Services, instance: Instance, command: LocalCopy, one: Found, final: str) -> None:
    default = Taken.HOLD if command.delete else Taken.REPLACE
    intent = Intent(
        action=instance.name,
        command=_IN_REACTION,
        verb=command.verb,
        endpoint="",
        place="",
        source=one.path,
        stamp=one.stamp,
        final=final,
        mode=Taken.UNIQUE if command.unique else Taken.APPEND if command.append else default,
        remove_source=command.delete,
        mtime_ns=one.stamp.mtime_ns,
        make_dirs=True,
    )
    send = partial(deliver, ledger=services.ledger, clock=services.clock, owner=services.owner)
    outcome = await send(intent, services.sources(follow_links=instance.follow_links), services.local)
    if isinstance(outcome, Held):
        raise NeedsOperator(outcome.reason)
