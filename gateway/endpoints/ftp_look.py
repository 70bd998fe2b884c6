"""Looking at names over FTP: what stands there, what is in a folder, what is missing.  Blocking.

vsftpd lists a missing folder as empty, has no MLSD, and answers 550 for every cause; so each answer is checked.
"""

import ftplib
import re
from collections.abc import Callable
from dataclasses import replace

from gateway.core.errors import NotThere, PathRefused
from gateway.core.model import Entry, Kind, Stamp
from gateway.endpoints.base import Features
from gateway.endpoints.ftp_errors import reply_code, reply_text
from gateway.endpoints.ftp_listing import parse_facts, parse_list_line, parse_time
from gateway.endpoints.ftp_wire import Control
from gateway.endpoints.paths import parent

_SECOND_NS = 1_000_000_000
_NOT_KNOWN = ("500", "502", "504")
_FORBIDDEN = re.compile(r"denied|privilege|not (?:allowed|permitted|supported|implemented)", re.IGNORECASE)
FOLDER_REMEDY = (
    "correct the path, make the folder (MKDIR in the script, or make_dirs = true at the endpoint), or have the "
    "partner let us in"
)
_EMPTY = re.compile(r"[45]50\b.*\bno (?:files?|data ?sets?|members?|entries)\b(?! or )", re.IGNORECASE)


_PARSERS = {True: ("MLSD", parse_facts), False: ("LIST", parse_list_line)}


def list_folder(control: Control, at: str, folder: str) -> list[Entry]:
    """The entries of `at`, their paths beginning with `folder`.  Raises NotThere if it can't be entered."""
    _enter(control, at, folder)
    command, parse = _PARSERS["MLST" in control.features or "MLSD" in control.features]
    try:
        entries = [parse(line, folder) for line in control.listing(command)]
    except (ftplib.error_perm, ftplib.error_temp) as exc:
        if not _EMPTY.match(reply_text(exc)):
            raise
        return []  # mainframes and some Windows servers call a folder without files an error
    return [entry for entry in entries if entry is not None]


def _enter(control: Control, at: str, shown: str) -> None:
    try:
        control.cwd(at)
    except ftplib.error_perm as exc:
        if reply_code(exc) == "530":
            raise
        raise NotThere(
            f"{shown}: {reply_text(exc)}; the folder is missing or can't be entered; {FOLDER_REMEDY}"
        ) from exc


def is_folder(control: Control, at: str) -> bool:
    """True if `at` can be entered."""
    try:
        control.cwd(at)
    except ftplib.error_perm:
        return False
    return True


def look_at(control: Control, at: str, path: str, answers: Callable[[str], bool] | None = None) -> Entry:
    """What stands under `at`.  Raises NotThere only if its folder answers, PathRefused if nothing can be told.

    `answers` says whether a folder does; it is asked anew where this is left out.
    """
    facts = "MLST" in control.features
    try:
        return _by_facts(control, at, path) if facts else _by_size(control, at, path)
    except ftplib.error_perm as exc:
        if not facts and is_folder(control, at):
            return Entry(path, Kind.FOLDER, Stamp(0, None, 0, 0, _SECOND_NS))
        if reply_code(exc) in _NOT_KNOWN:
            return _by_listing(control, at, path)
        if _FORBIDDEN.search(reply_text(exc)):
            return _by_listing(control, at, path, strict=True)  # that says nothing of the file
        raise _missing(control, at, path, exc, answers) from exc


def _by_facts(control: Control, at: str, path: str) -> Entry:
    lines = control.sendcmd(f"MLST {at}").splitlines()
    entry = parse_facts(lines[1], path=path) if len(lines) > 2 else None
    if entry is None:
        raise ftplib.error_reply(f"MLST: {lines!r}")
    return entry


def _by_size(control: Control, at: str, path: str) -> Entry:
    answer = control.sendcmd(f"SIZE {at}")
    size = answer[4:].strip()
    if not size.isdigit():
        raise ftplib.error_reply(answer)
    found = None
    if "MDTM" in control.features:
        reply = control.reply(f"MDTM {at}")
        found = parse_time(reply[4:]) if reply.startswith("213") else None
    mtime_ns, grain_ns = found or (None, _SECOND_NS)
    return Entry(path, Kind.FILE, Stamp(int(size), mtime_ns, 0, 0, grain_ns))


def _by_listing(control: Control, at: str, path: str, *, strict: bool = False) -> Entry:
    """`strict`: a listing that leaves dot names out says nothing of one that isn't in it."""
    name = at.rpartition("/")[2]
    entries = list_folder(control, parent(at) or ".", "")
    if strict and name.startswith(".") and not any(entry.name.startswith(".") for entry in entries):
        entries = _with_dot_names(control, path)
    for entry in entries:
        if entry.name == name:
            return replace(entry, path=path)
    raise NotThere(f"{path}: not in the listing of its folder")


def _with_dot_names(control: Control, path: str) -> list[Entry]:
    """The folder that was listed last, by the one option of LIST that most servers know.  Raises PathRefused."""
    try:
        lines = list(control.listing("LIST -a"))
    except ftplib.error_perm:
        lines = []
    if not any(line.endswith(" .") or line[:1].isdigit() for line in lines):  # DOS knows no hidden dots
        raise PathRefused(
            f"{path}: the server tells nothing of single files, and its listings leave out names that begin with a "
            'dot; set `partial` to a template without one, such as "{name}.{id}.part"'
        )
    return [entry for line in lines if (entry := parse_list_line(line, "")) is not None]


def _missing(
    control: Control, at: str, path: str, exc: BaseException, answers: Callable[[str], bool] | None
) -> NotThere | PathRefused:
    folder = parent(at)
    if not folder or (answers(folder) if answers is not None else is_folder(control, folder)):
        return NotThere(f"{path}: {reply_text(exc)}")
    return PathRefused(
        f"{path}: {reply_text(exc)}; its folder is missing or can't be entered: the server tells no difference; "
        f"{FOLDER_REMEDY}"
    )


def without_replace(features: Features) -> Features:
    """What is left of a server that has refused to replace a file."""
    return replace(features, atomic_replace=False)
