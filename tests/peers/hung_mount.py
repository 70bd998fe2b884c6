"""A mount whose server answers nothing, as that of a file server that is gone: every call on it hangs in the kernel."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_DETACH = 2


@contextmanager
def hung_mount(folder: Path) -> Iterator[None]:
    """Over `folder`; what hangs there fails at the end of the block.  Skips the test where nobody may mount."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        server = os.open("/dev/fuse", os.O_RDWR)
    except OSError as exc:
        pytest.skip(f"no FUSE here: {exc}")
    try:
        says = f"fd={server},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
        if libc.mount(b"hung", os.fsencode(folder), b"fuse", 0, says.encode()):
            pytest.skip(f"nothing may be mounted here: {os.strerror(ctypes.get_errno())}")
        try:
            yield
        finally:
            libc.umount2(os.fsencode(folder), _DETACH)
    finally:
        os.close(server)


def hung_threads(pid: int) -> int:
    """How many threads of a process wait for such a server at this moment."""
    return sum(_hangs(thread) for thread in Path(f"/proc/{pid}/task").iterdir())


def _hangs(thread: Path) -> bool:
    try:
        return "fuse" in (thread / "wchan").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False  # it ended after it was listed
