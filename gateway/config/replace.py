"""Writes a file in one step: whoever reads it, a running gateway for one, sees the old text or the new one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from gateway.core.errors import Refused
from gateway.core.folders import sync_folder


def replace_file(path: Path, data: bytes, *, like: Path | None = None) -> None:
    """`data` in the place of what `path` holds, its permissions kept; a link is followed.  Raises OSError.

    A file that isn't there yet gets the permissions of `like`.
    """
    real = path.resolve()
    model = like if like is not None and not real.exists() else real
    with NamedTemporaryFile(dir=real.parent, prefix=f".{real.name}.", delete=False) as beside:
        try:
            beside.write(data)
            beside.flush()
            _as_readable_as(model, beside.fileno())
            os.fsync(beside.fileno())
            Path(beside.name).replace(real)
        except BaseException:
            Path(beside.name).unlink(missing_ok=True)
            raise
    sync_folder(real.parent)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A person's file is written in the block.  Raises Refused where it can't be."""
    try:
        yield
    except OSError as problem:
        raise Refused(f"{path} can't be written: {problem.strerror}; run this as the user that owns it") from problem


def _as_readable_as(model: Path, file: int) -> None:
    """Owner and permissions of `model`: who may read that, the gateway's user for one, may read this."""
    stat = model.stat()
    with suppress(PermissionError):  # only root gives files away; others keep the group where it is theirs
        os.fchown(file, stat.st_uid if os.geteuid() == 0 else -1, stat.st_gid)
    os.fchmod(file, stat.st_mode & 0o7777)
