"""Checksums that the peer's own shell computes: command lines and answers, no name ever read as a command.  Pure."""

import re
import shlex
from collections.abc import Sequence

PROGRAMS = {"sha256": "sha256sum", "sha1": "sha1sum", "md5": "md5sum"}
_DIGITS = {"sha256": 64, "sha1": 40, "md5": 32}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MEANT = {"n": "\n", "r": "\r"}
_PLAIN = re.compile(r"[A-Za-z0-9_./+,@:=~ -]+")
SHELL_TEST = 'test 42 = "$((6*7))" && echo posix'
"""What only a shell that quotes as we do answers so: for that of Windows a quoted name may hold a command."""


def is_plain(path: str) -> bool:
    """True if no shell at all reads anything into the name."""
    return _PLAIN.fullmatch(path) is not None


def quotes_as_ours(output: str) -> bool:
    """True for the answer to SHELL_TEST of a shell that does; what its start-up files print comes before it."""
    return output.splitlines()[-1:] == ["posix"]


def hash_command(path: str, algorithm: str, first_bytes: int | None = None) -> str:
    """One file, or its first bytes; input is redirected, so the name never stands in the answer."""
    program, name = PROGRAMS[algorithm], shlex.quote(path)
    return f"{program} < {name}" if first_bytes is None else f"head -c {first_bytes} < {name} | {program}"


def hashes_command(paths: Sequence[str], algorithm: str) -> str:
    """Many files; what is said of one that can't be read goes nowhere."""
    return f"{PROGRAMS[algorithm]} {' '.join(shlex.quote(_no_option(path)) for path in paths)} 2>/dev/null"


def _no_option(path: str) -> str:
    return f"./{path}" if path.startswith("-") else path


def read_digest(output: str, algorithm: str) -> str | None:
    """The digest at the start of the last line, None if it isn't one."""
    lines = output.strip().splitlines()
    return _digest(lines[-1].split(" ")[0], algorithm) if lines else None


def read_digests(output: str, paths: Sequence[str], algorithm: str) -> dict[str, str]:
    """The digests by path, of the paths that the answer names beyond doubt."""
    wanted = {_no_option(path): path for path in paths}
    named = [pair for line in output.split("\n") if (pair := _named(line, algorithm)) is not None]
    found = {wanted[name]: digest for name, digest in named if name in wanted}
    seen = [name for name, _ in named]
    return {path: digest for path, digest in found.items() if seen.count(_no_option(path)) == 1}


def _named(line: str, algorithm: str) -> tuple[str, str] | None:
    """Name and digest of one line; a line that starts with a backslash has them in its name, too."""
    escaped = line.startswith("\\")
    first, _, name = line.removeprefix("\\").partition(" ")
    digest = _digest(first, algorithm)
    if digest is None or name[:1] not in (" ", "*"):
        return None
    return _ESCAPED.sub(lambda it: _MEANT.get(it[1], it[1]), name[1:]) if escaped else name[1:], digest


def _digest(word: str, algorithm: str) -> str | None:
    found = word.lower()
    good = len(found) == _DIGITS[algorithm] and not found.strip("0123456789abcdef")
    return found if good else None
