"""A file that a client of the embedded servers reads."""

import os
import stat
import time
from pathlib import Path

from gateway.inbound.digest import Digest


class Reading:
    """Open for reading; counts and hashes what was read.  Also the file object that the FTP library reads from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self.closed = False
        self.opened_at = time.time_ns()
        self.was_read = False
        self.sent_bytes = 0
        self.is_whole = False  # told once it is closed: nothing of it was left out
        self.sha256: str | None = None  # likewise, where all was read once
        self._at = 0
        self._digest = Digest(self._again)
        # Not blocking, so that a FIFO can't hold a thread; then only regular files pass.
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            os.close(self._fd)
            raise PermissionError(13, "Not a regular file", str(path))

    def fileno(self) -> int:
        """The descriptor."""
        return self._fd

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`, none at the end."""
        data = self._again(offset, size)
        self.was_read = True
        self.sent_bytes += len(data)
        if data:
            self._digest.passed(offset, data)
        return data

    def _again(self, offset: int, size: int) -> bytes:
        return os.pread(self._fd, size, offset)

    def seek(self, offset: int) -> None:
        """Where the next `read` begins."""
        self._at = offset

    def read(self, size: int) -> bytes:
        """The next bytes, none at the end."""
        data = self.read_at(self._at, size)
        self._at += len(data)
        return data

    def close(self) -> None:
        """Done with it."""
        self.closed = True
        size_bytes = os.fstat(self._fd).st_size
        self.is_whole = self.was_read and self._digest.end >= size_bytes
        self.sha256 = self._digest.of(size_bytes) if self.is_whole else None
        os.close(self._fd)
