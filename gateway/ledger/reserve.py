"""A file of real blocks beside the ledger, given up when the disk is full, so that outcomes can still be written."""

import contextlib
import os
import shutil
from pathlib import Path

RESERVE_BYTES = 8 * 1024 * 1024


class Reserve:
    """Blocks kept back for the outcomes of what is under way when the disk fills."""

    def __init__(self, folder: Path, size_bytes: int = RESERVE_BYTES) -> None:
        self._path = folder / "reserve"
        self._size_bytes = size_bytes

    @property
    def kept(self) -> bool:
        """True while the reserve is there; without it no new file is taken."""
        return self._size_bytes == 0 or self._path.exists()

    def make(self) -> bool:
        """Lay the reserve down if it is missing and the disk has room for it twice; False if it has not."""
        if self.kept:
            return True
        if shutil.disk_usage(self._path.parent).free < 2 * self._size_bytes:
            return False
        temporary = self._path.with_suffix(".new")
        try:
            with temporary.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._size_bytes)
            temporary.replace(self._path)
        except OSError:
            temporary.unlink(missing_ok=True)
            return False
        return True

    def give_up(self) -> bool:
        """Free the blocks; False if they were given up before."""
        if not self._path.exists():
            return False
        with contextlib.suppress(OSError):
            self._path.unlink()
        return not self._path.exists()
