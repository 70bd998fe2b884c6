"""The SHA-256 of a file that passes through, in whatever order its pieces come."""

from collections.abc import Callable
from hashlib import sha256

_MOST_AHEAD = 1024
_READ_BYTES = 1 << 20


class Digest:
    """Told of each piece; hashes as far as the file has come without a gap, and reads back what came too early.

    A piece that comes twice, as where a client writes over what it wrote, leaves no hash.
    """

    def __init__(self, read_at: Callable[[int, int], bytes]) -> None:
        self._read_at = read_at
        self._hash = sha256()
        self._hashed = True
        self._ahead: dict[int, int] = {}
        self.end = 0
        """Up to here there is no gap."""

    def passed(self, offset: int, data: bytes) -> None:
        """A piece was written or read."""
        if offset == self.end:
            self._add(data)
        elif offset > self.end and len(self._ahead) < _MOST_AHEAD:
            self._ahead[offset] = max(len(data), self._ahead.get(offset, 0))
        else:
            self._hashed = False
            self.end = max(self.end, offset + len(data)) if offset < self.end else self.end
        if self._ahead:
            self._catch_up()

    def _add(self, data: bytes) -> None:
        if self._hashed:
            self._hash.update(data)
        self.end += len(data)

    def _catch_up(self) -> None:
        while (offset := min(self._ahead, default=self.end + 1)) <= self.end:
            size = self._ahead.pop(offset)
            if offset < self.end:
                self._hashed = False
                self.end = max(self.end, offset + size)
            else:
                self._add_back(size)

    def _add_back(self, size: int) -> None:
        end = self.end + size
        while self._hashed and self.end < end and (data := self._read_at(self.end, min(_READ_BYTES, end - self.end))):
            self._add(data)
        self._hashed = self._hashed and self.end == end
        self.end = end

    def cut(self, size_bytes: int) -> None:
        """The file was cut or lengthened to this size."""
        if size_bytes < self.end:
            self._hashed = False

    def of(self, size_bytes: int) -> str | None:
        """The hash of the whole file, which has this size; None if it isn't known."""
        return self._hash.hexdigest() if self._hashed and self.end == size_bytes else None
