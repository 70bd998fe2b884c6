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
    """What was seen in one folder.

    A name that starts with a dot is a partial.  Any other may only appear by a rename; being created or written is
    half a file under a final name, and recorded in `torn`.  With `taken` every arrival is moved there at once, as most
    recipients do: a second delivery cannot hide behind the first.
    """

    def __init__(self, folder: Path, taken: Path | None = None) -> None:
        self.folder = folder
        self.taken = taken
        self.counts: Counter[str] = Counter()
        self.digests: dict[str, str] = {}
        self.torn: list[str] = []
        self.lost_events = False
        self._partial_seen = threading.Event()
        self._inotify = inotify.opened()
        inotify.watch(self._inotify, folder, MODIFY | MOVED_TO | CREATE)
        self._ended, self._end = os.pipe()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def next_partial(self, limit_s: float) -> bool:
        """Wait until a partial is begun, written or taken from now on; False if none was."""
        self._partial_seen.clear()
        return self._partial_seen.wait(limit_s)

    def close(self) -> None:
        """Read what is left and end."""
        os.write(self._end, b"x")
        self._thread.join(10)
        for number in (self._inotify, self._ended, self._end):
            os.close(number)

    def _watch(self) -> None:
        while True:
            ready, _, _ = select.select([self._inotify, self._ended], [], [])
            if self._inotify in ready:
                self._read()
            elif ready:
                return

    def _read(self) -> None:
        for _, mask, name in inotify.events(self._inotify):
            self.lost_events = self.lost_events or bool(mask & OVERFLOW)
            if name.startswith("."):
                self._partial_seen.set()
            elif name:
                self._seen(name, mask)

    def _seen(self, name: str, mask: int) -> None:
        if not mask & MOVED_TO:
            self.torn.append(name)
            return
        self.counts[name] += 1
        path = self.folder / name
        with path.open("rb") as file:
            self.digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
        if self.taken is not None:
            path.rename(self.taken / f"{name}.{self.counts[name]}")


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
