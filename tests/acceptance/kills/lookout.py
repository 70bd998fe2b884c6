"""Sees through the kernel what happens in many folders at once, in the order in which it happened."""

import ctypes
import os
import select
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

MODIFY, MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x2, 0x40, 0x80, 0x100, 0x200
_OVERFLOW, _IS_FOLDER = 0x4000, 0x40000000
_HEAD = struct.Struct("iIII")
_LIBC = ctypes.CDLL(None, use_errno=True)

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
        self._inotify = _LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._inotify < 0:
            raise OSError(ctypes.get_errno(), "no inotify")
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
        self._thread.join(10)
        for number in (self._inotify, self._ended, self._end):
            os.close(number)

    def watch(self, folder: Path, seen: Seen) -> None:
        """Call `seen` with all that happens in `folder` from now on; the folder is made."""
        folder.mkdir(parents=True, exist_ok=True)
        mask = MODIFY | MOVED_FROM | MOVED_TO | CREATE | DELETE
        number = _LIBC.inotify_add_watch(self._inotify, os.fsencode(folder), mask)
        if number < 0:
            raise OSError(ctypes.get_errno(), f"{folder}: can't be watched")
        self._watchers[number] = seen

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
                self._read(os.read(self._inotify, 1 << 16))
        except BaseException as exc:
            self.failure = exc
            raise

    def _read(self, events: bytes) -> None:
        at = 0
        while at < len(events):
            number, mask, _, length = _HEAD.unpack_from(events, at)
            at += _HEAD.size
            name = os.fsdecode(events[at : at + length].rstrip(b"\0"))
            at += length
            if mask & _OVERFLOW:
                raise OSError("the kernel dropped events: arrivals were not counted")
            if name and not mask & _IS_FOLDER:
                self._watchers[number](name, mask)
