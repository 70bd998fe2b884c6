"""The commands that act at the endpoint without moving a file: DIR MKDIR RMDIR RENAME DELETE QUOTE SITE."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

from gateway.core.errors import AlreadyThere, NotThere
from gateway.core.model import Entry, Kind
from gateway.language.nodes import Delete, Dir, MakeDir, Quote, RemoveDir, Rename
from gateway.runner.listing import find_remote
from gateway.runner.run import Run
from gateway.runner.targets import join_remote
from gateway.runner.texts import expanded, expanded_text, local_path


async def list_folder(run: Run, number: int, command: Dir) -> None:
    """DIR: list a remote folder or pattern into a local file, or into the run's notes."""
    path = command.path.value if command.path is not None else ""
    async with run.services.pool.session(run.endpoint) as peer:
        entries = [entry async for entry in find_remote(run, peer, path, everything=True)]
    lines = [_line(entry) for entry in sorted(entries, key=lambda entry: entry.name)]
    if command.target is None:
        run.notes.append("\n".join([f"command {number}: DIR {path}", *lines]))
        return
    target = local_path(run, command.target, run.instance.inbox)
    await asyncio.to_thread(_write_whole, target, "".join(f"{line}\n" for line in lines))
    run.notes.append(f"command {number}: {len(lines)} names listed into {target}")


def _line(entry: Entry) -> str:
    """Kind, size, time (UTC, - where the peer says none) and name; a folder ends in /."""
    time = "-"
    if entry.stamp.mtime_ns is not None:
        time = datetime.fromtimestamp(entry.stamp.mtime_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    mark = "/" if entry.kind is Kind.FOLDER else ""
    return f"{entry.kind:6} {entry.stamp.size_bytes:>15} {time:>20} {entry.name}{mark}"


def _write_whole(path: Path, text: str) -> None:
    """Nobody sees half a listing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.dir.part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


async def make_dir(run: Run, number: int, command: MakeDir) -> None:
    """MKDIR: a folder that is there already is fine."""
    path = join_remote(run.folder, expanded(run, command.path))
    async with run.services.pool.session(run.endpoint) as peer:
        try:
            await peer.mkdir(path)
        except AlreadyThere:
            if (await peer.stat(path)).kind is not Kind.FOLDER:
                raise
            run.notes.append(f"command {number}: MKDIR {path}: it was there already")


async def remove_dir(run: Run, _number: int, command: RemoveDir) -> None:
    """RMDIR: only an empty folder goes."""
    async with run.services.pool.session(run.endpoint) as peer:
        await peer.rmdir(join_remote(run.folder, expanded(run, command.path)))


async def rename(run: Run, _number: int, command: Rename) -> None:
    """RENAME: never onto a name that is taken."""
    source = join_remote(run.folder, expanded(run, command.path))
    target = join_remote(run.folder, expanded(run, command.target))
    async with run.services.pool.session(run.endpoint) as peer:
        if peer.features.rename_noreplace:
            await peer.rename_noreplace(source, target)
            return
        try:
            await peer.stat(target)
        except NotThere:
            await peer.rename(source, target)
        else:
            raise AlreadyThere(f"RENAME {source}: {target} is there already; DELETE it before, or choose another name")


async def delete(run: Run, number: int, command: Delete) -> None:
    """DELETE: a pattern may match nothing, a literal name must be there."""
    async with run.services.pool.session(run.endpoint) as peer:
        found = [entry async for entry in find_remote(run, peer, command.path.value)]
        for entry in found:
            await peer.remove(entry.path)
    run.files += len(found)
    run.notes.append(f"command {number}: deleted {len(found)} files at {run.endpoint}")


async def quote(run: Run, number: int, command: Quote) -> None:
    """QUOTE and SITE: what the peer answered stands in the run's notes."""
    line = expanded_text(run, command.line.value)
    async with run.services.pool.session(run.endpoint) as peer:
        reply = await peer.raw(f"SITE {line}" if command.site else line)
    run.notes.append(f"command {number}: {line}: {reply}")
