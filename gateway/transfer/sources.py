"""Which local files a source path means: a literal name, a folder's files, a pattern, with -REC a tree (SPEC §3).

Listings stream (`os.scandir`), know regular files only, and never open what they list.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from gateway.core.errors import PathRefused
from gateway.core.model import Stamp
from gateway.language.macros import expand
from gateway.language.pattern import Pattern, compile_pattern, is_temporary, split_source


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """Where a command's files are looked for.

    `name` is the last token as written, "" if the path names a folder for sure.  A literal `name` that is a
    folder means that folder's files.
    """

    folder: Path
    name: str
    pattern: Pattern
    recurse: bool = False
    ignore_case: bool = False
    follow_links: bool = False

    @property
    def literal(self) -> Path | None:
        """The one path that is meant, None for a pattern or a folder."""
        return self.folder / self.name if self.name and self.pattern.is_literal else None


@dataclass(frozen=True, slots=True)
class Found:
    """A source file as it was judged: absolute path, path below the source folder (`/` between), stamp."""

    path: str
    relative: str
    stamp: Stamp


def source_spec(
    text: str,
    base: Path,
    *,
    values: Mapping[str, str] | None = None,
    recurse: bool = False,
    ignore_case: bool = False,
    follow_links: bool = False,
) -> SourceSpec:
    """What the source path `text` of a script means, a relative one below `base`.

    `values` are put in for its macros, and never split or taken for a pattern.  Raises ValueError with the remedy.
    """
    known = values or {}
    parts, token = split_source(text)
    folder = os.path.normpath(os.path.join(base, *(expand(part, known) for part in parts)))
    pattern = compile_pattern(token, ignore_case=ignore_case, values=known)
    name = pattern.literal or token
    if pattern.is_literal and "/" in name:  # the value of %outbox% is a path
        folder, name = os.path.split(os.path.normpath(os.path.join(folder, name)))
        pattern = compile_pattern("%name%", ignore_case=ignore_case, values={"name": name})
    return SourceSpec(
        folder=Path(folder),
        name=name,
        pattern=pattern,
        recurse=recurse,
        ignore_case=ignore_case,
        follow_links=follow_links,
    )


def stamp_of(seen: os.stat_result) -> Stamp:
    """The stamp of a local file."""
    return Stamp(seen.st_size, seen.st_mtime_ns, seen.st_ino, seen.st_dev)


def list_sources(spec: SourceSpec, skipped: Callable[[str], None] | None = None) -> Iterator[Found]:
    """The regular files that `spec` means, as they are found.

    `skipped` hears the paths that a pattern leaves out: temporary names, links, what is no regular file.  Nothing is
    yielded where nothing is there.  Raises PathRefused for a folder that can't be read.
    """
    tell = skipped or _nobody
    if spec.literal is None:
        yield from _below(Level(str(spec.folder)), spec, spec.pattern.matches, tell)
        return
    path = written_as(spec)
    seen = look_at(path, follow_links=spec.follow_links)
    if seen is None:
        return
    if S_ISDIR(seen.st_mode):
        yield from _below(Level(path), spec, any_name, tell)
    elif S_ISREG(seen.st_mode):
        yield Found(path, os.path.basename(path), stamp_of(seen))
    else:
        tell(path)


def look_at(path: str, *, follow_links: bool = False) -> os.stat_result | None:
    """The state of what stands under `path`, None if nothing does or it can't be seen."""
    try:
        return os.stat(path, follow_symlinks=follow_links)
    except (OSError, ValueError):  # ValueError: a name that no file can have (a NUL byte)
        return None


def written_as(spec: SourceSpec) -> str:
    """The literal path, in the spelling that stands on disk where case is ignored."""
    path = str(spec.folder / spec.name)
    if not spec.ignore_case or os.path.lexists(path):
        return path
    return next((entry.path for entry in entries_of(str(spec.folder)) if spec.pattern.matches(entry.name)), path)


def any_name(_name: str) -> bool:
    """What a folder as a source means: all its names."""
    return True


@dataclass(frozen=True, slots=True)
class Level:
    """One folder of a tree: its path, its path below the source folder (ends in `/` or is empty), those above it."""

    path: str
    below: str = ""
    above: frozenset[tuple[int, int]] = frozenset()

    def inner(self, entry: os.DirEntry[str]) -> "Level | None":
        """The folder `entry` in this one, None if it is one of those above: a link that closes a loop."""
        try:
            seen = entry.stat()
        except OSError:
            return None
        own = (seen.st_dev, seen.st_ino)
        return None if own in self.above else Level(entry.path, f"{self.below}{entry.name}/", self.above | {own})


def entries_of(folder: str) -> Iterator[os.DirEntry[str]]:
    """The entries of one folder, streaming; none if it is gone.  Raises PathRefused if it can't be read."""
    try:
        scan = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as exc:
        raise PathRefused(
            f"{folder}: this folder can't be read ({exc.strerror}); let the gateway's user list and enter it, "
            "or correct the path in the script"
        ) from exc
    with scan:
        yield from scan


def is_folder(entry: os.DirEntry[str], follow_links: bool) -> bool:
    """True for a folder, and for a link to one where links are followed."""
    try:
        return entry.is_dir(follow_symlinks=follow_links)
    except OSError:
        return False


def is_file(entry: os.DirEntry[str], follow_links: bool) -> bool:
    """True for a regular file, and for a link to one where links are followed; costs no stat but for links."""
    try:
        return entry.is_file(follow_symlinks=follow_links)
    except OSError:
        return False


def _below(
    top: Level, spec: SourceSpec, matches: Callable[[str], bool], skipped: Callable[[str], None]
) -> Iterator[Found]:
    pending = [top]
    while pending:
        level = pending.pop()
        for entry in entries_of(level.path):
            folder = is_folder(entry, spec.follow_links)
            if not (spec.recurse if folder else matches(entry.name)):
                continue
            if is_temporary(entry.name) or not (folder or is_file(entry, spec.follow_links)):
                skipped(entry.path)
            elif not folder:
                yield from _found(entry, level, spec)
            elif (inner := level.inner(entry)) is not None:
                pending.append(inner)


def _found(entry: os.DirEntry[str], level: Level, spec: SourceSpec) -> Iterator[Found]:
    seen = look_at(entry.path, follow_links=spec.follow_links)
    if seen is not None and S_ISREG(seen.st_mode):  # gone or replaced since the listing: the next one knows
        yield Found(entry.path, level.below + entry.name, stamp_of(seen))


def _nobody(_path: str) -> None:
    return None
