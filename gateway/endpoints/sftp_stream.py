"""The bytes of one open remote file: several requests under way, blocks in order, every wait bounded."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterable
from typing import Protocol, TypeVar

from gateway.endpoints.blocks import pieces
from gateway.endpoints.sftp_calls import SftpFile

T = TypeVar("T")

_WINDOW_BYTES = 4 * 1024 * 1024  # under way on one file
_WINDOW_MIN, _WINDOW_MAX = 16, 128  # requests
WINDOW_BYTES = 8 * 1024 * 1024
"""More than any of our ways to write has under way on one file."""


def _window(block_bytes: int) -> int:
    return max(_WINDOW_MIN, min(_WINDOW_BYTES // block_bytes, _WINDOW_MAX))


class Call(Protocol):
    """Awaits one answer within its deadline, errors turned into ours."""

    async def __call__(self, answer: Awaitable[T]) -> T:
        """The answer."""
        ...


async def read_blocks(
    file: SftpFile, call: Call, offset: int, block_bytes: int, *, eager: bool = True
) -> AsyncGenerator[bytes, None]:
    """Blocks from `offset` to the end, in order; short answers are completed.

    The window opens one request at a time, so that a small file costs two.  With `eager` it opens to its full size,
    else only while answers come too late for whoever takes the blocks.
    """
    pending: deque[tuple[int, int, asyncio.Task[bytes]]] = deque()
    window = 1

    def ask(at: int, size: int) -> tuple[int, int, asyncio.Task[bytes]]:
        return at, size, asyncio.ensure_future(file.read(size, at))

    try:
        while True:
            while len(pending) < window:
                pending.append(ask(offset, block_bytes))
                offset += block_bytes
            at, size, task = pending.popleft()
            late = not task.done()
            block = await call(task)
            if not block:
                return
            yield block
            if len(block) < size:
                pending.appendleft(ask(at + len(block), size - len(block)))
            elif late or eager:
                window = min(window + 1, _window(block_bytes))
    finally:
        await _drop(task for _, _, task in pending)


async def write_blocks(file: SftpFile, call: Call, blocks: AsyncIterator[bytes], offset: int, block_bytes: int) -> int:
    """Write `blocks` from `offset` on, in order; returns the bytes written once every write was answered."""
    pending: deque[asyncio.Task[int]] = deque()
    start = offset

    try:
        async for piece in pieces(blocks, block_bytes):
            if len(pending) >= _window(block_bytes):
                await call(pending.popleft())
            pending.append(asyncio.ensure_future(file.write(piece, offset)))
            offset += len(piece)
        while pending:
            await call(pending.popleft())
    finally:
        await _drop(pending)
    return offset - start


async def _drop(tasks: Iterable[asyncio.Task[T]]) -> None:
    """Forget requests whose answers nobody waits for any more."""
    left = list(tasks)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
