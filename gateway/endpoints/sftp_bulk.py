"""Many small files over one SFTP channel: each step is asked for all of them, then its answers are awaited."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import asyncssh

from gateway.core.errors import GatewayError, LinkLost, Retryable
from gateway.core.model import Entry, Kind
from gateway.endpoints.base import Laid, Small
from gateway.endpoints.sftp import entry_of
from gateway.endpoints.sftp_errors import sftp_error
from gateway.endpoints.wire import packets
from gateway.endpoints.wire.client import WireClient, WireFile
from gateway.endpoints.wire.packets import Ask, Reader, Told, text

_Answer = asyncio.Future[bytes]
_SECOND_NS = 1_000_000_000
_NEW = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC


@dataclass(frozen=True, slots=True)
class _Laying:
    """The answers to one file's bytes, in the order of the requests."""

    size_bytes: int
    must: tuple[_Answer, ...]
    timed: _Answer | None
    seen: _Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a session writes.  `at` spells a path as the server takes it, `broken` hears that the link is gone."""

    at: Callable[[str], str]
    broken: Callable[[], None]
    fsync: bool
    block_bytes: int
    follow_links: bool


class SftpBulk:
    """Small files of one session."""

    def __init__(self, wire: WireClient, manner: Manner) -> None:
        self._wire = wire
        self._manner = manner
        self._at = manner.at

    async def stat_all(self, paths: Sequence[str]) -> list[Entry | GatewayError]:
        """As the contract says."""
        asked = [self._wire.ask_lstat(self._at(path)) for path in paths]
        await _all(asked)
        return [self._entry(path, answer) for path, answer in zip(paths, asked, strict=True)]

    def _entry(self, path: str, answer: _Answer) -> Entry | GatewayError:
        error = self._error(path, answer)
        if error is not None:
            return error
        try:
            entry = entry_of(path, Reader(answer.result()).attrs())
        except asyncssh.SFTPError as exc:
            return sftp_error(exc, path)
        follow = self._manner.follow_links and entry.kind is Kind.LINK
        return Retryable(f"{path}: a link, to be followed by itself") if follow else entry

    async def lay_all(self, files: Sequence[Small]) -> list[Laid | GatewayError]:
        """As the contract says."""
        opened = [self._ask_open(file.path) for file in files]
        try:
            await _all(opened)
        except BaseException:
            self._let_go(opened)
            raise
        held = sum(len(file.data) for file in files)
        self._wire.pipe.held_bytes += held
        try:
            laying = [self._fill(file, answer) for file, answer in zip(files, opened, strict=True)]
            sent = [each for each in laying if isinstance(each, _Laying)]
            await _all(one for each in sent for one in (*each.must, each.timed, each.seen))
        finally:
            self._wire.pipe.held_bytes -= held
        return [self._laid(file.path, each) for file, each in zip(files, laying, strict=True)]

    def _ask_open(self, path: str) -> _Answer:
        name = text(self._at(path))
        return self._wire.pipe.ask(Ask.OPEN, name, packets.number(_NEW), packets.NO_ATTRS, expects=Told.HANDLE)

    def _let_go(self, opened: Sequence[_Answer]) -> None:
        """Nobody fills these: the pipe closes what is opened after a cancel."""
        for answer in opened:
            if not answer.cancel() and answer.exception() is None:
                self._wire.pipe.ask(Ask.CLOSE, packets.blob(Reader(answer.result()).blob()))

    def _fill(self, small: Small, opened: _Answer) -> _Laying | GatewayError:
        """Ask for the bytes and all that follows them; why not where the file could not be opened."""
        error = self._error(small.path, opened)
        if error is not None:
            return error
        try:
            file = WireFile(self._wire.pipe, Reader(opened.result()).blob())
        except asyncssh.SFTPError as exc:
            return sftp_error(exc, small.path)
        return self._ask_rest(small, file)

    def _ask_rest(self, small: Small, file: WireFile) -> _Laying:
        pipe, piece = self._wire.pipe, self._manner.block_bytes
        whole = memoryview(small.data)
        pieces = [(at, whole[at : at + piece]) for at in range(0, len(whole), piece)]
        written = [pipe.ask(Ask.WRITE, file.handle, packets.reach(at, len(some)), some) for at, some in pieces]
        timed = None if small.mtime_ns is None else file.ask_time(small.mtime_ns // _SECOND_NS)
        synced = [file.ask_fsync()] if self._manner.fsync else []
        closed = pipe.ask(Ask.CLOSE, file.handle)
        seen = self._wire.ask_lstat(self._at(small.path), closed)
        return _Laying(len(whole), (*written, *synced, closed), timed, seen)

    def _laid(self, path: str, laying: _Laying | GatewayError) -> Laid | GatewayError:
        if isinstance(laying, GatewayError):
            return laying
        for answer in laying.must:
            error = self._error(path, answer)
            if error is not None:
                return error
        taken = None if laying.timed is None else laying.timed.exception() is None
        entry = self._entry(path, laying.seen)
        seen = entry if isinstance(entry, Entry) and entry.kind is Kind.FILE else None
        return Laid(laying.size_bytes, taken, seen)

    async def rename_all(self, names: Sequence[tuple[str, str]]) -> list[GatewayError | None]:
        """As the contract says, each onto what stands there."""
        what = text("posix-rename@openssh.com")
        at, ask = self._at, self._wire.pipe.ask
        asked = [ask(Ask.EXTENDED, what, text(at(old)), text(at(new))) for old, new in names]
        await _all(asked)
        return [self._error(f"{old} -> {new}", answer) for (old, new), answer in zip(names, asked, strict=True)]

    def _error(self, what: str, answer: _Answer) -> GatewayError | None:
        exc = answer.exception()
        if exc is None:
            return None
        error = sftp_error(exc, what)
        error.__cause__ = exc
        if isinstance(error, LinkLost):
            self._manner.broken()
        return error


async def _all(asked: Iterable[_Answer | None]) -> None:
    """Every answer is there, good or bad; a cancel leaves what is under way to the pipe.

    Answers come mostly in order: once the last one is there, hardly any other is left to wait for.
    """
    for answer in reversed([answer for answer in asked if answer is not None]):
        if not answer.done():
            await asyncio.wait((answer,))
