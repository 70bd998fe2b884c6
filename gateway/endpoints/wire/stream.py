"""The bytes of one open file over a pipe: many requests under way, memory bounded, blocks in order."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from typing import Protocol, TypeVar

import asyncssh

from gateway.endpoints.wire import packets
from gateway.endpoints.wire.client import WireFile
from gateway.endpoints.wire.packets import Ask, Reader, Told
from gateway.endpoints.wire.pipe import Pipe

T = TypeVar("T")

_WINDOW_BYTES = 4 * 1024 * 1024
"""Under way on one file."""
_TOGETHER_BYTES = 4 * 255 * 1024
"""So much is asked for, and given on, in one go where it can be."""
_HELD_BYTES_MAX = 16 * 1024 * 1024
"""Under way, or come and not yet taken, on all files of a pipe; each may have one block above that."""


class Call(Protocol):
    """Awaits one answer, errors turned into ours; what the source of the bytes raises passes unchanged."""

    def __call__(self, answer: Awaitable[T], /) -> Awaitable[T]:
        """The answer."""
        ...


class Upload:
    """Writes under way on one file."""

    def __init__(self, pipe: Pipe, file: WireFile, block_bytes: int, call: Call) -> None:
        self._pipe = pipe
        self._file = file
        self._block_bytes = block_bytes
        self._call = call
        self._waiting: deque[tuple[int, asyncio.Future[bytes]]] = deque()
        self._mine = 0

    async def send(self, blocks: AsyncIterator[bytes], offset: int) -> int:
        """Send all of `blocks`, those from `offset` on; the last ones may still be unanswered.  Returns the bytes."""
        at = offset
        async for block in blocks:
            view = memoryview(block)
            for start in range(0, len(view), self._block_bytes):
                piece = view[start : start + self._block_bytes]
                await self._room(len(piece))
                self._write(piece, at)
                at += len(piece)
        return at - offset

    async def _room(self, size: int) -> None:
        while self._waiting and (self._mine + size > _WINDOW_BYTES or self._pipe.held_bytes + size > _HELD_BYTES_MAX):
            await self._oldest()

    def _write(self, piece: memoryview, at: int) -> None:
        size = len(piece)
        self._waiting.append((size, self._pipe.ask(Ask.WRITE, self._file.handle, packets.reach(at, size), piece)))
        self._mine += size
        self._pipe.held_bytes += size

    async def _oldest(self) -> None:
        size, answer = self._waiting[0]
        await self._call(answer)
        self._waiting.popleft()
        self._give(size)

    def _give(self, size: int) -> None:
        self._mine -= size
        self._pipe.held_bytes -= size

    async def answered(self) -> None:
        """Return once every write was answered well."""
        while self._waiting:
            await self._oldest()

    def over(self) -> None:
        """Wait for nothing any more."""
        self._waiting.clear()
        self._give(self._mine)


class _Part:
    """One read under way."""

    __slots__ = ("answer", "at", "size")

    def __init__(self, at: int, size: int, answer: "asyncio.Future[bytes]") -> None:
        self.at = at
        self.size = size
        self.answer = answer


class Download:
    """Reads under way on one file; the window opens one request at a time, so that a small file costs few.

    With `eager` it opens to its full size, else only while answers come too late for whoever takes the blocks.
    """

    def __init__(self, pipe: Pipe, file: WireFile, block_bytes: int, *, eager: bool = True) -> None:
        self._pipe = pipe
        self._file = file
        self._block_bytes = block_bytes
        self._eager = eager
        self._parts: deque[_Part] = deque()
        self._held = 0

    async def blocks(self, offset: int) -> AsyncGenerator[bytes, None]:
        """From `offset` to the end, in order; short answers are completed."""
        told = self._pipe.ask(Ask.FSTAT, self._file.handle, expects=Told.ATTRS)
        next_at, window = offset, self._block_bytes
        try:
            while True:
                for _ in range(self._room(window)):
                    self._parts.append(self._ask(next_at, self._block_bytes))
                    next_at += self._block_bytes
                late = not self._parts[0].answer.done()
                found, part = await self._come()
                last = found[-1]
                if found[0]:
                    yield b"".join(found)
                end = part.at + len(last)
                if not last or (part.at == offset and len(last) < part.size and await _size(told) == end):
                    return
                if len(last) < part.size:
                    self._parts.appendleft(self._ask(end, part.size - len(last)))
                elif late or self._eager:
                    window = min(window + len(found) * self._block_bytes, _WINDOW_BYTES)
        finally:
            self._pipe.held_bytes -= self._held
            self._parts.clear()

    def _room(self, window: int) -> int:
        """How many requests are to be sent now: some together once the window is wide, for each write costs."""
        least = 0 if self._parts else 1
        free = window - self._held
        if window == _WINDOW_BYTES and free < _TOGETHER_BYTES:
            return least
        return max(least, min(free, _HELD_BYTES_MAX - self._pipe.held_bytes) // self._block_bytes)

    def _ask(self, at: int, size: int) -> _Part:
        self._held += size
        self._pipe.held_bytes += size
        return _Part(at, size, self._pipe.ask(Ask.READ, self._file.handle, packets.reach(at, size), expects=Told.DATA))

    async def _come(self) -> tuple[list[memoryview], _Part]:
        """What the oldest read has given, and those behind it that have come as a whole meanwhile; the last read."""
        part = self._parts[0]
        found = [await self._taken(part)]
        size = part.size
        while self._eager and len(found[-1]) == part.size and size < _TOGETHER_BYTES and self._next_is_here():
            part = self._parts[0]
            found.append(await self._taken(part))
            size += part.size
        return found, part

    def _next_is_here(self) -> bool:
        return bool(self._parts) and self._parts[0].answer.done() and self._parts[0].answer.exception() is None

    async def _taken(self, part: _Part) -> memoryview:
        """What a read has given; none at the end."""
        try:
            block = Reader(await part.answer).view()
        except asyncssh.SFTPEOFError:
            block = memoryview(b"")
        if len(block) > part.size:
            raise asyncssh.SFTPBadMessage(f"{len(block)} bytes came where {part.size} were asked for")
        self._parts.popleft()
        self._held -= part.size
        self._pipe.held_bytes -= part.size
        return block


async def _size(told: "asyncio.Future[bytes]") -> int | None:
    """The size that the file had when it was opened; None where the server doesn't tell."""
    try:
        return Reader(await told).attrs().size
    except asyncssh.SFTPConnectionLost:
        raise
    except asyncssh.SFTPError:
        return None
