"""An archive as a source: its entries are read like files, and belong to the archive's own version."""

import zipfile
from collections.abc import AsyncIterator, Callable
from threading import Lock
from typing import IO, TypeVar

from gateway.core.clock import Clock
from gateway.core.errors import NeedsOperator, NotThere
from gateway.core.model import Entry, Kind, Stamp
from gateway.endpoints.base import Endpoint
from gateway.endpoints.wrap import Wrapped
from gateway.transfer.blocking import in_thread
from gateway.transfer.hanging import Pulse

T = TypeVar("T")

MARK = "!/"
"""Stands between an archive's path and an entry's name."""
_BLOCK_BYTES = 1024 * 1024


class ArchiveSource(Wrapped):
    """This machine's files, and the entries of one archive under `ARCHIVE!/ENTRY`."""

    def __init__(self, inner: Endpoint, archive: str, clock: Clock) -> None:
        super().__init__(inner)
        self._clock = clock
        self._archive = archive
        self._prefix = archive + MARK

    async def stat(self, path: str) -> Entry:
        """The entry's size, with the time and inode of its archive."""
        if not path.startswith(self._prefix):
            return await super().stat(path)
        whole = (await super().stat(self._archive)).stamp
        name = path.removeprefix(self._prefix)
        return Entry(path, Kind.FILE, await self._asked(lambda _: entry_stamp(self._archive, name, whole)))

    def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """The entry's bytes; its checksum is compared at its end."""
        return self._entry(path) if path.startswith(self._prefix) else super().read(path, offset)

    async def _entry(self, path: str) -> AsyncIterator[bytes]:
        entry, reading = await self._asked(lambda _: _entry(self._archive, path.removeprefix(self._prefix))), Lock()
        try:
            while block := await self._asked(lambda _: _block(entry, path, reading)):
                yield block
        finally:
            if not reading.locked():  # a thread that hangs in it lets go of it once it is back
                entry.close()

    async def _asked(self, work: Callable[[Pulse], T]) -> T:
        return await in_thread(self._archive, self._clock, work)


def opened(archive: str) -> zipfile.ZipFile:
    """Open an archive (blocks).  Raises NotThere, or NeedsOperator if it is none."""
    try:
        return zipfile.ZipFile(archive)
    except FileNotFoundError as exc:
        raise NotThere(f"{archive}: no such file") from exc
    except (zipfile.BadZipFile, NotImplementedError) as exc:
        raise NeedsOperator(f"{archive}: this can't be read as a zip archive ({exc}); have it made again") from exc


def entry_stamp(archive: str, name: str, whole: Stamp) -> Stamp:
    """An entry changes with its archive only (blocks)."""
    with opened(archive) as found:
        try:
            size_bytes = found.getinfo(name).file_size
        except KeyError as exc:
            raise NotThere(f"{archive}: it has no entry {name}") from exc
    return Stamp(size_bytes, whole.mtime_ns, whole.inode, whole.device)


def _entry(archive: str, name: str) -> IO[bytes]:
    """The archive's file stays open as long as the entry does (blocks)."""
    with opened(archive) as found:
        return found.open(name)


def _block(entry: IO[bytes], path: str, reading: Lock) -> bytes:
    try:
        with reading:
            return entry.read(_BLOCK_BYTES)
    except (zipfile.BadZipFile, EOFError) as exc:
        raise NeedsOperator(f"{path}: the archive is damaged there ({exc}); have it made again") from exc
