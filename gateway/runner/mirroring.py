"""-MIR: delete at the destination what the source lacks; never on an empty or failed listing, never too much."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

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
from gateway.transfer.blocking import in_thread
from gateway.transfer.sources import SourceSpec, any_name, list_sources, written_as
from gateway.transfer.way import removed

_MOST_FILES = 100
_MOST_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Surplus:
    """What the destination has and the source lacks: relative names with their paths there.

    `there` is how many files the destination has, `to_come` how many of the source it has not, `limit` says of a number
    of files how many of them may be deleted.
    """

    paths: Mapping[str, str]
    there: int
    to_come: int
    limit: Callable[[int], int]

    def too_many(self, count: int) -> str | None:
        """Why nothing may be deleted of `count` files; None if it may."""
        most = self.limit(count)
        if len(self.paths) <= most:
            return None
        return f"would delete {len(self.paths)} of {count} files, more than {most} (delete_limit)"


async def delete_extra(run: Run, number: int, command: Put) -> None:
    """Delete what the destination has beyond the source: of a pattern's source only names that the pattern takes.

    Raises NeedsOperator, nothing deleted, beyond `delete_limit`: `gateway run ACTION --approve` then does it once.
    """
    deleted = await asked(run, lambda peer: _delete(run, command, peer))
    if deleted is None:
        run.notes.append(f"command {number}: the source is empty or gone; -MIR deletes nothing")
    elif deleted:
        run.files += len(deleted)
        run.notes.append(f"command {number}: -MIR deleted {len(deleted)} files: {', '.join(deleted[:20])}")


async def _delete(run: Run, command: Put, peer: Endpoint) -> Sequence[str] | None:
    found = await surplus(run, command, peer)
    if found is None:
        return None
    said = found.too_many(found.there)
    if said is not None and not run.due.approved:
        names = ", ".join(list(found.paths)[:5]) + (" …" if len(found.paths) > 5 else "")
        raise NeedsOperator(
            f"{command.span}: -MIR {said}; nothing was deleted: {names}; "
            f"if that is meant: gateway run {run.instance.name} --approve"
        )
    for path in found.paths.values():
        await removed(peer, path)
    return list(found.paths)


async def surplus(run: Run, command: Put, peer: Endpoint) -> Surplus | None:
    """What -MIR deletes at `peer` now; None where the source is empty or gone: then it deletes nothing."""
    spec = local_spec(run, command.source, run.instance.outbox, recurse=True)
    ours = await in_thread(spec.folder, run.services.clock, lambda _: _relative_names(spec))
    if not ours:
        return None
    folder = join_remote(run.folder, expanded(run, command.target)) if command.target is not None else run.folder
    takes = any_name if spec.literal is not None else spec.pattern.takes
    theirs = await _tree(peer, folder.rstrip("/") or folder, takes)
    missing = sorted(theirs.keys() - ours)
    extra = await in_thread(spec.folder, run.services.clock, lambda _: _lacking(spec, missing))
    return Surplus(
        paths={name: theirs[name] for name in extra},
        there=len(theirs),
        to_come=len(ours - theirs.keys()),
        limit=partial(_limit, run),
    )


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


def _limit(run: Run, count: int) -> int:
    """What the script says, else the endpoint, else the smaller of 10 % and 100 files."""
    for said in (run.settings.delete_limit, settings_of(run).delete_limit):
        if said is not None:
            return said
    return min(_MOST_FILES, int(count * _MOST_SHARE))
