"""-MIR: delete at the destination what the source lacks; never on an empty or failed listing, never too much."""

import asyncio

from gateway.core.errors import NeedsOperator, NotThere
from gateway.core.model import Kind
from gateway.endpoints.base import Endpoint
from gateway.language.nodes import Put
from gateway.language.pattern import is_temporary
from gateway.runner.run import Run
from gateway.runner.targets import join_remote
from gateway.runner.texts import expanded, local_spec
from gateway.transfer.sources import SourceSpec, list_sources

MOST_FILES = 100
MOST_SHARE = 0.1


async def delete_extra(run: Run, number: int, command: Put) -> None:
    """Delete what the destination has beyond the source.

    Raises NeedsOperator, nothing deleted, beyond the smaller of 10 % and 100 files: `gateway run ACTION --approve`
    then does it once.
    """
    spec = local_spec(run, command.source, run.instance.outbox, recurse=True)
    ours = await asyncio.to_thread(_relative_names, spec)
    if not ours:
        run.notes.append(f"command {number}: the source is empty or gone; -MIR deletes nothing")
        return
    folder = join_remote(run.folder, expanded(run, command.target)) if command.target is not None else run.folder
    async with run.services.pool.session(run.endpoint) as peer:
        theirs = await _tree(peer, folder.rstrip("/") or folder)
        extra = sorted(set(theirs) - ours)
        _require_few(run, command, extra, len(theirs))
        for relative in extra:
            await peer.remove(theirs[relative])
    if extra:
        run.notes.append(f"command {number}: -MIR deleted {len(extra)} files: {', '.join(extra[:20])}")


def _relative_names(spec: SourceSpec) -> set[str]:
    return {found.relative for found in list_sources(spec)}


async def _tree(peer: Endpoint, folder: str) -> dict[str, str]:
    """Relative path to path, of every regular file below `folder` but those that are still being written."""
    found: dict[str, str] = {}
    pending = [(folder, "")]
    while pending:
        at, below = pending.pop()
        try:
            async for entry in peer.scan(at):
                if entry.kind is Kind.FOLDER:
                    pending.append((entry.path, f"{below}{entry.name}/"))
                elif entry.kind is Kind.FILE and not is_temporary(entry.name):
                    found[below + entry.name] = entry.path
        except NotThere:
            continue
    return found


def _require_few(run: Run, command: Put, extra: list[str], count: int) -> None:
    most = min(MOST_FILES, int(count * MOST_SHARE))
    if len(extra) > most and not run.due.approved:
        raise NeedsOperator(
            f"{command.span}: -MIR would delete {len(extra)} of {count} files, more than {most}; nothing was deleted: "
            f"{', '.join(extra[:5])} …; if that is meant: gateway run {run.instance.name} --approve"
        )
