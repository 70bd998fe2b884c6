"""One watched folder between two looks: its own state, and the files in it that a source means."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from stat import S_ISREG

from gateway.language.pattern import is_temporary
from gateway.transfer.sightings import Row, Sightings
from gateway.transfer.sources import Level, entries_of, is_file, is_folder, look_at

RACY_NS = 2_000_000_000
"""A folder that changed so shortly before it was scanned may change again without its mtime moving (FAT counts 2 s)."""


_LOST = -1


@dataclass(frozen=True, slots=True)
class Gone:
    """A file that was known and is there no more."""

    path: str
    row: Row


class FolderView:
    """A folder as it was at its last scan."""

    __slots__ = ("_mtime_ns", "_racy", "identity", "level", "sights")

    def __init__(self, level: Level) -> None:
        self.level = level
        self.identity: tuple[int, int] | None = None
        self.sights = Sightings()
        self._mtime_ns = _LOST
        self._racy = True

    def path_of(self, name: str) -> str:
        """The whole path of a file in this folder."""
        return f"{self.level.path}/{name}" if self.level.path != "/" else f"/{name}"

    def must_scan(self, seen: os.stat_result) -> bool:
        """True if names may have come or gone since the last scan."""
        return self._racy or seen.st_mtime_ns != self._mtime_ns or self.is_other(seen)

    def stirs(self, now_s: float) -> bool:
        """True if there is something to look at: names may have come or gone, or a file's time has come."""
        if any(at_s <= now_s for at_s in self.sights.waiting.values()):
            return True
        seen = look_at(self.level.path, follow_links=True)
        return self.must_scan(seen) if seen is not None else self._mtime_ns != _LOST

    def is_other(self, seen: os.stat_result) -> bool:
        """True if another folder stands under this path now: renamed, mounted over, unmounted."""
        return self.identity is not None and self.identity != (seen.st_dev, seen.st_ino)

    def scanned(self, seen: os.stat_result, wall_ns: int) -> None:
        """Note the folder's state from just before a scan."""
        self.identity = (seen.st_dev, seen.st_ino)
        self._mtime_ns = seen.st_mtime_ns
        self._racy = seen.st_mtime_ns > wall_ns - RACY_NS

    def lost(self) -> None:
        """The folder is gone, or could not be read: whatever stands there next is scanned."""
        self._racy = True
        self._mtime_ns = _LOST

    def forget_all(self) -> Iterator[Gone]:
        """Drop every file."""
        yield from self.forget(set(self.sights))

    def forget(self, names: set[str]) -> Iterator[Gone]:
        """Drop `names`."""
        for name in names:
            row = self.sights.forget(name)
            if row is not None:
                yield Gone(self.path_of(name), row)


@dataclass(slots=True)
class Scan:
    """What one scan of a folder met."""

    fresh: list[str]  # new or changed names
    gone: set[str]  # known names that were not met
    folders: list[Level]  # folders in it (only with -REC)


def scan(
    view: FolderView,
    *,
    matches: Callable[[str], bool],
    recurse: bool,
    follow_links: bool,
    now_s: float,
    every_file: bool,
) -> Scan:
    """List the folder; stat what is new, what stands on another inode, and with `every_file` all.

    Raises PathRefused if it can't be read.
    """
    sights = view.sights
    met = Scan([], set(sights), [])
    for entry in entries_of(view.level.path):
        name = entry.name
        if name in sights:
            met.gone.discard(name)
            if (every_file or entry.inode() != sights.inode(name)) and _see(entry, view, now_s, follow_links):
                met.fresh.append(name)
        elif is_folder(entry, follow_links):
            if recurse and not is_temporary(name) and (inner := view.level.inner(entry)) is not None:
                met.folders.append(inner)
        elif (
            matches(name)
            and not is_temporary(name)
            and is_file(entry, follow_links)
            and _see(entry, view, now_s, follow_links)
        ):
            met.fresh.append(name)
    return met


def _see(entry: os.DirEntry[str], view: FolderView, now_s: float, follow_links: bool) -> bool:
    try:
        seen = entry.stat(follow_symlinks=follow_links)
    except OSError:
        return False  # gone again: the next look knows
    return S_ISREG(seen.st_mode) and view.sights.see(entry.name, seen, now_s)
