"""What an SFTP session may do with files: everything below its account's folder, uploads by landing."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import ParamSpec, TypeVar

import asyncssh
from asyncssh import FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_TRUNC, FXF_WRITE, SFTPAttrs, SFTPName

from gateway.inbound.confine import Room
from gateway.inbound.landing import Landing, Start
from gateway.inbound.reading import Reading
from gateway.inbound.sftp_attrs import listed, set_attrs, told
from gateway.inbound.visits import Visit

P = ParamSpec("P")
T = TypeVar("T")


class ConfinedSFTP(asyncssh.SFTPServer):
    """One session's files.  Requests of a session come one after the other, each runs in a thread.

    `landed` is called with the path of each file that is complete.  `cut` is set when the session ends, before its
    open files are closed: what is closed after that was never finished.
    """

    def __init__(
        self,
        channel: "asyncssh.SSHServerChannel[bytes]",
        room: Room,
        executor: Executor,
        landed: Callable[[str], None],
        visit: Visit,
    ) -> None:
        super().__init__(channel)
        self._room = room
        self._executor = executor
        self._landed = landed
        self._visit = visit
        self.cut = False

    def exit(self) -> None:
        """The session ends, its files are closed.  Programs such as scp take one that tells no status for a failure."""
        self.channel.exit(0)

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: work(*args, **kwargs))

    # Open files

    async def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:
        return await self._run(self._open, os.fsdecode(path), pflags, attrs)

    def _open(self, shown: str, pflags: int, attrs: SFTPAttrs) -> object:
        real = self._room.inside(shown)
        if not pflags & (FXF_WRITE | FXF_APPEND):
            return Reading(real)
        if not pflags & FXF_CREAT and not real.exists():
            raise FileNotFoundError(2, "No such file or directory", shown)
        mode = 0o666 if attrs.permissions is None else attrs.permissions
        return Landing(real, _start(pflags), mode, self._visit.began)

    async def close(self, file_obj: object) -> None:
        if isinstance(file_obj, Reading):
            await self._run(file_obj.close)
            if file_obj.was_read:
                self._visit.fetched(file_obj, is_clean=not self.cut)
        elif isinstance(file_obj, Landing):
            await self._settle(file_obj)

    async def _settle(self, upload: Landing) -> None:
        if self.cut:
            await self._run(upload.abandon)
            self._visit.cut(upload)
            return
        try:
            is_new = await self._run(upload.commit)
        except OSError as problem:
            self._visit.cut(upload, problem)
            raise
        if is_new:
            self._visit.landed(upload)
            self._landed(upload.name)

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        return await self._run(_opened(file_obj).read_at, offset, size)

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        await self._run(_upload(file_obj).write_at, offset, data)
        return len(data)

    async def fstat(self, file_obj: object) -> SFTPAttrs:
        return told(await self._run(os.fstat, _opened(file_obj).fileno()))

    async def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        upload = _upload(file_obj)
        if attrs.size is not None:
            await self._run(upload.resize, attrs.size)
        await self._run(set_attrs, upload.fileno(), attrs)

    async def fsync(self, file_obj: object) -> None:
        await self._run(os.fsync, _opened(file_obj).fileno())

    async def fstatvfs(self, file_obj: object) -> os.statvfs_result:
        return await self._run(os.statvfs, _opened(file_obj).fileno())

    # Names

    async def lstat(self, path: bytes) -> SFTPAttrs:
        return told(await self._run(lambda: self._room.entry(os.fsdecode(path)).lstat()))

    async def stat(self, path: bytes) -> SFTPAttrs:
        return told(await self._run(lambda: self._room.inside(os.fsdecode(path)).stat()))

    async def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        if attrs.size is not None:
            raise asyncssh.SFTPOpUnsupported("The size of a complete file can't be set; write it anew")
        await self._run(lambda: set_attrs(self._room.inside(os.fsdecode(path)), attrs))

    async def lsetstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        await self.setstat(path, attrs)

    async def statvfs(self, path: bytes) -> os.statvfs_result:
        return await self._run(lambda: os.statvfs(self._room.inside(os.fsdecode(path))))

    async def realpath(self, path: bytes) -> bytes:
        return await self._run(lambda: os.fsencode(self._room.shown(self._room.inside(os.fsdecode(path)))))

    async def readlink(self, path: bytes) -> bytes:
        def target() -> bytes:
            entry = self._room.entry(os.fsdecode(path))
            entry.readlink()  # refuses what is no link
            return os.fsencode(self._room.shown(self._room.inside(os.fsdecode(path))))

        return await self._run(target)

    async def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        folder = await self._run(self._room.inside, os.fsdecode(path))
        for name in (b".", b".."):
            yield SFTPName(name, attrs=told(await self._run(folder.stat)))
        with await self._run(os.scandir, folder) as entries:
            while block := await self._run(listed, entries):
                for entry in block:
                    yield entry

    def format_user(self, uid: int | None) -> str:  # noqa: ARG002 -- named by asyncssh
        return self._visit.user

    def format_group(self, gid: int | None) -> str:  # noqa: ARG002 -- named by asyncssh
        return self._visit.user

    async def _at(self, path: bytes, do: Callable[[Path], None]) -> Path:
        """Do something to a name in a thread; its real path."""

        def work() -> Path:
            entry = self._room.entry(os.fsdecode(path))
            do(entry)
            return entry

        return await self._run(work)

    async def remove(self, path: bytes) -> None:
        self._visit.removed(await self._at(path, Path.unlink))

    async def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:
        mode = 0o777 if attrs.permissions is None else attrs.permissions & 0o777 | 0o700
        self._visit.made_folder(await self._at(path, lambda folder: folder.mkdir(mode)))

    async def rmdir(self, path: bytes) -> None:
        self._visit.removed(await self._at(path, Path.rmdir))

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._renamed(_rename_if_free, oldpath, newpath)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._renamed(os.replace, oldpath, newpath)

    async def _renamed(self, rename: Callable[[Path, Path], None], oldpath: bytes, newpath: bytes) -> None:
        def work() -> tuple[Path, Path, bool]:
            old, new = self._room.entry(os.fsdecode(oldpath)), self._room.entry(os.fsdecode(newpath))
            is_file = stat.S_ISREG(old.lstat().st_mode)  # under its new name somebody may take it at once
            rename(old, new)
            return old, new, is_file

        old, new, is_file = await self._run(work)
        self._visit.renamed(old, new)
        if is_file:
            self._landed(str(new))

    async def symlink(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002 -- named by asyncssh
        raise asyncssh.SFTPPermissionDenied("Links can't be made here")

    async def link(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002 -- named by asyncssh
        raise asyncssh.SFTPPermissionDenied("Links can't be made here")


def _start(pflags: int) -> Start:
    if pflags & FXF_EXCL:
        return Start.NEW
    if pflags & FXF_APPEND:
        return Start.APPENDED
    return Start.EMPTY if pflags & FXF_TRUNC else Start.KEPT


def _opened(file_obj: object) -> Reading | Landing:
    if isinstance(file_obj, Reading | Landing):
        return file_obj
    raise asyncssh.SFTPFailure("Not an open file")


def _upload(file_obj: object) -> Landing:
    if isinstance(file_obj, Landing):
        return file_obj
    raise asyncssh.SFTPPermissionDenied("Opened for reading only")


def _rename_if_free(old: Path, new: Path) -> None:
    """The plain rename never replaces: a file by a link, which fails if the name is taken, a folder after a look."""
    if stat.S_ISREG(old.lstat().st_mode):
        os.link(old, new)
        old.unlink()
    elif os.path.lexists(new):
        raise FileExistsError(17, "File exists", str(new))
    else:
        old.rename(new)
