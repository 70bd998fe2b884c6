"""Who works beside the event loop: what a turned clock has to wait for before it goes on.

Threads and programs take real time, and on a busy machine a lot of it.  A test that turns a clock while they work would
let hours pass over them; one that turns it before they are done wakes nobody.
"""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.thread import _WorkItem
from functools import wraps
from typing import Any

from gateway.endpoints.own_thread import OwnThread
from gateway.ledger.writer import Writer

_LIMIT_S = 100.0
_CALM_TURNS = 3
_ROOM_S = 0.0005

_Work = Future[Any] | asyncio.Future[Any] | asyncio.subprocess.Process

_underway: dict[asyncio.AbstractEventLoop, set[_Work]] = {}
"""What each event loop waits for; a thread that hangs for a test that is over keeps nobody else waiting."""

_yielding: Counter[asyncio.AbstractEventLoop] = Counter()
"""How many of those who wait for it to settle are ready to go on: they do not wait for each other."""


async def settled(limit_s: float = _LIMIT_S) -> None:
    """Return once no thread and no program works for this loop, and nothing is left that could go on.

    Raises AssertionError where that takes too long: somebody hangs, or waits in a thread for what the test does next.
    """
    loop, end_s, calm = asyncio.get_running_loop(), time.monotonic() + limit_s, 0
    while calm < _CALM_TURNS:
        left = at_work(loop)
        if time.monotonic() > end_s:
            raise AssertionError(f"{left} threads and programs are still at work after {limit_s} s")
        if left:
            await asyncio.sleep(_ROOM_S)
        calm = 0 if left or await _is_busy(loop) else calm + 1


async def _is_busy(loop: asyncio.AbstractEventLoop) -> bool:
    """True if others went on while this one let them."""
    _yielding[loop] += 1
    try:
        await asyncio.sleep(0)
    finally:
        _yielding[loop] -= 1
    return len(loop._ready) > _yielding[loop]  # type: ignore[attr-defined]


def talks() -> bool:
    """True if this loop has a connection: who is at its other end may be at work, too, and nobody knows it."""
    selector = getattr(asyncio.get_running_loop(), "_selector", None)
    if selector is None:
        return True
    own = sum(isinstance(key.fileobj, socket.socket) for key in selector.get_map().values())
    return own > 1  # the first one wakes the loop itself


def at_work(loop: asyncio.AbstractEventLoop) -> int:
    """How many threads and programs work for it."""
    return sum(not _is_over(work) for work in tuple(_underway.get(loop, ())))


def _is_over(work: _Work) -> bool:
    return work.returncode is not None if isinstance(work, asyncio.subprocess.Process) else work.cancelled()


def _begun(work: _Work) -> None:
    """It works for the loop that runs here; what is begun elsewhere is begun for nobody who could wait."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    if loop not in _underway:
        for gone in [each for each in _underway if each.is_closed()]:
            del _underway[gone], _yielding[gone]
    _underway.setdefault(loop, set()).add(work)


def _over(work: _Work) -> None:
    for works in tuple(_underway.values()):
        works.discard(work)


def watch() -> None:
    """From now on all that works beside an event loop of this process is known."""
    _wrap(ThreadPoolExecutor, "submit", _in_a_pool)
    _wrap(_WorkItem, "run", _until_told)
    _wrap(Writer, "submit", _with_a_future)
    _wrap(OwnThread, "start", _with_a_future)
    _wrap(asyncio, "create_subprocess_exec", _as_a_program)


def _wrap(owner: Any, name: str, wrapped: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    method = getattr(owner, name)
    setattr(owner, name, wraps(method)(wrapped(method)))


def _in_a_pool(submit: Callable[..., Future[Any]]) -> Callable[..., Future[Any]]:
    def begun(*args: Any, **kwargs: Any) -> Future[Any]:
        future = submit(*args, **kwargs)
        _begun(future)
        if hasattr(future, "told"):  # it was over before we knew of it
            _over(future)
        return future

    return begun


def _until_told(run: Callable[..., None]) -> Callable[..., None]:
    """A work is over once its thread has told the loop, which comes after its future says `done`."""

    def told(item: _WorkItem[Any], *args: Any) -> None:
        future = item.future
        try:
            run(item, *args)
        finally:
            future.told = True  # type: ignore[attr-defined]
            _over(future)

    return told


def _with_a_future(method: "Callable[..., asyncio.Future[Any]]") -> "Callable[..., asyncio.Future[Any]]":
    def begun(*args: Any, **kwargs: Any) -> "asyncio.Future[Any]":
        future = method(*args, **kwargs)
        _begun(future)
        future.add_done_callback(_over)
        return future

    return begun


def _as_a_program(
    start: Callable[..., Awaitable[asyncio.subprocess.Process]],
) -> Callable[..., Awaitable[asyncio.subprocess.Process]]:
    async def started(*args: Any, **kwargs: Any) -> asyncio.subprocess.Process:
        process = await start(*args, **kwargs)
        _begun(process)
        return process

    return started
