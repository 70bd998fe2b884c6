"""Threads for this machine's disks, some for each file system: a server that hangs holds up what is mounted from it.

Which one a path lies on is told from the mount table, never by asking the file system.
"""

import os
import re
import time
from functools import partial

from gateway.endpoints.disk import THREADS, Disk

_TABLE = "/proc/self/mountinfo"
_READ_AGAIN_S = 1.0
_MOST_LINKS = 40
_MOST_FOLDERS = 10_000
"""Of which it is remembered where they lie."""


class Disks:
    """One `Disk` for each file system that is used."""

    def __init__(self, threads: int = THREADS) -> None:
        self._threads = threads
        self._table = ""
        self._read_at_s = -_READ_AGAIN_S
        self._device_at: dict[str, str] = {}
        self._disks: dict[str, Disk] = {}
        self._of_folder: dict[str, Disk] = {}
        self._closed = False

    def known(self, path: str, folder: str) -> Disk | None:
        """The same as `of` for a path in `folder` where that takes no thread: nearly always."""
        if (now_s := time.monotonic()) >= self._read_at_s + _READ_AGAIN_S:
            self._read_at_s = now_s
            self._read_again()
        return self._of_folder.get(path if path in self._device_at else folder)

    async def of(self, path: str) -> Disk:
        """The threads for a call on `path`, a name in a folder; one that ends with a slash is the folder itself.

        The folder may be a link.  Raises Retryable where the file system that the link lies on hangs.
        """
        folder = os.path.dirname(path)
        return self.known(path, folder) or await self._find(path if path in self._device_at else folder)

    def _read_again(self) -> None:
        """Where the table has changed, nothing that was found by the last one counts."""
        table = _read()
        if table != self._table:
            self._table, self._of_folder = table, {}
            self._device_at = devices(table)
            there = set(self._device_at.values())
            self._disks = {device: disk for device, disk in self._disks.items() if device in there}

    async def _find(self, folder: str) -> Disk:
        known, at = self._of_folder, _absolute(folder)
        for _ in range(_MOST_LINKS):
            disk, point = self._holder(at)
            to = await disk.run(partial(led_to, at, point))
            if to is None:
                break
            at = to
        if len(known) >= _MOST_FOLDERS:
            known.clear()
        known[folder] = disk
        return disk

    def _holder(self, at: str) -> tuple[Disk, str]:
        """The threads for a path without links, and where its file system begins."""
        while at not in self._device_at and at != os.path.dirname(at):
            at = os.path.dirname(at)
        device = self._device_at.get(at, "")
        if device not in self._disks:
            self._disks[device] = Disk(self._threads, at)
            if self._closed:
                self._disks[device].close()
        return self._disks[device], at

    def close(self) -> None:
        """Let the threads end; what hangs is not waited for."""
        self._closed = True
        for disk in self._disks.values():
            disk.close()


def _absolute(path: str) -> str:
    return os.path.abspath(path)


def _read() -> str:
    """The mount table; nothing (all is one file system) where there is no /proc."""
    try:
        with open(_TABLE, encoding="utf-8", errors="surrogateescape") as table:
            return table.read()
    except OSError:
        return ""


def devices(table: str) -> dict[str, str]:
    """By mount point the device number of what is mounted there: `36 35 98:0 /mnt1 /mnt2 rw - ext3 /dev/root rw`."""
    rows = (line.split(" ", 5) for line in table.splitlines())
    return {re.sub(r"\\([0-7]{3})", _letter, row[4]): row[2] for row in rows if len(row) > 5}


def _letter(escaped: "re.Match[str]") -> str:
    return chr(int(escaped[1], 8))


def led_to(path: str, point: str) -> str | None:
    """Where the first link in `path` leads, the rest of `path` behind it; None without one.  Blocks.

    `path` lies on what is mounted at `point`: nothing else is asked.
    """
    at, rest = point, os.path.relpath(path, point).split("/")
    for number, name in enumerate(rest, 1):
        at = os.path.join(at, name)
        try:
            to = os.readlink(at)
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            continue
        return os.path.normpath(os.path.join(os.path.dirname(at), to, *rest[number:]))
    return None
