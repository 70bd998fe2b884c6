"""An event loop in a thread of its own: peers written with asyncio go on while a test waits."""

import asyncio
import threading
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")


class Background:
    """Enters asynchronous context managers, and leaves them all at its end."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def enter(self, manager: AbstractAsyncContextManager[T]) -> T:
        """Start a peer; what its context manager gives."""
        return asyncio.run_coroutine_threadsafe(self._stack.enter_async_context(manager), self._loop).result(100)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(100)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(100)
        self._loop.close()

    async def _close(self) -> None:
        await self._stack.aclose()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
