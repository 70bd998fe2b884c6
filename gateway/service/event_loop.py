"""The event loop that the gateway runs on: uvloop where there is one; many small files go a fifth faster on it."""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Callable, Coroutine
from threading import Thread
from traceback import print_exception
from typing import Any, TypeVar

from gateway.core.errors import GatewayError
from gateway.core.heap import keep_freed_blocks

T = TypeVar("T")
_LAST_WAIT_S = 3.0
_OBJECTS = 20_000
"""New ones, before the youngest are looked through."""


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` on the best loop there is."""
    keep_freed_blocks()
    with asyncio.Runner(loop_factory=_best()) as runner:
        return runner.run(work)


def serve_to_end(work: Coroutine[Any, Any, None]) -> None:
    """The same for what ends its process: threads that hang in the kernel, on a server that is gone, don't keep it."""

    end = _End()

    async def ending() -> None:
        try:
            await work
        except BaseException as error:
            end.error = error
            raise
        finally:
            Thread(target=end.come, name="end", daemon=True).start()

    try:
        run_to_end(ending())
    finally:
        end.is_told = True  # by whoever called


class _End:
    """All is in the ledger, and that is closed: whoever still hangs is not waited for."""

    error: BaseException | None = None
    is_told = False

    def come(self) -> None:
        """In a thread."""
        time.sleep(_LAST_WAIT_S)
        if self.error is not None and not self.is_told:
            self._tell(self.error)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self._code())

    def _tell(self, error: BaseException) -> None:
        if isinstance(error, GatewayError):
            sys.stderr.write(f"gateway: {error}\n")
        else:
            print_exception(error)

    def _code(self) -> int:
        if isinstance(self.error, GatewayError):
            return self.error.exit_code
        return 0 if self.error is None else 1


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
