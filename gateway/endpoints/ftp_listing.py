"""What FTP servers say of files: MLSD facts, MDTM times, and LIST lines of Unix and DOS.  Pure.

LIST gives no usable time: no year or no seconds, in an unknown zone, often localised.  It stays unknown until MDTM
says.
"""

import re
from datetime import UTC, datetime

from gateway.core.model import Entry, Kind, Stamp
from gateway.endpoints.paths import join

_SECOND_NS = 1_000_000_000
_KINDS = {"file": Kind.FILE, "dir": Kind.FOLDER, "os.unix=slink": Kind.LINK, "os.unix=symlink": Kind.LINK}
_UNIX = re.compile(
    r"(?P<kind>[-dlbcps])[-rwxsStTl]{9}[.+@]?\s+(?:\d+\s+)?(?:\S+\s+){1,2}?(?P<size>\d+(?:,\s*\d+)?)\s+"
    r"(?:\S+\s+\d{1,2}\.?\s+(?:\d{1,2}:\d{2}|\d{4})|\d{1,2}\.?\s+\S+\s+(?:\d{1,2}:\d{2}|\d{4})"
    r"|\d{4}-\d{2}-\d{2}\s+\d{2}:\d{2}) (?P<name>.+)"
)
_DOS = re.compile(r"\d{2}-\d{2}-(?:\d{2}|\d{4})\s+\d{2}:\d{2}\s*(?:[AaPp][Mm])?\s+(?P<size><DIR>|\d+) (?P<name>.+)")
_UNIX_KINDS = {"-": Kind.FILE, "d": Kind.FOLDER, "l": Kind.LINK}


def parse_time(text: str) -> tuple[int, int] | None:
    """`YYYYMMDDHHMMSS[.sss]`, UTC, as (nanoseconds since the epoch, precision); None if it is none."""
    whole, _, fraction = text.strip().partition(".")
    try:
        seconds = int(_read_time(whole).timestamp())
    except ValueError:
        return None
    digits = fraction[:9] if fraction.isdigit() else ""
    return seconds * _SECOND_NS + int((digits or "0").ljust(9, "0")), 10 ** (9 - len(digits))


def _read_time(text: str) -> datetime:
    if len(text) == 14 and text.isascii() and text.isdigit():  # as nearly all are: strptime costs more than an exchange
        month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(4, 14, 2))
        return datetime(int(text[:4]), month, day, hour, minute, second, tzinfo=UTC)
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def show_time(mtime_ns: int) -> str:
    """The same for MFMT, whole seconds."""
    return datetime.fromtimestamp(mtime_ns // _SECOND_NS, UTC).strftime("%Y%m%d%H%M%S")


def parse_facts(line: str, folder: str | None = None, path: str = "") -> Entry | None:
    """One line of MLSD (with `folder`) or MLST (with `path`); None for the folder itself and its parent."""
    facts_text, _, name = line.lstrip(" ").rstrip("\r\n").partition(" ")
    facts = dict(fact.lower().split("=", 1) for fact in facts_text.split(";") if "=" in fact)
    kind_text = facts.get("type", "file")
    if folder is not None and (kind_text in ("cdir", "pdir") or name in (".", "..", "")):
        return None
    kind = Kind.FOLDER if kind_text in ("cdir", "pdir") else _kind(kind_text)
    size = facts.get("size", "")
    time = parse_time(facts.get("modify", ""))
    stamp = Stamp(int(size) if size.isdigit() else 0, *_time_fields(time))
    return Entry(path if folder is None else join(folder, name), kind, stamp)


def _kind(text: str) -> Kind:
    for known, kind in _KINDS.items():
        if text == known or text.startswith(f"{known}:"):
            return kind
    return Kind.OTHER


def _time_fields(time: tuple[int, int] | None) -> tuple[int | None, int, int, int]:
    return (None, 0, 0, _SECOND_NS) if time is None else (time[0], 0, 0, time[1])


def parse_list_line(line: str, folder: str) -> Entry | None:
    """One line of LIST; None for headings, `.`, `..` and what can't be understood."""
    text = line.rstrip("\r\n")
    if match := _UNIX.fullmatch(text):
        return _entry(folder, _UNIX_KINDS.get(match["kind"], Kind.OTHER), match["name"], match["size"])
    if match := _DOS.fullmatch(text):
        kind = Kind.FOLDER if match["size"] == "<DIR>" else Kind.FILE
        return _entry(folder, kind, match["name"].lstrip(" "), match["size"])
    return None


def _entry(folder: str, kind: Kind, name: str, size: str) -> Entry | None:
    if kind is Kind.LINK:
        name = name.partition(" -> ")[0]
    if name in (".", ".."):
        return None
    return Entry(join(folder, name), kind, Stamp(int(size) if size.isdigit() else 0, None, 0, 0, _SECOND_NS))
