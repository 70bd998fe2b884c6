"""Sees through the kernel what happens in many folders at once, in the order in which it happened."""

import os
import select
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.acceptance import inotify
from tests.acceptance.inotify import CREATE, DELETE, IS_FOLDER, MODIFY, MOVED_FROM, MOVED_TO, OVERFLOW

Seen = Callable[[str, int], None]
"""Is told the name and what happened to it."""


@dataclass(frozen=True)
class Sign:
    """What a kill may wait for: something happened on a route."""

    route: str
    what: str


class Lookout:
    """One thread that reads what the kernel tells of all folders, and calls whoever watches each."""

    def __init__(self) -> None:
        self._watchers: dict[int, Seen] = {}
        self._inotify = inotify.opened()
        self._ended, self._end = os.pipe()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._awaited: frozenset[Sign] = frozenset()
        self._came = threading.Event()
        self.failure: BaseException | None = None
        """What ended it: nothing that was seen after it is known."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.write(self._end, b"x")
        self._thread.join(100)
        for number in (self._inotify, self._ended, self._end):
            os.close(number)

    def watch(self, folder: Path, seen: Seen) -> None:
        """Call `seen` with all that happens in `folder` from now on; the folder is made."""
        folder.mkdir(parents=True, exist_ok=True)
        mask = MODIFY | MOVED_FROM | MOVED_TO | CREATE | DELETE
        self._watchers[inotify.watch(self._inotify, folder, mask)] = seen

    def tell(self, sign: Sign) -> None:
        """Wake whoever waits for it."""
        if sign in self._awaited:
            self._came.set()

    def waits_for(self, sign: Sign) -> bool:
        """True if it is worth finding out whether this happened."""
        return sign in self._awaited

    def wait_for(self, signs: frozenset[Sign], limit_s: float) -> bool:
        """Wait until one of them comes from now on; False if none did."""
        self._came.clear()
        self._awaited = signs
        try:
            return self._came.wait(limit_s)
        finally:
            self._awaited = frozenset()

    def _watch(self) -> None:
        try:
            while self._inotify in select.select([self._inotify, self._ended], [], [])[0]:
                self._read()
        except BaseException as exc:
            self.failure = exc
            raise

    def _read(self) -> None:
        for number, mask, name in inotify.events(self._inotify):
            if mask & OVERFLOW:
                raise OSError("the kernel dropped events: arrivals were not counted")
            if name and not mask & IS_FOLDER:
                self._watchers[number](name, mask)
