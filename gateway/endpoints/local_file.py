"""An open file of this machine on which threads work, one piece of work at a time, while the loop does other things."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from gateway.endpoints import local_calls as calls
from gateway.endpoints.disk import Disk
from gateway.endpoints.os_errors import local_errors
from gateway.endpoints.session import within

T = TypeVar("T")

BLOCK_BYTES = 4 * 255 * 1024  # what SFTP takes without cutting off odd ends
_TOGETHER_BYTES = 4 * BLOCK_BYTES
"""So much is read or written in one go: each hop to a thread and back costs as much as the bytes."""
_TOGETHER_S = 0.02
"""What takes longer than this goes block by block: each then has the time of a call, and little is held."""


class OpenFile:
    """A descriptor, closed once the last work on it has ended: whoever gives up doesn't wait for a hung disk."""

    def __init__(self, descriptor: int, disk: Disk, what: str, timeout_s: float, remedy: str) -> None:
        self._descriptor = descriptor
        self._disk = disk
        self._what = what
        self._timeout_s = timeout_s
        self._remedy = remedy
        self._work: Future[Any] | None = None
        self._closes_itself = False

    def begin(self, work: Callable[[int], object]) -> None:
        """Start `work` on the descriptor; `ended` must have returned for the one before."""
        self._work = self._disk.start(partial(work, self._descriptor))

    async def ended(self) -> Any:
        """What the work has come to; raises GatewayErrors."""
        assert self._work is not None, "no work was begun"
        with local_errors(self._what):
            async with within(self._timeout_s, self._what, self._remedy):
                return await asyncio.wrap_future(self._work)

    async def finish(self, blocks: list[bytes], *, sync: bool) -> None:
        """Write the last blocks, have all on disk where asked, close; the close's error counts, too."""
        self._closes_itself = True
        self.begin(partial(_finish, blocks=blocks, sync=sync))
        await self.ended()

    def close(self) -> None:
        """Now, or as soon as the thread is done with it."""
        if self._work is None:
            os.close(self._descriptor)
        else:
            self._work.add_done_callback(self._close)

    def _close(self, work: "Future[Any]") -> None:
        if work.cancelled() or not self._closes_itself:  # cancelled: no thread ever began it
            os.close(self._descriptor)


async def rest_of(file: OpenFile, block: bytes, offset: int) -> AsyncGenerator[bytes, None]:
    """`block`, which stands at `offset`, and all behind it; the next ones are read while some are taken."""
    blocks = [block]
    while blocks:
        offset += sum(map(len, blocks))
        file.begin(partial(_read, offset=offset))
        for one in blocks:
            yield one
        blocks = await file.ended()


def _read(descriptor: int, offset: int) -> list[bytes]:
    """The next blocks, none at the end."""
    begun, at = time.monotonic(), offset
    blocks: list[bytes] = []
    while block := os.pread(descriptor, BLOCK_BYTES, at):
        blocks.append(block)
        at += len(block)
        if at - offset >= _TOGETHER_BYTES or time.monotonic() - begun >= _TOGETHER_S:
            break
    return blocks


async def fill(file: OpenFile, blocks: AsyncIterator[bytes], *, sync: bool) -> int:
    """Write `blocks` where the descriptor stands, some of them together while the next ones come; then close.

    Returns the bytes.
    """
    written, begun = 0, False
    held: list[bytes] = []
    async for some in _together(blocks):
        if begun:
            await file.ended()
        if held:
            file.begin(partial(_write, blocks=held))
            begun = True
        held = some
        written += sum(map(len, some))
    if begun:
        await file.ended()
    await file.finish(held, sync=sync)
    return written


def _write(descriptor: int, blocks: list[bytes]) -> None:
    for block in blocks:
        calls.write_all(descriptor, block)


def _finish(descriptor: int, blocks: list[bytes], *, sync: bool) -> None:
    try:
        _write(descriptor, blocks)
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _together(blocks: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    """Blocks in the order in which they come, as many as a thread should be asked for at once."""
    held: list[bytes] = []
    size, begun = 0, time.monotonic()
    async for block in blocks:
        held.append(block)
        size += len(block)
        if size >= _TOGETHER_BYTES or (size >= BLOCK_BYTES and time.monotonic() - begun >= _TOGETHER_S):
            yield held
            held, size, begun = [], 0, time.monotonic()
    if held:
        yield held
