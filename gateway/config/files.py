"""Reads the main file and those it includes, and lays them into one tree; what stands twice is named twice."""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from gateway.config.findings import PLACE, SYNTAX, TWICE, UNREADABLE, error, section, span_of
from gateway.config.lines import KeyPath, key_spans
from gateway.config.schema import GatewaySettings
from gateway.config.toml_errors import said_of_toml
from gateway.core.file_mark import FileMark, mark_of
from gateway.core.model import Finding, Span

Tree = dict[str, Any]

# Tables that several files may add to; anything else stands in one file only.
_SHARED = {
    ("gateway",),
    ("system",),
    ("endpoints",),
    ("templates",),
    ("groups",),
    ("macros",),
    ("inbound",),
    ("inbound", "users"),
    ("jobs",),
    ("profiles",),
    ("catalogues",),
    ("channels",),
}

# A file in such a folder is one entry of that table, named by its stem; what several files may add to stays itself.
_ENTRY_FOLDERS = {"jobs.d": "jobs", "channels.d": "channels"}

# This file beside the main one is a table of its own, whatever `include` says.
_TABLE_FILES = {"schedulers.toml": "schedulers"}
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Read:
    """Everything the files say, unchecked, and where it stands; `files` in the order in which they were read."""

    tree: Tree
    spans: Mapping[KeyPath, Span]
    files: Mapping[Path, FileMark]
    findings: tuple[Finding, ...]


def read_files(main: Path, but: Collection[Path] = ()) -> Read:
    """Read `main` and the files that its `include` names, `but` those, in the order of their names."""
    tree: Tree = {}
    spans: dict[KeyPath, Span] = {}
    findings: list[Finding] = []
    marks = {main: mark_of(main)}
    _add_file(main, tree, spans, findings, is_main=True)
    included, missing = _included(main, tree, spans)
    findings += missing
    for path in (one for one in _beside(main, included) if one not in but):
        mark = mark_of(path)
        if _add_file(path, tree, spans, findings):
            marks[path] = mark
    files = {path: mark for path, mark in marks.items() if mark is not None}
    return Read(tree, spans, files, tuple(findings))


def present_files(main: Path, include: Sequence[str]) -> list[Path]:
    """The files that make the configuration now, if the main one includes these."""
    included, _ = _included(main, {"gateway": {"include": list(include)}}, {})
    return [main, *_beside(main, included)]


def _beside(main: Path, included: Sequence[Path]) -> list[Path]:
    """All files but the main one, in the order in which they are read."""
    own = [main.parent / name for name in _TABLE_FILES if (main.parent / name).is_file()]
    return [*own, *(path for path in included if path.name not in _TABLE_FILES or path.parent != main.parent)]


def _add_file(
    path: Path, tree: Tree, spans: dict[KeyPath, Span], findings: list[Finding], *, is_main: bool = False
) -> bool:
    text, found = _text(path)
    if text is None:
        findings.append(found or error(_start(path), UNREADABLE, "can't be read"))
        return False
    parsed, found = _parsed(text, path)
    if found is not None:
        findings.append(found)
        return False
    new_spans = key_spans(text, str(path))
    if not is_main and path.parent.name in _ENTRY_FOLDERS:
        parsed, new_spans = _as_entry(parsed, new_spans, (_ENTRY_FOLDERS[path.parent.name], path.stem), path)
    elif not is_main and path.name in _TABLE_FILES:
        table = _TABLE_FILES[path.name]
        parsed, new_spans = (
            {table: parsed},
            {(table,): _start(path)} | {(table, *at): new_spans[at] for at in new_spans},
        )
    if not is_main and ("gateway", "include") in new_spans:
        message = "[gateway] include belongs into the main file; move the line there"
        findings.append(error(new_spans["gateway", "include"], PLACE, message))
    findings.extend(_lay(parsed, tree, (), new_spans, spans))
    for key_path, span in new_spans.items():
        spans.setdefault(key_path, span)
    return True


def _as_entry(
    parsed: Tree, spans: Mapping[KeyPath, Span], at: tuple[str, str], path: Path
) -> tuple[Tree, Mapping[KeyPath, Span]]:
    """A file that is one entry of a table (a job) in its place of the tree, its keys' places with it."""
    shared = {name for (name,) in (one for one in _SHARED if len(one) == 1)}
    kind, name = at
    own = {key: value for key, value in parsed.items() if key not in shared}
    tree = {key: value for key, value in parsed.items() if key in shared}
    entries = tree.get(kind, {})
    if not own or not isinstance(entries, dict) or name in entries:
        return parsed, spans  # profiles alone, or what is refused where it stands
    tree[kind] = {**entries, name: own}
    placed = {key if key[0] in shared else (*at, *key): span for key, span in spans.items()}
    return tree, {at: _start(path), **placed}


def _text(path: Path) -> tuple[str | None, Finding | None]:
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"), None
    except UnicodeDecodeError as problem:
        message = f"is not UTF-8 text (byte {problem.start}); save it as UTF-8"
    except OSError as problem:
        message = f"can't be read: {problem.strerror}; let the gateway's user read it"
    return None, error(_start(path), UNREADABLE, message)


def _parsed(text: str, path: Path) -> tuple[Tree, Finding | None]:
    try:
        return tomllib.loads(text), None
    except tomllib.TOMLDecodeError as problem:
        message = str(problem)
        place = _TOML_PLACE.search(message)
        line, column = (int(place[1]), int(place[2])) if place and place[1] else (text.count("\n") + 1, 1)
        said = _TOML_PLACE.sub("", message)
        return {}, error(Span(str(path), line, column, column + 1), SYNTAX, f"this is not TOML: {said_of_toml(said)}")


def _start(path: Path) -> Span:
    return Span(str(path), 1, 1, 1)


def _included(main: Path, tree: Tree, spans: Mapping[KeyPath, Span]) -> tuple[list[Path], list[Finding]]:
    """The files to add, each once; a name without a pattern must stand."""
    section_tree = tree.get("gateway", {})
    patterns = section_tree.get("include") if isinstance(section_tree, dict) else None
    if patterns is None:
        patterns = GatewaySettings.model_fields["include"].default
    patterns = [patterns] if isinstance(patterns, str) else patterns
    if not isinstance(patterns, list | tuple):
        return [], []  # its type is reported with all the others
    seen = {main.resolve()}
    paths: list[Path] = []
    findings: list[Finding] = []
    for number, pattern in enumerate(patterns):
        names = sorted(glob(pattern, root_dir=main.parent)) if isinstance(pattern, str) else []
        if isinstance(pattern, str) and not names and not has_magic(pattern):
            span = span_of(("gateway", "include", number), spans, str(main))
            remedy = "put the file there, or take its name out"
            findings.append(error(span, PLACE, f"[gateway] include names {pattern!r}, which does not exist; {remedy}"))
        for path in (main.parent / name for name in names):
            if path.resolve() not in seen and path.is_file():
                seen.add(path.resolve())
                paths.append(path)
    return paths, findings


def _lay(
    new: Mapping[str, Any],
    into: Tree,
    at: KeyPath,
    new_spans: Mapping[KeyPath, Span],
    old_spans: Mapping[KeyPath, Span],
) -> Iterator[Finding]:
    """Lay one file's tables into the tree."""
    for key, value in new.items():
        path = (*at, key)
        if key not in into:
            into[key] = value
        elif path in _SHARED and isinstance(value, dict) and isinstance(into[key], dict):
            yield from _lay(value, into[key], path, new_spans, old_spans)
        else:
            yield _twice(path, isinstance(value, dict), new_spans, old_spans)


def _twice(
    path: KeyPath, is_table: bool, new_spans: Mapping[KeyPath, Span], old_spans: Mapping[KeyPath, Span]
) -> Finding:
    here, there = span_of(path, new_spans, "?"), span_of(path, old_spans, "?")
    what = section(path).strip() if is_table else f"{section(path[:-1])}{path[-1]}"
    message = f"{what} stands already in {there.file}:{there.line}; keep one of the two, or give it another name"
    return error(here, TWICE, message)
