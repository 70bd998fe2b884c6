"""An archive as a source: its entries are read like files, and belong to the archive's own version."""

import zipfile
from collections.abc import AsyncIterator
from typing import IO

from gateway.core.errors import NeedsOperator, NotThere
from gateway.core.model import Entry, Kind, Stamp
from gateway.endpoints.base import Endpoint
from gateway.endpoints.wrap import Wrapped
from gateway.transfer.blocking import in_thread

MARK = "!/"
"""Stands between an archive's path and an entry's name."""
_BLOCK_BYTES = 1024 * 1024


class ArchiveSource(Wrapped):
    """This machine's files, and the entries of one archive under `ARCHIVE!/ENTRY`."""

    def __init__(self, inner: Endpoint, archive: str) -> None:
        super().__init__(inner)
        self._archive = archive
        self._prefix = archive + MARK

    async def stat(self, path: str) -> Entry:
        """The entry's size, with the time and inode of its archive."""
        if not path.startswith(self._prefix):
            return await super().stat(path)
        whole = (await super().stat(self._archive)).stamp
        name = path.removeprefix(self._prefix)
        return Entry(path, Kind.FILE, await in_thread(lambda _: entry_stamp(self._archive, name, whole)))

    def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """The entry's bytes; its checksum is compared at its end."""
        return self._entry(path) if path.startswith(self._prefix) else super().read(path, offset)

    async def _entry(self, path: str) -> AsyncIterator[bytes]:
        archive = await in_thread(lambda _: opened(self._archive))
        with archive, archive.open(path.removeprefix(self._prefix)) as entry:
            while block := await in_thread(lambda _: _block(entry, path)):
                yield block


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


def _block(entry: IO[bytes], path: str) -> bytes:
    try:
        return entry.read(_BLOCK_BYTES)
    except (zipfile.BadZipFile, EOFError) as exc:
        raise NeedsOperator(f"{path}: the archive is damaged there ({exc}); have it made again") from exc
