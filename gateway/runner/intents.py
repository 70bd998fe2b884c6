"""From the frozen files of a command to what is intended for each: final names, modes, what the endpoint wants."""

import itertools
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway.config.schema import EndpointSettings, Verify
from gateway.core.errors import NotThere, PathRefused
from gateway.core.model import Kind
from gateway.endpoints.base import Endpoint
from gateway.language.nodes import Get, LocalCopy, Put, PutGet, Taken, Text, Transfer
from gateway.language.settings import Stability
from gateway.ledger.archives import Member
from gateway.ledger.runs import FrozenFile
from gateway.runner.indexes import first_index
from gateway.runner.run import Run
from gateway.runner.targets import final_name, join_remote, require_no_collision
from gateway.runner.texts import target_paths
from gateway.transfer.intent import Intent
from gateway.transfer.markers import DoneFile
from gateway.transfer.way import stamp_at


@dataclass(frozen=True, slots=True)
class Planned:
    """What is intended for one file, and the number that %index% has in its texts."""

    intent: Intent
    index: int


@dataclass(frozen=True, slots=True)
class Named:
    """A file with its destination, macros put in."""

    file: FrozenFile
    name: str
    index: int


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a command's files go: the peer or this machine, and where relative paths start there."""

    peer: Endpoint
    is_local: bool
    base: str
    text: Text | None


async def plan(
    run: Run,
    number: int,
    command: Transfer,
    files: Sequence[FrozenFile],
    to: Destination,
    *,
    of: int,
    one_index: bool = False,
) -> list[Planned]:
    """What is intended for each of `files`, of `of` in all; with `one_index` they share what %index% means.

    Raises Refused for a collision, NotThere for a missing remote folder.
    """
    first = await first_index(run, command, len(files))
    text = to.text.value if to.text is not None else ""
    path = target_paths(run, text)
    named = [
        Named(file, _at(to, path(name_of(file), index)), index)
        for file, index in zip(files, itertools.count(first, 0 if one_index else 1), strict=False)
    ]
    folders = {name: await _is_folder(run, command, to, name) for name in dict.fromkeys(one.name for one in named)}
    finals = {one.file.source: final_name(one.file.relative, one.name, is_folder=folders[one.name]) for one in named}
    if mode_of(run, command) not in (Taken.UNIQUE, Taken.APPEND):
        blind = run.instance.ignore_case and not to.is_local
        require_no_collision(f"{command.span}: {command.verb}", finals, ignore_case=blind)
    intent = intending(run, number, command, of)
    return [Planned(await intent(one.file, finals[one.file.source]), one.index) for one in named]


def name_of(file: FrozenFile) -> str:
    """The last part of a source's path."""
    return file.source.rpartition("/")[2]


def _at(to: Destination, path: str) -> str:
    """A destination as its endpoint takes it."""
    if not to.is_local:
        joined = join_remote(to.base, path) if path else to.base
        return joined + "/" if path.endswith("/") and not joined.endswith("/") else joined
    return str(Path(to.base, path)) + ("/" if path.endswith("/") or not path else "")


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
    """What happens to a name that is taken (SPEC §5): options first, then `exists`, then the verb's own rule."""
    if not isinstance(command, PutGet):  # those of PUT+GET are about its answers
        if command.unique:
            return Taken.UNIQUE
        if command.append:
            return Taken.APPEND
    said = run.settings.exists or settings_of(run).exists
    if said is not None:
        return Taken(said)
    return Taken.HOLD if command.delete and isinstance(command, Get | LocalCopy) else Taken.REPLACE


def intending(run: Run, number: int, command: Transfer, of: int) -> Callable[[FrozenFile, str], Awaitable[Intent]]:
    """What is intended for a file and its final name; what they have in common is found out once."""
    instance, settings = run.instance, settings_of(run)
    to_here = isinstance(command, Get | LocalCopy)
    common = partial(
        Intent,
        run=run.id,
        action=instance.name,
        command=number,
        verb=command.verb,
        of=of,
        endpoint=instance.endpoint or "",
        place="" if to_here else instance.endpoint or "",
        mode=mode_of(run, command),
        remove_source=command.delete,
        sentbox=_sentbox(run, command),
        verify=Verify.AUTO if to_here else settings.verify,
        partial=".{name}.{id}.part" if to_here else settings.partial,
        inplace=settings.inplace and not to_here,
        replace="swap" if to_here else settings.replace,
        timeout=run.settings.timeout,
        make_dirs=makes_dirs(run, command, to_here),
    )

    async def intent(file: FrozenFile, final: str) -> Intent:
        return common(
            n=file.n,
            source=file.source,
            stamp=file.stamp,
            final=final,
            markers=await markers_of(run, command, (file,)),
            mtime_ns=file.stamp.mtime_ns,
            note=file.note,
        )

    return intent


async def markers_of(run: Run, command: Transfer, files: Sequence[FrozenFile]) -> tuple[Member, ...]:
    """The done files that go with -DEL: each that stands for one source alone, as it is now."""
    settings = run.settings
    if not command.delete or isinstance(command, Get) or settings.stability is not Stability.DONE_FILE:
        return ()
    done = DoneFile(settings.done_file)
    paths = [done.beside(*os.path.split(file.source)) for file in files if done.is_own]
    looks = [(path, await stamp_at(run.services.local, path)) for path in paths]
    return tuple(Member(path, os.path.basename(path), stamp) for path, stamp in looks if stamp is not None)


def _sentbox(run: Run, command: Transfer) -> str | None:
    """Where a sent source is kept; only what leaves this machine is."""
    instance = run.instance
    sends = isinstance(command, Put | PutGet)
    if not command.delete or not sends or not instance.sent_keep or instance.sent_folder is None:
        return None
    return str(instance.sent_folder)
