"""The event loop that the gateway runs on: uvloop where there is one; many small files go a fifth faster on it."""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Callable, Coroutine
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")
_LAST_WAIT_S = 3.0
_OBJECTS = 20_000
"""New ones, before the youngest are looked through."""


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` on the best loop there is."""
    with asyncio.Runner(loop_factory=_best()) as runner:
        return runner.run(work)


def serve_to_end(work: Coroutine[Any, Any, None]) -> None:
    """The same for what ends its process: threads that hang in the kernel, on a server that is gone, don't keep it."""

    async def ending() -> None:
        await work
        Thread(target=_end, name="end", daemon=True).start()

    run_to_end(ending())


def _end() -> None:
    """All is in the ledger, and that is closed: whoever still hangs is not waited for."""
    time.sleep(_LAST_WAIT_S)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def spare_collector() -> None:
    """What stands now stays: the garbage collector leaves it alone, and comes less often for the rest.

    By default it walks all that a service holds whenever some thousand files have passed, a tenth of their time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS, 20, 20)


def _best() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # it exists for Linux only
        return None
    return uvloop.new_event_loop
