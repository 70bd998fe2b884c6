"""An SFTP endpoint on our own requests: what belongs together leaves together."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import aclosing
from typing import TypeVar

import asyncssh

from gateway.core.errors import LinkLost
from gateway.endpoints.place import Place
from gateway.endpoints.sftp import SftpEndpoint
from gateway.endpoints.sftp_errors import sftp_errors
from gateway.endpoints.sftp_login import connect
from gateway.endpoints.sftp_session import Announced, SftpSession, started
from gateway.endpoints.wire.client import WireClient, WireFile, open_client
from gateway.endpoints.wire.packets import Ask
from gateway.endpoints.wire.stream import Download, Upload

T = TypeVar("T")

_LAST_ANSWERS_S = 1.0
_NEW = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC
_MORE = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT


class WireSession(SftpSession):
    """A connection whose SFTP channel is a pipe: the deadlines are the pipe's."""

    def __init__(self, place: Place, connection: asyncssh.SSHClientConnection, wire: WireClient) -> None:
        limits = wire.limits
        super().__init__(place, connection, wire, Announced(wire.extensions, limits.read_bytes, limits.write_bytes))
        self.wire = wire

    @property
    def usable(self) -> bool:
        """False once the link is gone or a request was left without its answer."""
        return self.wire.pipe.usable and super().usable

    async def call(self, what: str, answer: Awaitable[T]) -> T:
        """The answer, errors turned into ours."""
        try:
            with sftp_errors(what):
                return await answer
        except LinkLost:
            self.broken()
            raise

    async def close(self) -> None:
        """Let the server close what was let go, then as every session."""
        try:
            async with asyncio.timeout(_LAST_ANSWERS_S):
                await self.wire.pipe.idle()
        except TimeoutError:
            pass  # the channel's end closes them, too
        await super().close()


class PipelinedEndpoint(SftpEndpoint):
    """Files on an SFTP server, many under way on one session."""

    def __init__(self, session: WireSession) -> None:
        super().__init__(session)
        self._wire = session.wire
        self._pipe = session.wire.pipe
        self._block_bytes = session.write_bytes

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """Several requests under way, blocks in order."""
        what = self._what(path)
        file = await self._session.call(what, self._wire.open(self._at(path), asyncssh.FXF_READ))
        try:
            async with aclosing(self._blocks(what, file, offset)) as blocks:
                async for block in blocks:
                    yield block
        finally:
            self._pipe.ask(Ask.CLOSE, file.handle)  # nothing depends on its answer

    async def _blocks(self, what: str, file: WireFile, offset: int) -> AsyncGenerator[bytes, None]:
        download = Download(self._pipe, file, self._session.read_bytes)
        async with aclosing(download.blocks(offset)) as blocks:
            while block := await self._session.call(what, anext(blocks, b"")):
                yield block

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        """The last bytes, the flush to disk and the close leave together."""
        async with self._full_told(path):
            file = await self._opened(path, _MORE if offset else _NEW)
            if offset:
                await self._cut_or_close(file, path, offset)
            return await self._put(path, file, blocks, offset, sync)

    async def append(self, path: str, blocks: AsyncIterator[bytes]) -> int:
        """Behind the size that the file has when it is opened."""
        async with self._full_told(path):
            file = await self._opened(path, _MORE)
            there = await self._session.call(self._what(path), file.stat())
            return await self._put(path, file, blocks, there.size or 0, True)

    async def _opened(self, path: str, flags: int) -> WireFile:
        return await self._session.call(self._what(path), self._wire.open(self._at(path), flags))

    async def _cut_or_close(self, file: WireFile, path: str, offset: int) -> None:
        try:
            await self._cut(file, path, offset)
        except BaseException:
            self._pipe.ask(Ask.CLOSE, file.handle)
            raise

    async def _put(self, path: str, file: WireFile, blocks: AsyncIterator[bytes], offset: int, sync: bool) -> int:
        """Send, then wait for every answer in the order of the requests."""
        call = self._call(path)
        upload = Upload(self._pipe, file, self._block_bytes, call)
        closed = None
        try:
            sent = await upload.send(blocks, offset)
            synced = self._synced(file) if sync else None
            closed = self._pipe.ask(Ask.CLOSE, file.handle)
            await upload.answered()
            if synced is not None:
                await self._session.call(f"{self._what(path)}: fsync", synced)
            await self._session.call(f"{self._what(path)}: closing", closed)
        finally:
            upload.over()
            if closed is None:
                self._pipe.ask(Ask.CLOSE, file.handle)
        return sent

    def _synced(self, file: WireFile) -> "asyncio.Future[bytes] | None":
        return file.ask_fsync() if self._features.fsync else None


async def open_pipelined(place: Place) -> PipelinedEndpoint:
    """Log in.  Raises HostKeyRefused, LoginRefused, PeerBusy, LinkLost or NeedsOperator."""
    connection = await connect(place)
    try:
        client = await started(place, open_client(connection, place.call_timeout_s))
        return PipelinedEndpoint(WireSession(place, connection, client))
    except BaseException:
        connection.abort()
        raise
