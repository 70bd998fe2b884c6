"""A thread for one thing that may hang: an FTP session, a name that is looked up.

Not the default executor: servers that hang would take all of its threads.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class OwnThread:
    """Does one thing after the other; what hangs is ended by shutting its socket down, not by waiting."""

    def __init__(self, name: str) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._ended = False
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while (item := self._work.get()) is not None:
            work, answer = item
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                answer.set_result(work())
            except BaseException as exc:  # whatever it is belongs to whoever waits
                answer.set_exception(exc)
            del work, answer, item

    def start(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """What `work` will return or raise, to be awaited on the loop; after the end a ConnectionAbortedError."""
        answer: Future[T] = Future()
        if self._ended:
            answer.set_exception(ConnectionAbortedError("it was ended before"))
        else:
            self._work.put((work, answer))
        return asyncio.wrap_future(answer)

    def end(self) -> None:
        """No more work after what is under way."""
        self._ended = True
        self._work.put(None)
