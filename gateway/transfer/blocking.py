"""Long blocking work in a thread that a cancel ends at its next block; the machine's errors become ours."""

import asyncio
import errno
import threading
from collections.abc import Callable
from typing import TypeVar

from gateway.core.errors import GatewayError, NeedsOperator, NoSpace, PathRefused
from gateway.transfer.bounded import to_the_end

T = TypeVar("T")


class Stopped(Exception):
    """The work was asked to end."""


class Stop:
    """How the event loop tells a thread to end."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def ask(self) -> None:
        """End at the next block."""
        self._event.set()

    def check(self) -> None:
        """Raises Stopped once asked to end."""
        if self._event.is_set():
            raise Stopped


async def in_thread(work: Callable[[Stop], T]) -> T:
    """Run `work` in a thread; a cancel ends it and returns once it has ended, so that nobody writes behind us."""
    stop = Stop()
    task = asyncio.ensure_future(asyncio.to_thread(_translated, work, stop))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.ask()
        await to_the_end(asyncio.wait({task}))
        if not task.cancelled():
            task.exception()
        raise


def _translated(work: Callable[[Stop], T], stop: Stop) -> T:
    try:
        return work(stop)
    except OSError as exc:
        raise _ours(exc) from exc


def _ours(exc: OSError) -> GatewayError:
    said = f"{exc.filename or 'this machine'}: {exc.strerror}"
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace(f"{said}; free some space")
    if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return PathRefused(f"{said}; give the gateway's user access")
    return NeedsOperator(f"{said}; look at this path")
