"""SFTP servers with habits of their own: what they refuse, forget, take away or answer oddly.

Those in hostile_sftp.py break single calls; these are whole partners.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import ClassVar

import asyncssh

from tests.peers.hostile_sftp import Tidy

REFUSED = asyncssh.SFTPPermissionDenied("not here")


class CutsAt(Tidy):
    """Cuts the line once: at the first byte from `at` on, or around the rename.  `renames` are those it executed."""

    at: int | str = 0
    cuts = 1
    renames: ClassVar[list[str]]

    def _cut(self) -> None:
        type(self).cuts -= 1
        self.channel.get_connection().abort()

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        if self.cuts and isinstance(self.at, int) and offset + len(data) > self.at:
            kept = max(0, self.at - offset)
            super().write(file_obj, offset, data[:kept])
            self._cut()
            raise asyncssh.SFTPConnectionLost("cut")
        return int(super().write(file_obj, offset, data))  # type: ignore[arg-type]

    def close(self, file_obj: object) -> None:
        super().close(file_obj)
        if self.cuts and self.at == "close":
            self._cut()

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        if self.cuts and self.at == "before rename":
            self._cut()
            raise asyncssh.SFTPConnectionLost("cut")
        super().posix_rename(oldpath, newpath)
        self.renames.append(os.path.basename(newpath).decode())
        if self.cuts and self.at == "after rename":
            self._cut()


class TakesAtClose(asyncssh.SFTPServer):
    """A mailbox: what was written is taken away as soon as it is closed.  `taken` is what it has."""

    taken: ClassVar[list[tuple[str, bytes]]]

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        file = super().open(path, pflags, attrs)
        file.mailbox = path  # type: ignore[attr-defined]
        return file

    def close(self, file_obj: object) -> None:
        super().close(file_obj)
        path = self.map_path(file_obj.mailbox)  # type: ignore[attr-defined]
        with open(path, "rb") as file:
            self.taken.append((os.path.basename(path).decode(), file.read()))
        os.unlink(path)


class TakesAtRename(asyncssh.SFTPServer):
    """A quick recipient: what has its final name is taken at once."""

    taken: ClassVar[list[tuple[str, bytes]]]

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        super().posix_rename(oldpath, newpath)
        path = self.map_path(newpath)
        with open(path, "rb") as file:
            self.taken.append((os.path.basename(newpath).decode(), file.read()))
        os.unlink(path)


class DropFolder(asyncssh.SFTPServer):
    """Lets files be written, and nothing else: no list, no look, no rename, no removal."""

    def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        raise REFUSED

    stat = fstat = statvfs = realpath = lstat  # type: ignore[assignment]

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        raise REFUSED

    fsetstat = lsetstat = mkdir = setstat  # type: ignore[assignment]

    def remove(self, path: bytes) -> None:
        raise REFUSED

    rmdir = remove

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise REFUSED

    posix_rename = rename

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        raise REFUSED
        yield


class OneHandle(asyncssh.SFTPServer):
    """Lets one file be open at a time; `most` is how many were asked for at once."""

    opened = 0
    most = 0

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        type(self).most = max(self.most, self.opened + 1)
        if self.opened:
            raise asyncssh.SFTPFailure("only one file may be open")
        file = super().open(path, pflags, attrs)
        type(self).opened += 1
        return file

    def close(self, file_obj: object) -> None:
        type(self).opened -= 1
        super().close(file_obj)


class RefusesTimes(asyncssh.SFTPServer):
    """Lets nobody set times or modes, neither by name nor on an open file."""

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        raise REFUSED

    fsetstat = lsetstat = setstat  # type: ignore[assignment]


class SlowMkdir(asyncssh.SFTPServer):
    """Takes its time for a folder, so that two who want it meet; answers the second with a bare Failure."""

    made = 0

    async def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:  # type: ignore[override]
        await asyncio.sleep(0.02)
        try:
            super().mkdir(path, attrs)
        except FileExistsError:
            raise asyncssh.SFTPFailure("") from None
        type(self).made += 1


class HidesItsParent(asyncssh.SFTPServer):
    """Lets nobody look at or list anything above the folder `in`."""

    def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        if not path.startswith(b"/in/"):
            raise REFUSED
        return super().lstat(path)  # type: ignore[return-value]

    stat = lstat


class OpensThenRefuses(asyncssh.SFTPServer):
    """Makes the file, takes none of its bytes."""

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        raise asyncssh.SFTPPermissionDenied("quota of your account")


class LiesAboutSize(asyncssh.SFTPServer):
    """Shows one byte more than there is."""

    def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        found = asyncssh.SFTPAttrs.from_local(super().lstat(path))  # type: ignore[arg-type]
        if found.size is not None and not found.permissions & 0o40000:  # type: ignore[operator]
            found.size += 1
        return found


class NotesOrder(asyncssh.SFTPServer):
    """Keeps in `order` what it was asked to do with bytes and names."""

    order: ClassVar[list[str]]

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        self.order.append("write")
        return int(super().write(file_obj, offset, data))  # type: ignore[arg-type]

    def fsync(self, file_obj: object) -> None:
        self.order.append("fsync")
        super().fsync(file_obj)

    def close(self, file_obj: object) -> None:
        self.order.append("close")
        super().close(file_obj)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        self.order.append("rename")
        super().posix_rename(oldpath, newpath)

    def remove(self, path: bytes) -> None:
        self.order.append("remove")
        super().remove(path)


class PlainRename(asyncssh.SFTPServer):
    """Knows no posix-rename, and its rename refuses a name that stands; `order` is what it was asked."""

    order: ClassVar[list[str]]

    def __init__(self, channel: asyncssh.SSHServerChannel, chroot: bytes | None = None) -> None:
        super().__init__(channel, chroot=chroot)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPOpUnsupported("no posix-rename")

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        self.order.append(f"{os.path.basename(oldpath).decode()} -> {os.path.basename(newpath).decode()}")
        if os.path.lexists(self.map_path(newpath)):
            raise asyncssh.SFTPFailure("")
        os.rename(self.map_path(oldpath), self.map_path(newpath))


class NoRealpath(asyncssh.SFTPServer):
    """Can't say what a path is called in full."""

    def realpath(self, path: bytes) -> bytes:
        raise asyncssh.SFTPFailure("")


class NoListing(asyncssh.SFTPServer):
    """Lets files be looked at and read by name, and lists nothing."""

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        raise REFUSED
        yield


class ListsForEver(asyncssh.SFTPServer):
    """Has a folder of so many names that listing it takes long; `given` is how many it has told."""

    names = 100_000
    given = 0

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        for number in range(self.names):
            type(self).given += 1
            attrs = asyncssh.SFTPAttrs(size=number, permissions=0o100644, mtime=1_700_000_000, atime=0)
            yield asyncssh.SFTPName(f"f{number:06}".encode(), attrs=attrs)


class CaseBlind(asyncssh.SFTPServer):
    """Keeps names as they are given and finds them in any case, as Windows does."""

    def map_path(self, path: bytes) -> bytes:
        whole = super().map_path(path)
        folder, name = os.path.split(whole)
        for there in os.listdir(folder) if os.path.isdir(folder) else ():
            if there.lower() == name.lower():
                return os.path.join(folder, there)
        return whole


class CountsReads(asyncssh.SFTPServer):
    """Answers no read until `go_on`; `asked` are the bytes that were asked for meanwhile."""

    asked = 0
    go_on: ClassVar[asyncio.Event]

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:  # type: ignore[override]
        type(self).asked += size
        await self.go_on.wait()
        return bytes(super().read(file_obj, offset, size))  # type: ignore[arg-type]
