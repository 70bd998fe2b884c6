"""Writes a file in one step: whoever reads it, a running gateway for one, sees the old text or the new one."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile


def replace_file(path: Path, data: bytes) -> None:
    """`data` in the place of what `path` holds, its permissions kept; a link is followed.  Raises OSError."""
    real = path.resolve()
    with NamedTemporaryFile(dir=real.parent, prefix=f".{real.name}.", delete=False) as beside:
        try:
            beside.write(data)
            beside.flush()
            os.fsync(beside.fileno())
            Path(beside.name).chmod(real.stat().st_mode & 0o7777)
            Path(beside.name).replace(real)
        except BaseException:
            Path(beside.name).unlink(missing_ok=True)
            raise
