"""An endpoint on this machine's disks: what `file://` means, and the local half of every PUT, GET and LCOPY."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from typing import TypeVar

from gateway.core.folders import sync_folder
from gateway.core.model import Entry
from gateway.endpoints import local_calls as calls
from gateway.endpoints.base import Features
from gateway.endpoints.disk import Disk, remedy_of
from gateway.endpoints.disks import Disks
from gateway.endpoints.local_bulk import LocalBulk
from gateway.endpoints.local_file import BLOCK_BYTES, OpenFile, fill, rest_of
from gateway.endpoints.os_errors import local_error, local_errors
from gateway.endpoints.session import Basic, unanswered, within

T = TypeVar("T")

_SCAN_BATCH = 256
_LAST_CALL_S = 5.0
_FEATURES = Features(
    atomic_replace=True,
    rename_noreplace=True,
    append=True,
    resume=True,
    set_mtime=True,
    fsync=True,
    remote_hash=frozenset({"sha256", "sha1", "md5"}),
    mtime_precision_ns=1,
    lasting_inodes=True,
    modes=True,
    concurrent=True,
)


class LocalEndpoint(Basic):
    """Files below `folder`; absolute paths are this machine's.

    Without shared `disks` it has threads of its own.  With `follow_links` stat, scan and read show what links lead
    to; writing through one is refused in any case.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        disks: Disks | None = None,
        *,
        timeout_s: float = 300.0,
        follow_links: bool = False,
    ) -> None:
        self._folder = os.fspath(folder)
        self._own_disks = disks is None
        self._disks = disks or Disks()
        self._timeout_s = timeout_s
        self._follow = follow_links

    @property
    def features(self) -> Features:
        """Everything but commands."""
        return _FEATURES

    @property
    def bulk_source(self) -> LocalBulk:  # type: ignore[override]
        """One thread reads them in a row."""
        return LocalBulk(self._folder, self._disks, self._timeout_s, follow_links=self._follow)

    def _at(self, path: str) -> str:
        return os.path.join(self._folder, path)

    async def _disk(self, path: str) -> Disk:
        """Whose threads work on `path`."""
        at = self._at(path)
        if (known := self._disks.known(at, os.path.dirname(at))) is not None:
            return known
        async with within(self._timeout_s, path, remedy_of(at)):
            return await self._disks.of(at)

    async def _run(self, path: str, work: Callable[[], T], what: str = "") -> T:
        with local_errors(what or path):
            return await self._awaited(path, work, what)

    async def _awaited(self, path: str, work: Callable[[], T], what: str = "") -> T:
        at = self._at(path)
        async with within(self._timeout_s, what or path, remedy_of(at)):
            disk = await self._disks.of(at)
            return await disk.run(work)

    async def _quick(
        self, path: str, work: Callable[[], T], unwanted: Callable[[T], None] | None = None, disk: Disk | None = None
    ) -> T:
        at = self._at(path)
        folder = os.path.dirname(at)
        disk = disk or self._disks.known(at, folder) or await self._disk(path)
        try:
            return await disk.run_quick(work, folder, self._timeout_s, unwanted)
        except TimeoutError as exc:
            raise unanswered(path, self._timeout_s, remedy_of(at)) from exc
        except (OSError, ValueError) as exc:
            raise local_error(exc, path) from exc

    async def scan(self, folder: str) -> AsyncIterator[Entry]:
        """Streams: a folder of a million files is never held in memory."""
        at = os.path.join(folder, "")
        opening = asyncio.ensure_future(self._run(at, partial(os.scandir, self._at(folder)), folder))
        try:
            listing = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_listing)  # the thread opens it all the same
            raise
        some = partial(calls.scan_some, listing, folder, _SCAN_BATCH, self._follow)
        try:
            while (batch := await self._run(at, some, folder)) is not None:
                for entry in batch:
                    yield entry
        finally:
            listing.close()

    async def stat(self, path: str) -> Entry:
        """As the contract says."""
        return calls.entry_of(path, await self._quick(path, partial(calls.look, self._at(path), self._follow)))

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """Regular files only; a link is refused unless it is to be followed."""
        start = partial(calls.start_reading, self._at(path), offset, BLOCK_BYTES, self._follow)
        disk = await self._disk(path)
        descriptor, block = await self._quick(path, start, _close_started, disk)
        if descriptor is None:
            if block:
                yield block
            return
        file = OpenFile(descriptor, disk, path, self._timeout_s, remedy_of(self._at(path)))
        try:
            async with aclosing(rest_of(file, block, offset)) as blocks:
                async for block in blocks:
                    yield block
        finally:
            file.close()

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        """As the contract says."""
        return await self._write(path, blocks, offset, sync)

    async def append(self, path: str, blocks: AsyncIterator[bytes]) -> int:
        """As the contract says."""
        return await self._write(path, blocks, None, True)

    async def _write(self, path: str, blocks: AsyncIterator[bytes], offset: int | None, sync: bool) -> int:
        disk = await self._disk(path)
        descriptor = await self._opened(disk, path, partial(calls.open_to_write, self._at(path), offset))
        file = OpenFile(descriptor, disk, path, self._timeout_s, remedy_of(self._at(path)))
        try:
            return await fill(file, blocks, sync=sync)
        except BaseException:
            file.close()
            raise

    async def _opened(self, disk: Disk, path: str, opening: Callable[[], int]) -> int:
        """A descriptor.  Whoever gives up may rely on no file being made behind him, unless the disk hangs."""
        begun = disk.start(opening)
        going = asyncio.wrap_future(begun)
        try:
            with local_errors(path):
                async with within(self._timeout_s, path, remedy_of(self._at(path))):
                    return await asyncio.shield(going)
        except BaseException:
            going.add_done_callback(_close_descriptor)
            if not begun.cancel():
                await asyncio.wait({going}, timeout=_LAST_CALL_S)
            raise

    async def rename(self, source: str, target: str) -> None:
        """Atomic, and on disk when it returns."""
        await self._rename(calls.rename, source, target)

    async def rename_noreplace(self, source: str, target: str) -> None:
        """Atomic where the file system knows the flag, else link and unlink."""
        await self._rename(calls.rename_noreplace, source, target)

    async def _rename(self, rename: Callable[[str, str], None], source: str, target: str) -> None:
        await self._run(source, partial(rename, self._at(source), self._at(target)), f"{source} -> {target}")

    async def remove(self, path: str) -> None:
        """As the contract says; `sync_folder` makes it last."""
        await self._run(path, partial(os.unlink, self._at(path)))

    async def sync_folder(self, folder: str) -> None:
        """Have the names in `folder` on disk: after removals, once for many."""
        await self._run(os.path.join(folder, ""), partial(sync_folder, self._at(folder)), folder)

    async def mkdir(self, path: str) -> None:
        """As the contract says."""
        await self._run(path, partial(os.mkdir, self._at(path)))

    async def rmdir(self, path: str) -> None:
        """As the contract says."""
        await self._run(path, partial(os.rmdir, self._at(path)))

    async def set_mtime(self, path: str, mtime_ns: int) -> bool:
        """False where another user owns the file."""
        try:
            await self._awaited(path, partial(calls.set_mtime, self._at(path), mtime_ns))
        except OSError:
            return False
        return True

    async def let_run(self, path: str, *, allowed: bool = True) -> bool:
        """False where another user owns the file."""
        try:
            await self._awaited(path, partial(calls.let_run, self._at(path), allowed=allowed))
        except OSError:
            return False
        return True

    async def remote_hash(self, path: str, algorithm: str, *, first_bytes: int | None = None) -> str | None:
        """Reads the file again."""
        if algorithm not in _FEATURES.remote_hash:
            return None
        return await self._run(path, partial(calls.digest, self._at(path), algorithm, first_bytes))

    async def close(self) -> None:
        """Ends its own threads; shared ones stay."""
        if self._own_disks:
            self._disks.close()


def _close_started(started: tuple[int | None, bytes]) -> None:
    """Nobody waits for the first block any more."""
    if started[0] is not None:
        os.close(started[0])


def _close_descriptor(opening: "asyncio.Future[int]") -> None:
    """Nobody waits for the file any more."""
    if not opening.cancelled() and opening.exception() is None:
        os.close(opening.result())


def _close_listing(opening: "asyncio.Future[os._ScandirIterator[str]]") -> None:
    """Nobody waits for the listing any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
