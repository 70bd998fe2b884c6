"""The calls of SFTP over a pipe, with the names that asyncssh's client gives them."""

# ruff: noqa: ARG002  (signatures are given by the seam)

import asyncio
from collections.abc import AsyncIterator

import asyncssh

from gateway.endpoints.wire import packets
from gateway.endpoints.wire.packets import Ask, Attrs, Limits, Name, Reader, Space, Told, blob, text
from gateway.endpoints.wire.pipe import Pipe, open_pipe


class WireFile:
    """An open file on the server."""

    def __init__(self, pipe: Pipe, handle: bytes) -> None:
        self._pipe = pipe
        self.handle = blob(handle)

    async def read(self, size: int, offset: int) -> bytes:
        """At most `size` bytes; none at the end."""
        try:
            asked = self._pipe.ask(Ask.READ, self.handle, packets.reach(offset, size), expects=Told.DATA)
            return Reader(await asked).blob()
        except asyncssh.SFTPEOFError:
            return b""

    async def write(self, data: bytes, offset: int) -> int:
        """All of `data`."""
        await self._pipe.ask(Ask.WRITE, self.handle, packets.reach(offset, len(data)), data)
        return len(data)

    async def stat(self) -> Attrs:
        """Of the open file."""
        return Reader(await self._pipe.ask(Ask.FSTAT, self.handle, expects=Told.ATTRS)).attrs()

    async def truncate(self, size: int) -> None:
        """Cut, or filled with zeros."""
        await self._pipe.ask(Ask.FSETSTAT, self.handle, packets.attrs_size(size))

    def ask_time(self, seconds: int) -> "asyncio.Future[bytes]":
        """The answer to setting both times."""
        try:
            times = packets.attrs_times(seconds)
        except asyncssh.SFTPError as exc:
            return self._pipe.refused(exc)
        return self._pipe.ask(Ask.FSETSTAT, self.handle, times)

    def ask_fsync(self) -> "asyncio.Future[bytes]":
        """The answer to a flush of the bytes to disk."""
        return self._pipe.ask(Ask.EXTENDED, text("fsync@openssh.com"), self.handle)

    async def fsync(self) -> None:
        """Bytes to disk."""
        await self.ask_fsync()

    async def close(self) -> None:
        """Answered once the server has closed it."""
        await self._pipe.ask(Ask.CLOSE, self.handle)


class WireClient:
    """One SFTP channel."""

    def __init__(self, pipe: Pipe, extensions: frozenset[str], limits: Limits) -> None:
        self.pipe = pipe
        self.extensions = extensions
        self.limits = limits

    async def realpath(self, path: str) -> str:
        """The path as the server spells it."""
        names = Reader(await self.pipe.ask(Ask.REALPATH, text(path), expects=Told.NAME)).names()
        return next(name.filename for name in names)

    def ask_lstat(self, path: str, after: "asyncio.Future[bytes] | None" = None) -> "asyncio.Future[bytes]":
        """The attributes, to be read; an answer that comes before that of `after` counts for nothing."""
        return self.pipe.ask(Ask.LSTAT, text(path), expects=Told.ATTRS, after=after)

    async def lstat(self, path: str) -> Attrs:
        """Links are not followed."""
        return Reader(await self.ask_lstat(path)).attrs()

    async def stat(self, path: str) -> Attrs:
        """Links are followed."""
        return Reader(await self.pipe.ask(Ask.STAT, text(path), expects=Told.ATTRS)).attrs()

    async def scandir(self, path: str) -> AsyncIterator[Name]:
        """As the server lists it, a batch of names at a time."""
        handle = blob(Reader(await self.pipe.ask(Ask.OPENDIR, text(path), expects=Told.HANDLE)).blob())
        try:
            while True:
                try:
                    body = await self.pipe.ask(Ask.READDIR, handle, expects=Told.NAME)
                except asyncssh.SFTPEOFError:
                    return
                names = list(Reader(body).names())
                if not names:
                    return  # the end for some; without this a server could go on for ever
                for name in names:
                    yield name
        finally:
            self.pipe.ask(Ask.CLOSE, handle)

    async def open(self, path: str, pflags: int, *, encoding: None = None, block_size: int = 0) -> WireFile:
        """`pflags` as version 3 numbers them.  What a cancelled call has opened is closed by the pipe."""
        asked = self.pipe.ask(Ask.OPEN, text(path), packets.number(pflags), packets.NO_ATTRS, expects=Told.HANDLE)
        return WireFile(self.pipe, Reader(await asked).blob())

    async def statvfs(self, path: str) -> Space:
        """How full the file system is."""
        asked = self.pipe.ask(Ask.EXTENDED, text("statvfs@openssh.com"), text(path), expects=Told.EXTENDED_REPLY)
        return Reader(await asked).space()

    async def posix_rename(self, source: str, target: str) -> None:
        """Onto what stands there, in one step."""
        await self.pipe.ask(Ask.EXTENDED, text("posix-rename@openssh.com"), text(source), text(target))

    async def rename(self, source: str, target: str) -> None:
        """Where nothing stands."""
        await self.pipe.ask(Ask.RENAME, text(source), text(target))

    async def remove(self, path: str) -> None:
        """One file."""
        await self.pipe.ask(Ask.REMOVE, text(path))

    async def mkdir(self, path: str) -> None:
        """One folder."""
        await self.pipe.ask(Ask.MKDIR, text(path), packets.NO_ATTRS)

    async def rmdir(self, path: str) -> None:
        """One empty folder."""
        await self.pipe.ask(Ask.RMDIR, text(path))

    async def utime(self, path: str, times: tuple[int, int]) -> None:
        """Both times, in seconds."""
        await self.pipe.ask(Ask.SETSTAT, text(path), packets.attrs_times(times[1]))

    async def chmod(self, path: str, mode: int) -> None:
        """The permission bits."""
        await self.pipe.ask(Ask.SETSTAT, text(path), packets.attrs_mode(mode))

    def exit(self) -> None:
        """End the channel."""
        self.pipe.hang_up()


async def open_client(connection: asyncssh.SSHClientConnection, deadline_s: float) -> WireClient:
    """Start SFTP and learn its limits.  Raises asyncssh.Error."""
    pipe, extensions = await open_pipe(connection, deadline_s)
    limits = Limits()
    if "limits" in extensions:
        asked = pipe.ask(Ask.EXTENDED, text("limits@openssh.com"), expects=Told.EXTENDED_REPLY)
        limits = Reader(await asked).limits()
    return WireClient(pipe, extensions, limits)
