"""Which remote files a path means: a literal name, a folder's files, a pattern, with -REC a tree."""

from collections.abc import AsyncIterator, Callable

from gateway.core.errors import NotThere
from gateway.core.model import Entry, Kind
from gateway.endpoints.base import Endpoint
from gateway.language.macros import expand
from gateway.language.pattern import Pattern, compile_pattern, is_temporary, split_source
from gateway.runner.run import Run
from gateway.runner.targets import join_remote
from gateway.runner.texts import run_values
from gateway.transfer.hanging import unwatched
from gateway.transfer.sources import Found


def remote_source(run: Run, path: str) -> tuple[str, Pattern]:
    """The folder and the compiled name token of a remote path as written."""
    values = run_values(run, path)
    parts, token = split_source(path)
    folder = "/".join(expand(part, values) for part in parts).replace("//", "/", 1)
    return join_remote(run.folder, folder), compile_pattern(token, ignore_case=run.instance.ignore_case, values=values)


async def find_remote(run: Run, peer: Endpoint, path: str, *, everything: bool = False) -> AsyncIterator[Entry]:
    """The entries that `path` means: files only, unless `everything`.  Raises NotThere for a missing literal."""
    folder, pattern = remote_source(run, path)
    if pattern.literal is not None:
        entry = await peer.stat(f"{folder.rstrip('/')}/{pattern.literal}" if folder else pattern.literal)
        if entry.kind is not Kind.FOLDER:
            yield entry
            return
        folder, pattern = entry.path, compile_pattern("")
    async for entry in peer.scan(folder):
        if (everything and pattern.matches(entry.name)) or (entry.kind is Kind.FILE and pattern.takes(entry.name)):
            yield entry


async def find_tree(
    run: Run, peer: Endpoint, path: str, *, recurse: bool, left_out: Callable[[str], None] = unwatched
) -> AsyncIterator[Found]:
    """Remote source files with their paths below the source folder.

    `left_out` hears of what is hidden, temporary or no file.  Raises NotThere for a missing literal.
    """
    folder, pattern = remote_source(run, path)
    if pattern.literal is not None:
        whole = f"{folder.rstrip('/')}/{pattern.literal}" if folder else pattern.literal
        entry = await peer.stat(whole)
        if entry.kind is Kind.FILE:
            yield Found(entry.path, entry.name, entry.stamp)
            return
        if entry.kind is not Kind.FOLDER:
            raise NotThere(f"{whole}: this is no regular file at {run.endpoint}; only regular files are fetched")
        folder, pattern = entry.path, compile_pattern("")
    pending = [(folder, "")]
    while pending:
        at, below = pending.pop()
        async for entry in peer.scan(at):
            is_folder = entry.kind is Kind.FOLDER
            if not (recurse if is_folder else pattern.matches(entry.name)):
                continue
            if is_temporary(entry.name) or not (is_folder or entry.kind is Kind.FILE):
                left_out(below + entry.name)
            elif is_folder:
                pending.append((entry.path, f"{below}{entry.name}/"))
            else:
                yield Found(entry.path, below + entry.name, entry.stamp)
