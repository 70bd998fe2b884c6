"""What a file of a person's was when it was read, to tell later whether it is another one now.  Blocking."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileMark:
    """Equal times and size are taken for equal content; else the hash decides: a file may only have been touched."""

    size_bytes: int
    mtime_ns: int
    inode: int
    sha256: str

    def holds(self, path: Path) -> bool:
        """True if the file is as it was.  Raises OSError."""
        found = os.stat(path)
        if (found.st_size, found.st_mtime_ns, found.st_ino) == (self.size_bytes, self.mtime_ns, self.inode):
            return True
        return found.st_size == self.size_bytes and hashlib.sha256(path.read_bytes()).hexdigest() == self.sha256


def mark_of(path: Path) -> FileMark | None:
    """The mark of a file that is about to be read, None if it can't be: whoever reads it says why."""
    try:
        found = os.stat(path)  # before the content: what changes meanwhile is another file than this one
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
    return FileMark(found.st_size, found.st_mtime_ns, found.st_ino, digest)
