"""Sentboxes: what -DEL took away is kept for `sent_keep`, and never takes more than a share of its disk."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from stat import S_ISREG

SHARE = 0.05
"""The largest part of its disk that a sentbox may take."""


@dataclass(frozen=True, slots=True, order=True)
class Kept:
    """One file in a sentbox; `moved_s` is when it came there (its ctime: the rename sets it, nobody else can)."""

    moved_s: float
    size_bytes: int
    path: Path


def tidy_sentbox(folder: Path, keep: timedelta, now_s: float, most_bytes: float | None = None) -> int:
    """Remove what was kept for long enough, and the oldest beyond `most_bytes`; how many files (blocks)."""
    kept = sorted(_files(folder))
    size = sum(one.size_bytes for one in kept)
    most = shutil.disk_usage(folder).total * SHARE if most_bytes is None and kept else most_bytes or 0.0
    removed = 0
    for one in kept:
        if now_s - one.moved_s < keep.total_seconds() and size <= most:
            break
        one.path.unlink(missing_ok=True)
        size -= one.size_bytes
        removed += 1
    return removed


def _files(folder: Path) -> Iterator[Kept]:
    for at, _, names in os.walk(folder):
        for name in names:
            path = Path(at, name)
            try:
                state = path.lstat()
            except OSError:  # gone meanwhile
                continue
            if S_ISREG(state.st_mode):
                yield Kept(state.st_ctime, state.st_size, path)
