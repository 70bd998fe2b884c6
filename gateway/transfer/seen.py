"""A file of this machine as one stat shows it, in the numbers that the ledger keeps."""

import os
from stat import S_IXUSR
from typing import NamedTuple

RUNS, PLAIN = 0o755, 0o644
MOST = 2**63 - 1
"""The largest number that the ledger holds."""


class Seen(NamedTuple):
    """A file as it was seen; `mode` is 0o755 for what its owner may execute, else 0o644: no other bit counts."""

    relative: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    mode: int


def lies_in(folder: str, path: str) -> bool:
    """True if `path`, its links followed, is in `folder`, its links followed."""
    top, real = os.path.realpath(folder), os.path.realpath(path)
    return real == top or real.startswith(top.rstrip("/") + "/")


def seen_as(relative: str, seen: os.stat_result) -> Seen:
    """The file of this state."""
    mode = RUNS if seen.st_mode & S_IXUSR else PLAIN
    return Seen(relative, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino & MOST, mode)
