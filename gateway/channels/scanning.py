"""What a catalogue looks like: one pass that keeps a digest of each item's listing, and listings of single items.

Made for 100,000s of files: the pass keeps nothing of a file but what it adds to its item's digest.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from gateway.core.errors import NotThere, PathRefused
from gateway.endpoints.os_errors import local_error, local_errors
from gateway.language.pattern import is_temporary
from gateway.transfer.seen import MOST, PLAIN, Seen

_LATE = "the time of {} lies beyond the year 2262; `touch` it"
_DIGEST_BYTES = 16
_FILES_A_BEAT = 64

Row = tuple[str, int, int, int, int]
"""A file's path below its item, size, mtime, ctime, inode."""


@dataclass(slots=True)
class Looked:
    """A catalogue: the digest of each item's listing, items that could not be listed and why, what is no item.

    An item is a folder that holds a file.  `linked` are folders behind links, `loose` the files beside the items,
    `left_alone` what in items is neither file nor folder, below the catalogue.
    """

    items: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    linked: list[str] = field(default_factory=list)
    loose: int = 0
    left_alone: list[str] = field(default_factory=list)

    def digest(self) -> str:
        """Of everything."""
        made = blake2b(digest_size=_DIGEST_BYTES)
        for item, look in sorted(self.items.items()):
            made.update(f"{item}\0{look}\n".encode("utf-8", "surrogateescape"))
        return made.hexdigest()


class Listing(NamedTuple):
    """One item: its files, files whose names say that somebody is still at them, and the digest of all."""

    files: tuple[Seen, ...]
    unfinished: tuple[Seen, ...]
    look: str


Beat = Callable[[str], None]
"""Called often while work goes on, with where it is; what it raises ends the work."""


def _unwatched(at: str) -> None:
    """Nobody waits for a sign of life."""


def look_at(path: str, beat: Beat = _unwatched, left_out: Mapping[str, str] | None = None) -> Looked:
    """The whole catalogue.  Blocks.  Raises NotThere or PathRefused if its folder can't be listed.

    `left_out` are items that nobody asks for, and why: they are unreadable, as far as they are there.
    """
    looked, out = Looked(), left_out or {}
    for name in _item_names(path, looked, beat):
        if name in out:
            looked.unreadable[name] = out[name]
            continue
        try:
            rows, others = _rows(f"{path}/{name}", beat)
        except OSError as exc:
            if os.path.lexists(f"{path}/{name}"):  # else it is gone since it was listed
                looked.unreadable[name] = _why(exc, name)
            continue
        looked.left_alone += (f"{name}/{one}" for one in others)
        if rows:
            looked.items[name] = _digest(rows)
    return looked


def list_item(path: str, item: str, beat: Beat = _unwatched) -> Listing:
    """One item's files as they are now.  Blocks.  Raises an error of ours if it can't be listed."""
    with local_errors(item):
        rows, _ = _rows(f"{path}/{item}", beat)
    seen = [Seen(*row[:4], row[4] & MOST, PLAIN) for row in rows]
    late = next((one.relative for one in seen if max(abs(one.mtime_ns), abs(one.ctime_ns)) > MOST), None)
    if late is not None:
        raise PathRefused(_LATE.format(f"{item}/{late}"))
    there = tuple(one for one in seen if not _is_unfinished(one.relative))
    return Listing(there, tuple(one for one in seen if _is_unfinished(one.relative)), _digest(rows))


def _item_names(path: str, looked: Looked, beat: Beat) -> list[str]:
    if not os.path.isdir(path):
        found = "is no folder" if os.path.lexists(path) else "does not exist"
        raise NotThere(
            f"the catalogue {path} {found}; nothing is concluded from that: mount or make it, or correct its path"
        )
    names: list[str] = []
    with local_errors(path), os.scandir(path) as entries:
        for entry in entries:
            if not len(names) % _FILES_A_BEAT:
                beat(path)
            if entry.is_dir(follow_symlinks=False):
                if not is_temporary(entry.name):
                    names.append(entry.name)
            elif entry.is_symlink() and os.path.isdir(entry.path):
                looked.linked.append(entry.name)
            else:
                looked.loose += 1
    return names


def _rows(folder: str, beat: Beat) -> tuple[list[Row], list[str]]:
    """The files, and what is neither file nor folder.  Links are not followed, hidden folders not entered.

    The hot loop: an ordinary file costs one stat.
    """
    rows: list[Row] = []
    others: list[str] = []
    pending = [""]
    while pending:
        below = pending.pop()
        at = f"{folder}/{below}" if below else folder
        beat(at)
        with os.scandir(at) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    seen = entry.stat(follow_symlinks=False)
                    rows.append((below + entry.name, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino))
                    if not len(rows) % _FILES_A_BEAT:
                        beat(at)
                elif not entry.is_dir(follow_symlinks=False):
                    others.append(below + entry.name)
                elif not is_temporary(entry.name):
                    pending.append(f"{below}{entry.name}/")
    rows.sort()
    return rows, others


def _digest(rows: Sequence[Row]) -> str:
    return blake2b(repr(rows).encode(), digest_size=_DIGEST_BYTES).hexdigest()


def _is_unfinished(relative: str) -> bool:
    return is_temporary(relative.rpartition("/")[2])


def _why(exc: OSError, item: str) -> str:
    if isinstance(exc, FileNotFoundError):
        return "it changed while it was looked at"
    return str(local_error(exc, item)).removeprefix(f"{item}: ")
