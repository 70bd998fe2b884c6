"""`gateway plan`: what a run would do now."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import JsonOption, Row

if TYPE_CHECKING:
    from gateway.config.loaded import Loaded
    from gateway.core.clock import Clock
    from gateway.service.planned import Plan, PlannedCommand, PlannedFile

_SHOWN = 200


def plan(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="An action, or one of its instances.")],
    offline: Annotated[bool, typer.Option("--offline", help="Don't ask the peer what stands there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a run of an action would do now, collisions included. Nothing is written, a peer is only looked at.

    Exit code: that of the first error a command would meet.
    """
    from gateway.cli.doing import do
    from gateway.cli.output import print_json, show_value

    plans = do(partial(_plans, action=action, offline=offline))
    if as_json:
        print_json([row for one in plans for row in _rows(one)])
    else:
        for one in plans:
            for line in _lines(one):
                typer.echo(show_value(line))
    errors = (command.error for one in plans for command in one.commands if command.error is not None)
    raise typer.Exit(next((error.exit_code for error in errors), 0))


async def _plans(loaded: "Loaded", clock: "Clock", action: str, offline: bool) -> "list[Plan]":
    import asyncio

    from gateway.runner.actions import read_actions
    from gateway.service.dry_services import dry_services
    from gateway.service.planning import plan_instance
    from gateway.service.targets import require_instances

    actions = await asyncio.to_thread(read_actions, loaded)
    instances = require_instances(loaded, actions, action)
    async with dry_services(loaded, clock) as services:
        return [await plan_instance(services, instance, offline=offline) for instance in instances]


def _lines(one: "Plan") -> Iterator[str]:
    endpoint = f" ({one.instance.endpoint})" if one.instance.endpoint else ""
    yield f"{one.instance.name}{endpoint}"
    for command in one.commands:
        yield f"  {command.number}  {command.text}"
        yield from (f"       {line}" for line in _command(command))


def _command(command: "PlannedCommand") -> Iterator[str]:
    from gateway.core.units import show_size

    if command.error is not None:
        yield f"would fail: {command.error}"
    taken = [one for one in command.files if one.final is not None]
    if command.transfers and command.error is None:
        size = show_size(sum(one.size_bytes for one in taken))
        yield f"{len(taken)} file{'s' if len(taken) != 1 else ''}, {size}" if taken else "nothing to do"
    for one in command.files[:_SHOWN]:
        yield _file(one)
    if len(command.files) > _SHOWN:
        yield f"and {len(command.files) - _SHOWN} more; --json shows all"
    for path in command.skipped[:_SHOWN]:
        yield f"{path}: skipped: a hidden or temporary name, a link, or no regular file"
    yield from _deletions(command)


def _deletions(command: "PlannedCommand") -> Iterator[str]:
    """What -MIR would do at the destination."""
    if command.refused is not None and not command.deletes:
        yield command.refused
        return
    if command.refused is not None:
        yield f"-MIR {command.refused}: none is deleted before `gateway run ACTION --approve`"
    for name in command.deletes[:_SHOWN]:
        yield f"{name}: {'would be deleted' if command.refused else 'deleted'} there: the source lacks it"
    if len(command.deletes) > _SHOWN:
        yield f"and {len(command.deletes) - _SHOWN} more to delete; --json shows all"


def _file(one: "PlannedFile") -> str:
    from gateway.core.units import show_size

    name = one.source.rpartition("/")[2] if one.source.startswith("/") else one.source
    detail = f": {one.judgement.detail}" if one.judgement.detail else ""
    if one.final is None:
        return f"{name}  {show_size(one.size_bytes)}  not taken, {one.judgement.verdict.replace('_', ' ')}{detail}"
    there = _there(one)
    held = f"; {one.judgement.verdict.replace('_', ' ')}{detail}" if detail else ""
    removed = ", then removed at its source" if one.removes_source else ""
    return f"{name} -> {one.final}  {show_size(one.size_bytes)}{there}{removed}{held}"


def _there(one: "PlannedFile") -> str:
    """What the rule for taken names makes of what stands there."""
    from gateway.core.units import show_size

    if one.replaces_bytes is None:
        return ""
    size = show_size(one.replaces_bytes)
    return {
        "replace": f", replaces {size}",
        "hold": f", held while other content stands there ({size})",
        "fail": f", FAILS: the name is taken ({size})",
        "unique": ", gets the next free name",
        "append": f", appended to {size}",
    }[one.mode or "replace"]


def _rows(one: "Plan") -> Iterator[Row]:
    for command in one.commands:
        common: Row = {
            "action": one.instance.name,
            "endpoint": one.instance.endpoint,
            "command": command.number,
            "text": command.text,
            "error": str(command.error) if command.error else None,
        }
        files = [
            {
                "source": file.source,
                "size_bytes": file.size_bytes,
                "final": file.final,
                "mode": file.mode,
                "verdict": file.judgement.verdict.value,
                "detail": file.judgement.detail or None,
                "replaces_bytes": file.replaces_bytes,
                "removes_source": file.removes_source,
            }
            for file in command.files
        ]
        yield {
            **common,
            "files": files,
            "skipped": list(command.skipped),
            "deletes": list(command.deletes),
            "refused": command.refused,
        }
