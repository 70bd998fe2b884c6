"""What the kernel tells of folders, in the order in which it happened."""

import ctypes
import os
import struct
from collections.abc import Iterator
from pathlib import Path

MODIFY, MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x2, 0x40, 0x80, 0x100, 0x200
OVERFLOW, IS_FOLDER = 0x4000, 0x40000000
_HEAD = struct.Struct("iIII")
_LIBC = ctypes.CDLL(None, use_errno=True)


def opened() -> int:
    """A descriptor to read events from."""
    descriptor: int = _LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "no inotify")
    return descriptor


def watch(descriptor: int, folder: Path, mask: int) -> int:
    """The number under which its events come."""
    number: int = _LIBC.inotify_add_watch(descriptor, os.fsencode(folder), mask)
    if number < 0:
        raise OSError(ctypes.get_errno(), f"{folder}: can't be watched")
    return number


def events(descriptor: int) -> Iterator[tuple[int, int, str]]:
    """All that came since: number, mask and name; nothing if nothing did."""
    try:
        data, at = os.read(descriptor, 1 << 16), 0
    except BlockingIOError:
        return
    while at < len(data):
        number, mask, _, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        yield number, mask, os.fsdecode(data[at : at + length].rstrip(b"\0"))
        at += length
