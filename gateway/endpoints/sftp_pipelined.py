"""An SFTP endpoint on our own requests: what belongs together leaves together."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TypeVar

import asyncssh

from gateway.core.errors import LinkLost
from gateway.core.model import Entry, Kind
from gateway.endpoints.base import Laid
from gateway.endpoints.place import Place
from gateway.endpoints.sftp import SftpEndpoint, entry_of
from gateway.endpoints.sftp_bulk import Manner, SftpBulk
from gateway.endpoints.sftp_errors import sftp_error
from gateway.endpoints.sftp_login import connect
from gateway.endpoints.sftp_session import Announced, SftpSession, started
from gateway.endpoints.wire.client import WireClient, WireFile, open_client
from gateway.endpoints.wire.packets import Ask, Reader
from gateway.endpoints.wire.stream import Download, Upload

T = TypeVar("T")

_LAST_ANSWERS_S = 1.0
_SECOND_NS = 1_000_000_000
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
            return await answer
        except (asyncssh.Error, OSError, EOFError) as exc:
            error = sftp_error(exc, what)
            if isinstance(error, LinkLost):
                self.broken()
            raise error from exc

    async def close(self) -> None:
        """Let the server close what was let go, then as every session."""
        try:
            async with asyncio.timeout(_LAST_ANSWERS_S):
                await self.wire.pipe.idle()
        except TimeoutError:
            pass  # the channel's end closes them, too
        await super().close()


@dataclass(frozen=True, slots=True)
class _Tail:
    """Where the bytes begin, and what follows them."""

    offset: int = 0
    sync: bool = True
    cut: bool = False
    mtime_ns: int | None = None
    look: bool = False


@dataclass(frozen=True, slots=True)
class _Ending:
    """The answers to what followed the bytes."""

    timed: "asyncio.Future[bytes] | None"
    synced: "asyncio.Future[bytes] | None"
    closed: "asyncio.Future[bytes]"
    seen: "asyncio.Future[bytes] | None"


class PipelinedEndpoint(SftpEndpoint):
    """Files on an SFTP server, many under way on one session."""

    def __init__(self, session: WireSession) -> None:
        super().__init__(session)
        self._wire = session.wire
        self._pipe = session.wire.pipe
        self._features = replace(self._features, ordered_renames=self._features.atomic_replace)
        self._block_bytes = session.write_bytes
        manner = Manner(
            at=self._at,
            broken=session.broken,
            fsync=self._features.fsync,
            block_bytes=session.write_bytes,
            follow_links=session.place.follow_links,
        )
        self._bulk = SftpBulk(self._wire, manner)

    @property
    def bulk_target(self) -> SftpBulk | None:  # type: ignore[override]
        """Where renames replace, and so follow each other."""
        return self._bulk if self._features.ordered_renames else None

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
        session = self._session
        download = Download(self._pipe, file, session.read_bytes, eager=session.eager)
        async with aclosing(download.blocks(offset)) as blocks:
            while block := await self._session.call(what, anext(blocks, b"")):
                yield block

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        """The last bytes, the flush to disk and the close leave together."""
        async with self._full_told(path):
            file = await self._opened(path, _MORE if offset else _NEW)
            return (await self._put(path, file, blocks, _Tail(offset, sync, cut=offset > 0))).size_bytes

    async def lay(self, path: str, blocks: AsyncIterator[bytes], *, mtime_ns: int | None = None) -> Laid:
        """The last bytes, the time, the flush, the close and the look leave together."""
        async with self._full_told(path):
            file = await self._opened(path, _NEW)
            return await self._put(path, file, blocks, _Tail(mtime_ns=mtime_ns, look=True))

    async def append(self, path: str, blocks: AsyncIterator[bytes]) -> int:
        """Behind the size that the file has when it is opened."""
        async with self._full_told(path):
            file = await self._opened(path, _MORE)
            there = await self._session.call(self._what(path), file.stat())
            return (await self._put(path, file, blocks, _Tail(there.size or 0))).size_bytes

    async def _opened(self, path: str, flags: int) -> WireFile:
        return await self._session.call(self._what(path), self._wire.open(self._at(path), flags))

    async def _put(self, path: str, file: WireFile, blocks: AsyncIterator[bytes], tail: _Tail) -> Laid:
        """Send, then wait for every answer in the order of the requests."""
        upload = Upload(self._pipe, file, self._block_bytes, self._call(path))
        ending = None
        try:
            sent = await upload.send(blocks, tail.offset)
            if tail.cut:
                await upload.answered()
                await self._cut(file, path, tail.offset + sent)
            ending = self._ending(path, file, tail)
            await upload.answered()
            return Laid(sent, *await self._ended(path, ending))
        finally:
            upload.over()
            if ending is None:
                self._pipe.ask(Ask.CLOSE, file.handle)

    def _ending(self, path: str, file: WireFile, tail: _Tail) -> _Ending:
        """Ask for all that follows the bytes; a look that was answered before the close doesn't count."""
        timed = None if tail.mtime_ns is None else file.ask_time(tail.mtime_ns // _SECOND_NS)
        synced = file.ask_fsync() if tail.sync and self._features.fsync else None
        closed = self._pipe.ask(Ask.CLOSE, file.handle)
        seen = self._wire.ask_lstat(self._at(path), closed) if tail.look else None
        return _Ending(timed, synced, closed, seen)

    async def _ended(self, path: str, ending: _Ending) -> tuple[bool | None, Entry | None]:
        """What became of the time, and what stands there."""
        what = self._what(path)
        taken = None if ending.timed is None else await _answer(ending.timed) is not None
        if ending.synced is not None:
            await self._session.call(f"{what}: fsync", ending.synced)
        await self._session.call(f"{what}: closing", ending.closed)
        body = None if ending.seen is None else await _answer(ending.seen)
        entry = None if body is None else entry_of(path, Reader(body).attrs())
        return taken, entry if entry is not None and entry.kind is Kind.FILE else None


async def _answer(asked: "asyncio.Future[bytes]") -> bytes | None:
    """The answer to what may be refused; None where it was."""
    try:
        return await asked
    except asyncssh.SFTPError:
        return None


async def open_pipelined(place: Place) -> PipelinedEndpoint:
    """Log in.  Raises HostKeyRefused, LoginRefused, PeerBusy, LinkLost or NeedsOperator."""
    connection = await connect(place)
    try:
        client = await started(place, open_client(connection, place.call_timeout_s))
        return PipelinedEndpoint(WireSession(place, connection, client))
    except BaseException:
        connection.abort()
        raise
