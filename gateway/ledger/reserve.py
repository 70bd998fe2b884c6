"""A file of real blocks beside the ledger, given up when the disk is full, so that outcomes can still be written.

Its name stays, with no blocks: it alone tells a ledger that is lost from one that never was.
"""

import contextlib
import os
import shutil
import time
from pathlib import Path

from gateway.core.units import show_size

_LOOK_EVERY_S = 1.0  # asked for every file: a look costs more than most of what is done for one
RESERVE_BYTES = 8 * 1024 * 1024


def reserve_of(folder: Path) -> Path:
    """Where it lies.  It is made after the ledger: where it lies without one, the ledger is lost."""
    return folder / "reserve"


class Reserve:
    """Blocks kept back for the outcomes of what is under way when the disk fills."""

    def __init__(self, folder: Path, size_bytes: int = RESERVE_BYTES) -> None:
        self._path = reserve_of(folder)
        self._size_bytes = size_bytes
        self._wanted_bytes = 2 * size_bytes
        self._problem = ""
        self._seen = False
        self._looked_at = 0.0

    @property
    def kept(self) -> bool:
        """True while the reserve is there; without it no new file is taken."""
        if self._size_bytes == 0:
            return True
        now = time.monotonic()
        if not self._seen or now - self._looked_at > _LOOK_EVERY_S:
            self._seen, self._looked_at = self._size() > 0, now
        return self._seen

    def make(self) -> bool:
        """Lay the reserve down if it is missing and the disk has room for it twice; False if it has not."""
        if self.kept:
            return True
        self._problem = ""
        if self._free_bytes() < self._wanted_bytes:
            return False
        temporary = self._path.with_suffix(".new")
        try:
            with temporary.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._size_bytes)
            temporary.replace(self._path)
        except OSError as problem:
            self._problem = f" ({problem.strerror or problem})"
            temporary.unlink(missing_ok=True)
            return False
        return True

    def lacks(self) -> str:
        """How much is free and how much is wanted, and what else stood in the way."""
        return f"{show_size(self._free_bytes())} free, {show_size(self._wanted_bytes)} wanted{self._problem}"

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self._path.parent).free

    def give_up(self) -> bool:
        """Free the blocks; False if they were given up before."""
        if not self._size():
            return False
        with contextlib.suppress(OSError):
            os.truncate(self._path, 0)
        self._seen = False
        return not self._size()

    def _size(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0
