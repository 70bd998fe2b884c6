"""The local commands of a reaction: $LCOPY, $LDELETE, $LREPLACE.  Their paths start at the gateway's root."""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from gateway.core.errors import GatewayError, NeedsOperator, NotThere
from gateway.language.age import meets
from gateway.language.nodes import LocalCopy, LocalDelete, LocalReplace, Taken, Text
from gateway.runner.instance import Instance
from gateway.runner.local_files import delete_local, read_operand, replace_in_file
from gateway.runner.services import Services
from gateway.runner.targets import Target, final_name
from gateway.runner.texts import expanded_path
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
) -> str:
    """Run one; returns what it did.  Raises GatewayError."""
    spec = _spec(instance, command.path if not isinstance(command, LocalCopy) else command.source, values)
    found = await asyncio.to_thread(_list, spec)
    if not found and spec.literal is not None:
        raise NotThere(f"{command.verb}: {spec.literal} is not there; somebody else may have taken it")
    match command:
        case LocalCopy():
            return await _copy(services, instance, command, found, values)
        case LocalDelete(age=age):
            now, zone = services.clock.now(), instance.zone
            deleted = await asyncio.to_thread(
                delete_local, spec, lambda one: age is None or meets(age, one.stamp.mtime_ns or 0, now, zone)
            )
            return f"deleted {len(deleted)} files"
        case LocalReplace(old=old, new=new):
            operands = [read_operand(text.value) for text in (old, new)]
            counts = [await asyncio.to_thread(replace_in_file, Path(one.path), *operands) for one in found]
            return f"{sum(counts)} replaced in {len(found)} files"


def _list(spec: SourceSpec) -> list[Found]:
    return list(list_sources(spec))


def _spec(instance: Instance, text: Text, values: Mapping[str, str]) -> SourceSpec:
    return source_spec(
        text.value,
        instance.root,
        values=values,
        ignore_case=instance.ignore_case,
        follow_links=instance.follow_links,
    )


async def _copy(
    services: Services, instance: Instance, command: LocalCopy, found: list[Found], values: Mapping[str, str]
) -> str:
    if command.zip or command.unzip:
        raise NeedsOperator("$LCOPY -ZIP and -UNZ can't be reactions; write an action of its own with @endpoint none")
    first: GatewayError | None = None
    for one in found:
        try:
            await _copy_one(services, instance, command, one, values)
        except GatewayError as error:
            first = first or error
    if first is not None:
        raise first
    return f"copied {len(found)} files"


async def _copy_one(
    services: Services, instance: Instance, command: LocalCopy, one: Found, values: Mapping[str, str]
) -> None:
    written = expanded_path(command.target.value if command.target is not None else "", values)
    path = instance.root / written
    target = Target(str(path), written.endswith("/") or await asyncio.to_thread(path.is_dir))
    default = Taken.HOLD if command.delete else Taken.REPLACE
    intent = Intent(
        action=instance.name,
        command=_IN_REACTION,
        verb=command.verb,
        endpoint="",
        place="",
        source=one.path,
        stamp=one.stamp,
        final=final_name(one, target),
        mode=Taken.UNIQUE if command.unique else Taken.APPEND if command.append else default,
        remove_source=command.delete,
        mtime_ns=one.stamp.mtime_ns,
        make_dirs=True,
    )
    send = partial(deliver, ledger=services.ledger, clock=services.clock, owner=services.owner)
    outcome = await send(intent, services.local, services.local)
    if isinstance(outcome, Held):
        raise NeedsOperator(outcome.reason)
