"""-MIR: delete at the destination what the source lacks; never on an empty or failed listing, never too much."""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.core.errors import NeedsOperator, NotThere
from gateway.core.model import Kind
from gateway.endpoints.base import Endpoint
from gateway.language.nodes import Put
from gateway.language.pattern import is_temporary
from gateway.runner.intents import settings_of
from gateway.runner.retrying import asked
from gateway.runner.run import Run
from gateway.runner.targets import join_remote
from gateway.runner.texts import expanded, local_spec
from gateway.transfer.sources import SourceSpec, any_name, list_sources, written_as
from gateway.transfer.way import removed

_MOST_FILES = 100
_MOST_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class _Destination:
    """The folder that is mirrored into, and which of its names the command is about."""

    folder: str
    takes: Callable[[str], bool]


async def delete_extra(run: Run, number: int, command: Put) -> None:
    """Delete what the destination has beyond the source: of a pattern's source only names that the pattern takes.

    Raises NeedsOperator, nothing deleted, beyond `delete_limit`: `gateway run ACTION --approve` then does it once.
    """
    spec = local_spec(run, command.source, run.instance.outbox, recurse=True)
    ours = await asyncio.to_thread(_relative_names, spec)
    if not ours:
        run.notes.append(f"command {number}: the source is empty or gone; -MIR deletes nothing")
        return
    folder = join_remote(run.folder, expanded(run, command.target)) if command.target is not None else run.folder
    takes = any_name if spec.literal is not None else spec.pattern.takes
    there = _Destination(folder.rstrip("/") or folder, takes)
    deleted = await asked(run, lambda peer: _delete(run, command, peer, there, spec, ours))
    if deleted:
        run.files += len(deleted)
        run.notes.append(f"command {number}: -MIR deleted {len(deleted)} files: {', '.join(deleted[:20])}")


async def _delete(
    run: Run, command: Put, peer: Endpoint, there: _Destination, spec: SourceSpec, ours: set[str]
) -> list[str]:
    theirs = await _tree(peer, there.folder, there.takes)
    extra = await asyncio.to_thread(_lacking, spec, sorted(theirs.keys() - ours))
    _require_few(run, command, extra, len(theirs))
    for relative in extra:
        await removed(peer, theirs[relative])
    return extra


def _lacking(spec: SourceSpec, names: Sequence[str]) -> list[str]:
    """What is not in the source at all: a link, or what can't be seen just now, is not sent, but is there."""
    is_tree = spec.literal is not None and os.path.isdir(written_as(spec))
    base = written_as(spec) if is_tree else str(spec.folder)
    return [name for name in names if _is_gone(os.path.join(base, name))]


def _is_gone(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _relative_names(spec: SourceSpec) -> set[str]:
    return {found.relative for found in list_sources(spec)}


async def _tree(peer: Endpoint, folder: str, takes: Callable[[str], bool]) -> dict[str, str]:
    """Relative path to path, of every regular file below `folder` but those that are still being written."""
    found: dict[str, str] = {}
    pending = [(folder, "")]
    while pending:
        at, below = pending.pop()
        try:
            async for entry in peer.scan(at):
                if entry.kind is Kind.FOLDER and not is_temporary(entry.name):
                    pending.append((entry.path, f"{below}{entry.name}/"))
                elif entry.kind is Kind.FILE and takes(entry.name) and not is_temporary(entry.name):
                    found[below + entry.name] = entry.path
        except NotThere:
            continue
    return found


def _require_few(run: Run, command: Put, extra: Sequence[str], count: int) -> None:
    most = _limit(run, count)
    if len(extra) > most and not run.due.approved:
        names = ", ".join(extra[:5]) + (" …" if len(extra) > 5 else "")
        raise NeedsOperator(
            f"{command.span}: -MIR would delete {len(extra)} of {count} files, more than {most} (delete_limit); "
            f"nothing was deleted: {names}; if that is meant: gateway run {run.instance.name} --approve"
        )


def _limit(run: Run, count: int) -> int:
    """What the script says, else the endpoint, else the smaller of 10 % and 100 files."""
    for said in (run.settings.delete_limit, settings_of(run).delete_limit):
        if said is not None:
            return said
    return min(_MOST_FILES, int(count * _MOST_SHARE))
