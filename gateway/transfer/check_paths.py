"""What the path of a CHECK means: patterns may stand in every token (SPEC §3, §5).  Blocking."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR

from gateway.language.macros import expand
from gateway.language.pattern import Pattern, compile_pattern, ends_as_folder, split_path
from gateway.transfer.sources import Found, Level, entries_of, is_file, is_folder, look_at, stamp_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSpec:
    """`base` is the part of the path without patterns; `tokens` match one name each below it.

    `folders`: CHECK -DIR looks for folders, else for files.  `recurse`: the last token matches at any depth.
    """

    base: Path
    tokens: tuple[Pattern, ...]
    folders: bool = False
    recurse: bool = False
    follow_links: bool = False


def check_spec(
    text: str,
    base: Path,
    *,
    values: Mapping[str, str] | None = None,
    folders: bool = False,
    recurse: bool = False,
    ignore_case: bool = False,
    follow_links: bool = False,
) -> CheckSpec:
    """What `text` means, a relative one below `base`; -FIL of a folder means its files.

    Raises ValueError with the remedy.
    """
    known = values or {}
    parts = list(split_path(text))
    if ends_as_folder(text) and not folders:
        parts.append("*")
    root = base
    while len(parts) > 1 and compile_pattern(parts[0]).is_literal:
        root = root / expand(parts.pop(0), known)
    tokens = tuple(compile_pattern(part, ignore_case=ignore_case, values=known) for part in parts)
    return CheckSpec(
        base=Path(os.path.normpath(root)), tokens=tokens, folders=folders, recurse=recurse, follow_links=follow_links
    )


def is_meant(spec: CheckSpec, path: str) -> bool:
    """True if `spec` means the absolute `path`, whether anything stands there or not."""
    try:
        parts = Path(path).relative_to(spec.base).parts
    except ValueError:
        return False
    return len(parts) == len(spec.tokens) and all(
        token.matches(part) for token, part in zip(spec.tokens, parts, strict=True)
    )


def list_checked(spec: CheckSpec) -> Iterator[Found]:
    """The files or folders that match, each once.  Raises PathRefused for a folder that can't be read."""
    levels = [Level(str(spec.base))]
    for token in spec.tokens[:-1]:
        levels = [inner for level in levels for inner in _folders(level, token, spec)]
    for level in levels:
        yield from _matching(level, spec.tokens[-1], spec)


def _folders(level: Level, token: Pattern, spec: CheckSpec) -> Iterator[Level]:
    for entry in entries_of(level.path):
        if token.takes(entry.name) and is_folder(entry, spec.follow_links):
            inner = level.inner(entry)
            if inner is not None:
                yield inner


def _matching(top: Level, token: Pattern, spec: CheckSpec) -> Iterator[Found]:
    pending = [top]
    while pending:
        level = pending.pop()
        for entry in entries_of(level.path):
            folder = is_folder(entry, spec.follow_links)
            if token.takes(entry.name) and (folder if spec.folders else is_file(entry, spec.follow_links)):
                yield from _found(entry, level, spec)
            if not folder:
                continue
            inner = level.inner(entry)
            if inner is not None and (spec.recurse or _means_its_files(entry.name, token, spec)):
                pending.append(inner) if spec.recurse else (yield from _files(inner, spec))


def _means_its_files(name: str, token: Pattern, spec: CheckSpec) -> bool:
    """A literal name that is a folder means the files in it."""
    return not spec.folders and token.is_literal and token.matches(name)


def _files(level: Level, spec: CheckSpec) -> Iterator[Found]:
    every = compile_pattern("*")
    for entry in entries_of(level.path):
        if every.takes(entry.name) and is_file(entry, spec.follow_links):
            yield from _found(entry, level, spec)


def _found(entry: os.DirEntry[str], level: Level, spec: CheckSpec) -> Iterator[Found]:
    seen = look_at(entry.path, follow_links=spec.follow_links)
    if seen is not None and S_ISDIR(seen.st_mode) == spec.folders:
        yield Found(entry.path, level.below + entry.name, stamp_of(seen))
