"""The commands that act at the endpoint without moving a file: DIR MKDIR RMDIR RENAME DELETE QUOTE SITE."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from gateway.core.errors import AlreadyThere, GatewayError, NotThere
from gateway.core.model import Entry, Kind
from gateway.endpoints.base import Endpoint
from gateway.language.nodes import Delete, Dir, MakeDir, Quote, RemoveDir, Rename
from gateway.runner.listing import find_remote
from gateway.runner.retrying import asked
from gateway.runner.run import Run
from gateway.runner.targets import join_remote
from gateway.runner.texts import expanded, expanded_text, local_path
from gateway.transfer import naming
from gateway.transfer.send import make_folders
from gateway.transfer.way import stamp_at


async def list_folder(run: Run, number: int, command: Dir) -> None:
    """DIR: list a remote folder or pattern into a local file, or into the run's notes."""
    path = command.path.value if command.path is not None else ""

    async def listed(peer: Endpoint) -> list[Entry]:
        return [entry async for entry in find_remote(run, peer, path, everything=True)]

    lines = [_line(entry) for entry in sorted(await asked(run, listed), key=lambda entry: entry.name)]
    if command.target is None:
        run.notes.append("\n".join([f"command {number}: DIR {path}", *lines]))
        return
    target = str(local_path(run, command.target, run.instance.inbox))
    content = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    await _write_whole(run.services.local, target, content)
    run.notes.append(f"command {number}: {len(lines)} names listed into {target}")


def _line(entry: Entry) -> str:
    """Kind, size, time (UTC, - where the peer says none) and name; a folder ends in /."""
    time = "-"
    if entry.stamp.mtime_ns is not None:
        time = datetime.fromtimestamp(entry.stamp.mtime_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    mark = "/" if entry.kind is Kind.FOLDER else ""
    return f"{entry.kind:6} {entry.stamp.size_bytes:>15} {time:>20} {entry.name}{mark}"


async def _write_whole(local: Endpoint, path: str, content: bytes) -> None:
    """Nobody sees half a listing."""

    async def blocks() -> AsyncIterator[bytes]:
        yield content

    folder, name = naming.split(path)
    if await stamp_at(local, folder.rstrip("/") or "/") is None:
        await make_folders(local, folder.rstrip("/"))
    beside = f"{folder}.{naming.cut(name, 200)}.dir.part"
    await local.write(beside, blocks())
    await local.rename(beside, path)


async def make_dir(run: Run, number: int, command: MakeDir) -> None:
    """MKDIR: a folder that is there already is fine."""
    path = join_remote(run.folder, expanded(run, command.path))

    async def made(peer: Endpoint) -> bool:
        try:
            await peer.mkdir(path)
        except AlreadyThere:
            if (await peer.stat(path)).kind is not Kind.FOLDER:
                raise
            return False
        return True

    if not await asked(run, made):
        run.notes.append(f"command {number}: MKDIR {path}: it was there already")


async def remove_dir(run: Run, number: int, command: RemoveDir) -> None:
    """RMDIR: only an empty folder goes; where this was cut before, one that is gone is fine."""
    path = join_remote(run.folder, expanded(run, command.path))
    again = run.resumed == number

    async def removed(peer: Endpoint) -> None:
        nonlocal again
        before, again = again, True
        try:
            await peer.rmdir(path)
        except NotThere:
            if not before:
                raise

    await asked(run, removed)


async def rename(run: Run, number: int, command: Rename) -> None:
    """RENAME: never onto a name that is taken; where this was cut before, what it did is found."""
    source = join_remote(run.folder, expanded(run, command.path))
    target = join_remote(run.folder, expanded(run, command.target))
    again = run.resumed == number

    async def renamed(peer: Endpoint) -> None:
        nonlocal again
        before, again = again, True
        if before and await _is_renamed(peer, source, target):
            return
        await _rename_free(peer, source, target)

    await asked(run, renamed)


async def _is_renamed(peer: Endpoint, source: str, target: str) -> bool:
    return await stamp_at(peer, source) is None and await stamp_at(peer, target) is not None


async def _rename_free(peer: Endpoint, source: str, target: str) -> None:
    if peer.features.rename_noreplace:
        await peer.rename_noreplace(source, target)
        return
    if await stamp_at(peer, target) is not None:
        raise AlreadyThere(f"RENAME {source}: {target} is there already; DELETE it before, or choose another name")
    await peer.rename(source, target)


async def delete(run: Run, number: int, command: Delete) -> None:
    """DELETE: a pattern may match nothing, a literal name must be there unless this was cut before."""
    deleted: set[str] = set()
    again = run.resumed == number

    async def removed(peer: Endpoint) -> None:
        nonlocal again
        before, again = again, True
        try:
            found = [entry.path async for entry in find_remote(run, peer, command.path.value)]
        except NotThere:
            if not before:
                raise
            return
        for path in found:
            deleted.add(path)
            await _gone(peer, path)

    await asked(run, removed)
    run.files += len(deleted)
    run.notes.append(f"command {number}: deleted {len(deleted)} files at {run.endpoint}")


async def _gone(peer: Endpoint, path: str) -> None:
    try:
        await peer.remove(path)
    except NotThere:
        return  # somebody else took it since the listing


async def quote(run: Run, number: int, command: Quote) -> None:
    """QUOTE and SITE: what the peer answered stands in the run's notes.  Sent once: nobody knows what it does."""
    line = expanded_text(run, command.line.value)
    whole = f"SITE {line}" if command.site else line
    reply = await asked(run, lambda peer: peer.raw(whole), repeatable=False)
    if reply[:1] in ("4", "5"):
        raise GatewayError(
            f"{command.span}: {whole}: {run.endpoint} answered {reply}; correct the line, or leave it out"
        )
    run.notes.append(f"command {number}: {whole}: {reply}")
