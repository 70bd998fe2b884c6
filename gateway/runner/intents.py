"""From the frozen files of a command to what is intended for each: final names, modes, what the endpoint wants."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway.config.schema import EndpointSettings, Verify
from gateway.core.errors import NotThere, PathRefused, Refused
from gateway.core.model import Kind
from gateway.endpoints.base import Endpoint
from gateway.language.nodes import Get, LocalCopy, Taken, Text, Transfer
from gateway.ledger import counters
from gateway.ledger.runs import FrozenFile
from gateway.runner.run import Run
from gateway.runner.targets import Planned, Target, final_name, join_remote, require_no_collision
from gateway.runner.texts import expanded_path, target_values, uses_index
from gateway.transfer.intent import Intent
from gateway.transfer.sources import Found


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a command's files go: the peer or this machine, and where relative paths start there."""

    peer: Endpoint
    is_local: bool
    base: str
    text: Text | None


async def plan(
    run: Run, number: int, command: Transfer, files: Sequence[FrozenFile], destination: Destination
) -> list[Intent]:
    """What is intended for each file.  Raises Refused for a collision, NotThere for a missing remote folder."""
    planned = [
        Planned(Found(file.source, file.relative, file.stamp), final)
        for file, final in zip(files, await _finals(run, command, files, destination), strict=True)
    ]
    require_no_collision(planned, may_share=command.unique or command.append)
    return [
        _intent(run, number, command, file, one.final, len(files)) for file, one in zip(files, planned, strict=True)
    ]


async def _finals(run: Run, command: Transfer, files: Sequence[FrozenFile], to: Destination) -> list[str]:
    text = to.text.value if to.text is not None else ""
    first = await _indexes(run, to.text, len(files))
    names = [
        _at(to, expanded_path(text, target_values(run, text, file.source.rpartition("/")[2], first + n)))
        for n, file in enumerate(files)
    ]
    folders = {name: await _is_folder(run, command, to, name) for name in dict.fromkeys(names)}
    finals = [
        final_name(Found(file.source, file.relative, file.stamp), Target(name, folders[name]))
        for file, name in zip(files, names, strict=True)
    ]
    if len(files) > 1 and len(set(finals)) == 1 and not (command.unique or command.append):
        raise Refused(
            f"{command.span}: {command.verb}: {len(files)} files would all be sent as {finals[0]}; "
            "end the destination in / if it is a folder"
        )
    return finals


def _at(to: Destination, path: str) -> str:
    """A destination as its endpoint takes it."""
    if not to.is_local:
        joined = join_remote(to.base, path) if path else to.base
        return joined + "/" if path.endswith("/") and not joined.endswith("/") else joined
    return str(Path(to.base, path)) + ("/" if path.endswith("/") or not path else "")


async def _indexes(run: Run, text: Text | None, count: int) -> int:
    """The first of `count` numbers of the day, drawn only if they are asked for."""
    if not uses_index(text):
        return 0
    day = run.services.clock.now().astimezone(run.instance.zone).strftime("%Y-%m-%d")
    endpoint = run.instance.endpoint or ""
    draw = partial(counters.next_index, endpoint=endpoint, day=day, how_many=count)
    return await run.services.ledger.write(draw)


async def _is_folder(run: Run, command: Transfer, to: Destination, name: str) -> bool:
    """True if `name` means a folder: it ends in / or is one.  A missing folder is made here, refused there."""
    if name in ("", "/", "~"):
        return True
    says_folder = name.endswith("/")
    try:
        kind = (await to.peer.stat(name.rstrip("/"))).kind
    except NotThere:
        if says_folder and not makes_dirs(run, command, to.is_local) and not to.peer.features.missing_folder_is_empty:
            raise NotThere(
                f"{command.span}: {command.verb}: there is no folder {name} at {run.endpoint}; correct the path, "
                "make it with MKDIR, or set make_dirs = true for this endpoint"
            ) from None
        return says_folder
    except PathRefused:
        return says_folder  # a drop folder that lets nobody look is written to all the same
    return says_folder or kind is Kind.FOLDER


def makes_dirs(run: Run, command: Transfer, is_local: bool) -> bool:
    """Local folders are made; remote ones under -REC, or where the endpoint's settings say so."""
    return is_local or command.recurse or settings_of(run).make_dirs


def settings_of(run: Run) -> EndpointSettings:
    """The settings of the run's endpoint; plain ones for an action without."""
    return run.services.configured.endpoints.get(run.instance.endpoint or "", _NO_ENDPOINT)


_NO_ENDPOINT = EndpointSettings(url="file:///")


def mode_of(run: Run, command: Transfer) -> Taken:
    """What happens to a name that is taken (LANGUAGE §3): options first, then `exists`, then the verb's own rule."""
    if command.unique:
        return Taken.UNIQUE
    if command.append:
        return Taken.APPEND
    said = run.settings.exists or settings_of(run).exists
    if said is not None:
        return Taken(said)
    return Taken.HOLD if command.delete and isinstance(command, Get | LocalCopy) else Taken.REPLACE


def _intent(run: Run, number: int, command: Transfer, file: FrozenFile, final: str, count: int) -> Intent:
    instance, settings = run.instance, settings_of(run)
    to_here = isinstance(command, Get | LocalCopy)
    return Intent(
        run=run.id,
        action=instance.name,
        command=number,
        verb=command.verb,
        n=file.n,
        of=count,
        endpoint=instance.endpoint or "",
        place="" if to_here else instance.endpoint or "",
        source=file.source,
        stamp=file.stamp,
        final=final,
        mode=mode_of(run, command),
        remove_source=command.delete,
        sentbox=_sentbox(run, command),
        verify=Verify.AUTO if to_here else settings.verify,
        partial=".{name}.{id}.part" if to_here else settings.partial,
        inplace=settings.inplace and not to_here,
        replace="swap" if to_here else settings.replace,
        mtime_ns=file.stamp.mtime_ns,
        timeout=run.settings.timeout,
        make_dirs=makes_dirs(run, command, to_here),
    )


def _sentbox(run: Run, command: Transfer) -> str | None:
    """Where a sent source is kept; only what leaves this machine is."""
    instance = run.instance
    if not command.delete or isinstance(command, Get) or not instance.sent_keep or instance.sent_folder is None:
        return None
    return str(instance.sent_folder)
