"""What a source holds now: one pass over its tree.  Plain columns and one stat a file: made for 100,000s of them."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from stat import S_ISDIR, S_ISREG, S_IXUSR
from typing import Any, NamedTuple

from gateway.core.errors import NotThere
from gateway.endpoints.os_errors import local_errors
from gateway.jobs.ignore import Ignore
from gateway.language.pattern import is_temporary
from gateway.ledger.job_contents import Skipped
from gateway.transfer.seen import MOST, PLAIN, RUNS, Seen, lies_in, seen_as
from gateway.transfer.sources import Level, entries_of

HIDDEN = 'a hidden or temporary name; `ignore = ["!{}"]` in a profile takes it after all'
_LINK = 'a symbolic link; `links = "follow"` at the source takes what it leads to'
_DANGLING = "a symbolic link that leads to nothing"
_OUTSIDE = "a symbolic link that leads out of the source; what lies elsewhere is never taken"
_LOOP = "a symbolic link to a folder that it lies in"
_LATE = "its time lies beyond the year 2262; `touch` it"
_SPECIAL = "neither file, folder nor link"
_BEAT_EVERY = 256
"""Files: a server that is slow is not taken for one that hangs."""


class Columns(NamedTuple):
    """Many files, each property a list of its own: nothing in them is of interest to the garbage collector."""

    relatives: list[str]
    sizes: list[int]
    mtimes_ns: list[int]
    ctimes_ns: list[int]
    inodes: list[int]
    modes: list[int]

    @classmethod
    def of(cls, files: Iterable[Seen]) -> "Columns":
        """Of these files."""
        columns: list[list[Any]] = [list(column) for column in zip(*files, strict=True)]
        return cls(*(columns or ([] for _ in cls._fields)))

    def rows(self) -> list[Seen]:
        """The files, one by one."""
        return list(map(Seen._make, zip(*self, strict=True)))


@dataclass(slots=True)
class Scanned:
    """A tree: its files in no particular order, its folders that hold nothing to send, and what is never sent."""

    files: Columns = field(default_factory=lambda: Columns.of(()))
    folders: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def unwatched(_at: str) -> None:
    """Nobody asks where it is."""


def scan(
    folder: str, rules: Sequence[Ignore], *, follow_links: bool = False, beat: Callable[[str], None] = unwatched
) -> Scanned:
    """Everything below `folder` but what all `rules` leave out.  Blocks; `beat` hears where it is, often.

    Raises NotThere if there is no such folder, PathRefused for one that can't be read: what it holds must not pass for
    gone.
    """
    if not os.path.isdir(folder):
        found = "is no folder" if os.path.lexists(folder) else "does not exist"
        raise NotThere(f"the source {folder} {found}; make it before the job starts, or correct the path")
    return _Scan(folder, rules, follow_links, beat).all()


class _Scan:
    """One pass."""

    def __init__(self, folder: str, rules: Sequence[Ignore], follow_links: bool, beat: Callable[[str], None]) -> None:
        self._top = folder
        self._beat = beat
        self._rules = rules
        self._follow = follow_links
        self._pending: list[Level] = []
        self._found = Scanned()
        self._has_rules = any(one.patterns for one in rules)

    def all(self) -> Scanned:
        """The whole tree."""
        top = os.stat(self._top)
        self._pending.append(Level(self._top, "", frozenset({(top.st_dev, top.st_ino)})))
        while self._pending:
            level = self._pending.pop()
            with local_errors(level.path):
                self._folder(level)
        return _countable(self._found)

    def _folder(self, level: Level) -> None:
        """The hot loop: an ordinary file costs one stat and an item in each column."""
        below, columns = level.below, self._found.files
        relatives, sizes, mtimes, ctimes, inodes, modes = columns
        had = len(relatives) + len(self._pending)
        for entry in self._entries(level.path):
            name = entry.name
            relative = below + name
            left_out = self._by_rules(relative, name, False) if self._has_rules else is_temporary(name)
            if left_out or not entry.is_file(follow_symlinks=False):
                self._other(level, entry, relative)
                continue
            try:
                seen = entry.stat(follow_symlinks=False)
            except FileNotFoundError:  # gone since it was listed
                continue
            relatives.append(relative)
            sizes.append(seen.st_size)
            mtimes.append(seen.st_mtime_ns)
            ctimes.append(seen.st_ctime_ns)
            inodes.append(seen.st_ino)
            modes.append(RUNS if seen.st_mode & S_IXUSR else PLAIN)
        if below and had == len(relatives) + len(self._pending):
            self._found.folders.append(below[:-1])

    def _entries(self, path: str) -> Iterator["os.DirEntry[str]"]:
        entries = entries_of(path)
        self._beat(path)
        while some := list(islice(entries, _BEAT_EVERY)):
            yield from some
            self._beat(path)

    def _other(self, level: Level, entry: os.DirEntry[str], relative: str) -> None:
        """What is no ordinary file, or is left out."""
        if entry.is_symlink():
            self._link(level, entry, relative)
        elif entry.is_dir(follow_symlinks=False):
            self._inner(level, entry, relative)
        elif self._by_rules(relative, entry.name, False):
            self._say_hidden(relative, entry.name)
        else:
            self._skip(relative, _SPECIAL)

    def _inner(self, level: Level, entry: os.DirEntry[str], relative: str) -> None:
        if self._by_rules(relative, entry.name, True):
            self._say_hidden(relative + "/", entry.name)
        elif not self._follow:
            self._pending.append(Level(entry.path, relative + "/"))
        elif (inner := level.inner(entry)) is not None:
            self._pending.append(inner)
        else:
            self._skip(relative, _LOOP)

    def _link(self, level: Level, entry: os.DirEntry[str], relative: str) -> None:
        if self._by_rules(relative, entry.name, False):
            self._say_hidden(relative, entry.name)
            return
        if not self._follow:
            self._skip(relative, _LINK)
            return
        try:
            seen = os.stat(entry.path)
        except OSError:
            self._skip(relative, _DANGLING)
            return
        if not lies_in(self._top, entry.path):
            self._skip(relative, _OUTSIDE)
        elif S_ISDIR(seen.st_mode):
            self._inner(level, entry, relative)
        elif S_ISREG(seen.st_mode):
            for column, value in zip(self._found.files, seen_as(relative, seen), strict=True):
                column.append(value)  # type: ignore[attr-defined]
        else:
            self._skip(relative, _SPECIAL)

    def _by_rules(self, relative: str, name: str, is_folder: bool) -> bool:
        return all(rule.leaves_out(relative, name, is_folder) for rule in self._rules)

    def _say_hidden(self, relative: str, name: str) -> None:
        """What a person left out by a pattern needs no word."""
        if is_temporary(name):
            self._skip(relative, HIDDEN.format(name))

    def _skip(self, relative: str, why: str) -> None:
        self._found.skipped.append(Skipped(relative, why))


def _countable(found: Scanned) -> Scanned:
    """Numbers that the ledger can't hold: inodes are cut, files with impossible times are told of."""
    columns = found.files
    if not columns.relatives:
        return found
    if max(columns.inodes) > MOST:
        columns.inodes[:] = [inode & MOST for inode in columns.inodes]
    if max(columns.mtimes_ns) > MOST or min(columns.mtimes_ns) < -MOST:
        rows = columns.rows()
        found.files = Columns.of(row for row in rows if abs(row.mtime_ns) <= MOST)
        found.skipped += [Skipped(row.relative, _LATE, True) for row in rows if abs(row.mtime_ns) > MOST]
    return found
