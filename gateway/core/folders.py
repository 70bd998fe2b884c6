"""Folders of this machine."""

import os
from pathlib import Path


def sync_folder(path: str | Path) -> None:
    """Have the names in a folder on disk: a rename lasts from then on.  Blocking.  Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
