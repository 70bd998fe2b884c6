"""Watches a recipient's folder through the kernel: what took a final name, how often, and whether it was whole."""

import hashlib
import os
import select
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance import inotify
from tests.acceptance.inotify import CREATE, MODIFY, MOVED_TO, OVERFLOW


class Arrivals:
    """What was seen in one folder, up to the moment in which one asks.

    A name that starts with a dot is a partial.  Any other may only appear by a rename; being created or written is
    half a file under a final name, and recorded in `torn`.  With `taken` every arrival is moved there at once, as most
    recipients do: a second delivery cannot hide behind the first.
    """

    def __init__(self, folder: Path, taken: Path | None = None) -> None:
        self.folder = folder
        self.taken = taken
        self._counts: Counter[str] = Counter()
        self._digests: dict[str, str] = {}
        self._torn: list[str] = []
        self._failure: Exception | None = None
        self._closed = False
        self._reading = threading.Lock()
        self._inotify = inotify.opened()
        inotify.watch(self._inotify, folder, MODIFY | MOVED_TO | CREATE)
        self._ended, self._end = os.pipe()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    @property
    def counts(self) -> Counter[str]:
        """How often each final name was taken."""
        self._catch_up()
        return self._counts.copy()

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of what arrived last under each name."""
        self._catch_up()
        return dict(self._digests)

    @property
    def torn(self) -> list[str]:
        """Final names under which something was made or written."""
        self._catch_up()
        return list(self._torn)

    def close(self) -> None:
        """Read what is left and end.  Raises what kept it from seeing everything."""
        os.write(self._end, b"x")
        self._thread.join(100)
        assert not self._thread.is_alive(), "arrivals are still being read"
        try:
            self._catch_up()
        finally:
            self._closed = True
            for number in (self._inotify, self._ended, self._end):
                os.close(number)

    def _watch(self) -> None:
        while self._ended not in select.select([self._inotify, self._ended], [], [])[0]:
            try:
                self._catch_up()
            except Exception:
                return  # whoever asks is told

    def _catch_up(self) -> None:
        """The kernel has told of a name as soon as it is there: what one sees oneself was counted."""
        with self._reading:
            try:
                while not self._closed and self._failure is None and self._read():
                    pass
            except Exception as exc:
                self._failure = exc
        if self._failure is not None:
            raise self._failure

    def _read(self) -> bool:
        """True if anything was told."""
        told = list(inotify.events(self._inotify))
        for _, mask, name in told:
            if mask & OVERFLOW:
                raise OSError("the kernel dropped events: arrivals were not counted")
            if name and not name.startswith("."):
                self._seen(name, mask)
        return bool(told)

    def _seen(self, name: str, mask: int) -> None:
        if not mask & MOVED_TO:
            self._torn.append(name)
            return
        self._counts[name] += 1
        path = self.folder / name
        with path.open("rb") as file:
            self._digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
        if self.taken is not None:
            path.rename(self.taken / f"{name}.{self._counts[name]}")


@contextmanager
def arrivals_in(folder: Path, taken: Path | None = None) -> Iterator[Arrivals]:
    """Watch `folder` during the block; both folders are made."""
    for made in (folder, taken):
        if made is not None:
            made.mkdir(parents=True, exist_ok=True)
    watcher = Arrivals(folder, taken)
    try:
        yield watcher
    finally:
        watcher.close()
