"""Does a command mean this file?  The answer with its reason, for `gateway why`.  Blocking: looks at the disk."""

import os
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG

from gateway.language.pattern import compile_pattern, is_temporary
from gateway.language.settings import Settings, Stability
from gateway.transfer.markers import DoneFile
from gateway.transfer.sources import SourceSpec, written_as


@dataclass(frozen=True, slots=True)
class Meant:
    """Whether a command's source means a path.  `near`: it nearly does, so the reason is worth telling."""

    yes: bool
    reason: str
    near: bool = True


def means(spec: SourceSpec, settings: Settings, path: str) -> Meant:
    """Whether `path` is a source of a command that looks where `spec` says."""
    place = _place(spec, path)
    if place is not None:
        return place
    name = os.path.basename(path)
    if spec.literal is None and not spec.pattern.matches(name):
        return Meant(False, _no_match(spec, name))
    if not _is_named(spec, path) and is_temporary(name):
        return Meant(
            False,
            f"{name} is hidden or a temporary name, which a pattern never takes: its writer is expected to rename it "
            "once it is complete",
        )
    if settings.stability is Stability.DONE_FILE and DoneFile(settings.done_file).is_marker(name):
        return Meant(False, f"it is a done file ({settings.done_file}), which says that another file is complete")
    return _regular(spec, path)


def _is_named(spec: SourceSpec, path: str) -> bool:
    return spec.literal is not None and written_as(spec) == path


def _place(spec: SourceSpec, path: str) -> Meant | None:
    """Why the path does not lie where the command looks; None if it does."""
    if _is_named(spec, path):
        return None
    top = written_as(spec) if spec.literal is not None else str(spec.folder)
    folder = os.path.dirname(path)
    if spec.literal is not None and not os.path.isdir(top):
        return Meant(False, f"it means {top} and no other file", near=folder == str(spec.folder))
    if folder == top:
        return None
    if not folder.startswith(top.rstrip("/") + "/"):
        return Meant(False, f"it looks in {top}", near=False)
    if not spec.recurse:
        return Meant(False, f"it looks in {top} itself; only with -REC in the folders below it")
    hidden = next((part for part in Path(folder).relative_to(top).parts if is_temporary(part)), None)
    return Meant(False, f"the folder {hidden} is hidden or temporary, and is not entered") if hidden else None


def _no_match(spec: SourceSpec, name: str) -> str:
    token = spec.pattern.token or "*"
    if not spec.ignore_case and compile_pattern(token, ignore_case=True).matches(name):
        return f'{name} does not match {token}: capitals count, unless the endpoint says case = "ignore"'
    return f"{name} does not match {token}"


def _regular(spec: SourceSpec, path: str) -> Meant:
    try:
        seen = os.lstat(path)
    except FileNotFoundError:
        return Meant(True, "it matches, and is not there now")
    except OSError as problem:
        return Meant(False, f"it can't be looked at: {problem.strerror}; let the gateway's user enter its folder")
    if S_ISLNK(seen.st_mode) and not spec.follow_links:
        return Meant(
            False, "it is a symbolic link, and those are not followed (follow_links = true at the endpoint does)"
        )
    if S_ISDIR(seen.st_mode):
        return Meant(False, "it is a folder")
    if not S_ISREG(seen.st_mode) and not S_ISLNK(seen.st_mode):
        return Meant(False, "it is no regular file (a pipe, a socket or a device), and such are never opened")
    return Meant(True, "it matches")
