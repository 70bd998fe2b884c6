"""What was read of a source for one destination and is still to be sent to others."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from gateway.core.model import Stamp
from gateway.endpoints.base import Whole

LIMIT_BYTES = 128 * 1024 * 1024
_COST_BYTES = 512
"""What keeping a file costs beyond its bytes."""


@dataclass(slots=True)
class _Kept:
    whole: Whole
    left: int


class ContentCache:
    """Whole files by their paths: the oldest goes when there is no room, each once as many readers have had it.

    `wants` and `keep` are for the index: its threads fill the cache while they hash.
    """

    def __init__(self, readers: int, limit_bytes: int = LIMIT_BYTES) -> None:
        self._readers = readers
        self._limit = limit_bytes
        self._kept: dict[str, _Kept] = {}
        self._held = 0
        self._lock = Lock()

    @property
    def held_bytes(self) -> int:
        """So much is kept now."""
        return self._held

    def fits(self, size_bytes: int) -> bool:
        """True for a file that is worth keeping: not all others would go for it."""
        return size_bytes + _COST_BYTES <= self._limit

    def wants(self, size_bytes: int) -> bool:
        """True if a file of that size can be kept without another one's going."""
        return self._held + size_bytes + _COST_BYTES <= self._limit

    def keep(self, path: str, stamp: Stamp, data: bytes) -> None:
        """Keep the whole content of a file that had this stamp before and after it was read, if there is room."""
        with self._lock:
            if self.wants(len(data)):
                self.put(path, data, stamp, {})

    def put(self, path: str, data: bytes, stamp: Stamp, digests: Mapping[str, str]) -> None:
        """Keep a file: `stamp` is what it showed both before and after it was read."""
        if not self.fits(len(data)):
            return
        self.forget(path)
        self._held += len(data) + _COST_BYTES
        self._kept[path] = _Kept(Whole(data, stamp, stamp, digests), self._readers)
        while self._held > self._limit:
            self.forget(next(iter(self._kept)))

    def take(self, path: str) -> Whole | None:
        """A file for one reader, None if it isn't kept."""
        kept = self._kept.get(path)
        if kept is None:
            return None
        kept.left -= 1
        if kept.left <= 0:
            self.forget(path)
        return kept.whole

    def learn(self, path: str, whole: Whole) -> None:
        """The same file, with digests that were made of it since."""
        if path in self._kept:
            self._kept[path].whole = whole

    def forget(self, path: str) -> None:
        """Keep it no longer."""
        kept = self._kept.pop(path, None)
        if kept is not None:
            self._held -= len(kept.whole.data) + _COST_BYTES

    def clear(self) -> None:
        """Nobody reads any more."""
        self._kept.clear()
        self._held = 0
