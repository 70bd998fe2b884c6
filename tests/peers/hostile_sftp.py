"""SFTP servers that misbehave, each named for its crime."""

import asyncio
import errno
import os
from collections.abc import Sequence

import asyncssh

from tests.peers.ssh_servers import PASSWORD, USER, Account

Question = bool | tuple[str, str, str, list[tuple[str, bool]]]


class Tidy(asyncssh.SFTPServer):
    """Closes what its clients left open when they were cut: a crime of its own kind must not leak into the tests."""

    def __init__(self, channel: asyncssh.SSHServerChannel, chroot: bytes | None = None) -> None:
        super().__init__(channel, chroot=chroot)
        self._opened: list[object] = []

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        file = super().open(path, pflags, attrs)
        self._opened.append(file)
        return file

    def tidy_up(self) -> None:
        for file in self._opened:
            file.close()  # type: ignore[attr-defined]


class NeverAnswersStat(asyncssh.SFTPServer):
    """Speaks, but a stat is never answered."""

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:  # type: ignore[override]
        await asyncio.Event().wait()
        raise AssertionError


class NeverAnswersRead(Tidy):
    """Opens a file and never hands out its bytes."""

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:  # type: ignore[override]
        await asyncio.Event().wait()
        raise AssertionError


class NeverAnswersWrite(Tidy):
    """Takes bytes and never says so."""

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:  # type: ignore[override]
        await asyncio.Event().wait()
        raise AssertionError


class NeverAnswersClose(Tidy):
    """Takes a whole file and never says that it is closed."""

    async def close(self, file_obj: object) -> None:  # type: ignore[override]
        await asyncio.Event().wait()


class NeverAnswersRename(asyncssh.SFTPServer):
    """Renames, and never says so."""

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:  # type: ignore[override]
        super().posix_rename(oldpath, newpath)
        await asyncio.Event().wait()


class ShortReads(asyncssh.SFTPServer):
    """Hands out at most 1,000 bytes a time, and odd amounts."""

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        return bytes(super().read(file_obj, offset, min(size, 1 + offset % 1000 if offset % 7 else 1000)))  # type: ignore[arg-type]


class KeepsHalf(asyncssh.SFTPServer):
    """Says yes to every write and keeps half of it."""

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        super().write(file_obj, offset, data[: len(data) // 2])
        return len(data)


class SaysOnlyFailure(asyncssh.SFTPServer):
    """Answers every change with a Failure that gives no reason."""

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPFailure("")

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPFailure("")

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        raise asyncssh.SFTPFailure("")

    def remove(self, path: bytes) -> None:
        raise asyncssh.SFTPFailure("")


class DiskFull(asyncssh.SFTPServer):
    """Has room for 300,000 bytes of a file; then a Failure without a reason, and statvfs that knows it."""

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        if offset + len(data) > 300_000:
            raise asyncssh.SFTPFailure("")
        return int(super().write(file_obj, offset, data))  # type: ignore[arg-type]

    def statvfs(self, path: bytes) -> asyncssh.SFTPVFSAttrs:
        real = asyncssh.SFTPVFSAttrs.from_local(os.statvfs(self.map_path(path)))
        real.bavail = 0
        return real


class DiskFullInWords(asyncssh.SFTPServer):
    """Says in the text of a Failure that its disk is full, as asyncssh and others do."""

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class RefusesSetstat(asyncssh.SFTPServer):
    """Lets nobody set times or modes."""

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        raise asyncssh.SFTPPermissionDenied("no setstat here")

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        raise asyncssh.SFTPPermissionDenied("no setstat here")


class RefusesRename(asyncssh.SFTPServer):
    """A drop folder: write only."""

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("no rename here")

    rename = posix_rename


class TellsNothing(asyncssh.SFTPServer):
    """Leaves out sizes, modes and times."""

    def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        super().lstat(path)
        return asyncssh.SFTPAttrs()


class HangsUpWhileWriting(Tidy):
    """Cuts the line after half a megabyte."""

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        if offset > 500_000:
            self.channel.get_connection().abort()
        return int(super().write(file_obj, offset, data))  # type: ignore[arg-type]


class HangsUpWhileReading(Tidy):
    """Cuts the line after half a megabyte."""

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        if offset > 500_000:
            self.channel.get_connection().abort()
        return bytes(super().read(file_obj, offset, size))  # type: ignore[arg-type]


class CountsTries(Account):
    """Refuses everybody and counts the passwords that it was shown; asks in both ways."""

    tries = 0

    def validate_password(self, username: str, password: str) -> bool:
        type(self).tries += 1
        return False

    def kbdint_auth_supported(self) -> bool:
        return True

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Question:
        return "", "", "", [("Password: ", False)]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        type(self).tries += 1
        return False


class AsksKeyboardInteractive(asyncssh.SSHServer):
    """Knows no password logins, only questions."""

    def begin_auth(self, username: str) -> bool:
        return True

    def kbdint_auth_supported(self) -> bool:
        return True

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Question:
        return "Welcome", "answer, please", "", [("Your code: ", False)]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        return (username, list(responses)) == (USER, [PASSWORD])
