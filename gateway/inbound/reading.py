"""A file that a client of the embedded SFTP server reads."""

import os
import stat
from pathlib import Path


class Reading:
    """Open for reading; counts what was read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sent_bytes = 0
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
        data = os.pread(self._fd, size, offset)
        self.sent_bytes += len(data)
        return data

    def close(self) -> None:
        """Done with it."""
        os.close(self._fd)
