"""SFTP version 3 in bytes (draft-ietf-secsh-filexfer-02, and OpenSSH's PROTOCOL for the extensions)."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

import asyncssh

VERSION = 3
ANSWER_BYTES_MAX = 1024 * 1024
"""Nobody sends more in one answer; whoever says so speaks something else."""


class Ask(IntEnum):
    """What a client sends."""

    INIT = 1
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    SETSTAT = 9
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    RMDIR = 15
    REALPATH = 16
    STAT = 17
    RENAME = 18
    EXTENDED = 200


class Told(IntEnum):
    """What a server answers."""

    VERSION = 2
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED_REPLY = 201


EXTENSIONS = {
    "posix-rename@openssh.com": "posix_rename",
    "fsync@openssh.com": "fsync",
    "hardlink@openssh.com": "hardlink",
    "statvfs@openssh.com": "statvfs",
    "limits@openssh.com": "limits",
    "lsetstat@openssh.com": "lsetstat",
    "copy-data": "copy_data",
}
_ERRORS: dict[int, Callable[[str], asyncssh.SFTPError]] = {
    1: asyncssh.SFTPEOFError,
    2: asyncssh.SFTPNoSuchFile,
    3: asyncssh.SFTPPermissionDenied,
    4: asyncssh.SFTPFailure,
    5: asyncssh.SFTPBadMessage,
    6: asyncssh.SFTPNoConnection,
    7: asyncssh.SFTPConnectionLost,
    8: asyncssh.SFTPOpUnsupported,
    9: asyncssh.SFTPInvalidHandle,
    # Of later versions; some servers send them all the same.
    10: asyncssh.SFTPNoSuchPath,
    11: asyncssh.SFTPFileAlreadyExists,
    12: asyncssh.SFTPWriteProtect,
    14: asyncssh.SFTPNoSpaceOnFilesystem,
    15: asyncssh.SFTPQuotaExceeded,
    18: asyncssh.SFTPDirNotEmpty,
    19: asyncssh.SFTPNotADirectory,
    20: asyncssh.SFTPInvalidFilename,
    21: asyncssh.SFTPLinkLoop,
    22: asyncssh.SFTPCannotDelete,
    24: asyncssh.SFTPFileIsADirectory,
}
_SIZE, _OWNER, _MODE, _TIMES, _MORE = 1, 2, 4, 8, 0x80000000
_NUMBER = struct.Struct(">I")
_HEAD = struct.Struct(">IBI")
_OFFSET = struct.Struct(">Q")
_RANGE = struct.Struct(">QI")
_PAIR = struct.Struct(">II")
_TIMES_ONLY = struct.Struct(">III")
_STATVFS = struct.Struct(">11Q")
_LIMITS = struct.Struct(">4Q")
HEAD_BYTES = _HEAD.size
NO_ATTRS = _NUMBER.pack(0)
GOOD = _NUMBER.pack(0)
"""How the body of a good status begins."""


@dataclass(frozen=True, slots=True)
class Attrs:
    """What a server says of a file; None is what it leaves out."""

    size: int | None = None
    permissions: int | None = None
    mtime: int | None = None
    type: int = asyncssh.FILEXFER_TYPE_UNKNOWN  # this version tells it in the permissions


@dataclass(frozen=True, slots=True)
class Name:
    """One entry of a listing."""

    filename: str
    attrs: Attrs


@dataclass(frozen=True, slots=True)
class Space:
    """The part of a statvfs answer that tells how full a file system is, and whether it is read-only."""

    frsize: int
    bavail: int
    files: int
    favail: int
    flags: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The longest read and write that the server takes; None is what it doesn't limit."""

    read_bytes: int | None = None
    write_bytes: int | None = None


def text(value: str) -> bytes:
    """A path.  Raises SFTPInvalidFilename: a NUL byte ends the connection at some servers."""
    raw = value.encode("utf-8", "surrogateescape")
    if b"\0" in raw:
        raise asyncssh.SFTPInvalidFilename("a name can't hold a NUL character")
    return blob(raw)


def blob(value: bytes) -> bytes:
    """Bytes behind their length."""
    return _NUMBER.pack(len(value)) + value


def number(value: int) -> bytes:
    """An unsigned number of 32 bits."""
    return _NUMBER.pack(value)


def reach(at: int, size: int) -> bytes:
    """Where a read or write starts and how long it is."""
    return _RANGE.pack(at, size)


def attrs_size(size: int) -> bytes:
    """Attributes that set the size."""
    return _NUMBER.pack(_SIZE) + _OFFSET.pack(size)


def attrs_times(seconds: int) -> bytes:
    """Attributes that set both times.  Raises SFTPFailure for what this version can't say."""
    if not 0 <= seconds < 1 << 32:
        raise asyncssh.SFTPFailure("this SFTP version knows only times from 1970 to 2106")
    return _TIMES_ONLY.pack(_TIMES, seconds, seconds)


def attrs_mode(mode: int) -> bytes:
    """Attributes that set the permissions."""
    return _NUMBER.pack(_MODE) + _NUMBER.pack(mode)


def head(kind: int, request: int, body_bytes: int) -> bytes:
    """What stands in front of a request's body."""
    return _HEAD.pack(5 + body_bytes, kind, request)


def hello() -> bytes:
    """The first packet."""
    return struct.pack(">IBI", 5, Ask.INIT, VERSION)


def read_head(buffer: memoryview, at: int) -> tuple[int, int, int]:
    """Length, kind and id of the answer that starts at `at`; in the first one the id is the version."""
    return _HEAD.unpack_from(buffer, at)


class Reader:
    """Takes an answer's body apart.  Raises SFTPBadMessage where it ends early."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    @property
    def more(self) -> bool:
        """True while something is left."""
        return self._at < len(self._body)

    def _unpack(self, shape: struct.Struct) -> tuple[int, ...]:
        try:
            found = shape.unpack_from(self._body, self._at)
        except struct.error as exc:
            raise asyncssh.SFTPBadMessage("an answer ended early") from exc
        self._at += shape.size
        return found

    def number(self) -> int:
        """32 bits."""
        return self._unpack(_NUMBER)[0]

    def view(self) -> memoryview:
        """Bytes behind their length, where they lie."""
        size = self.number()
        found = memoryview(self._body)[self._at : self._at + size]
        if len(found) < size:
            raise asyncssh.SFTPBadMessage("an answer ended early")
        self._at += size
        return found

    def blob(self) -> bytes:
        """Bytes behind their length."""
        return bytes(self.view())

    def text(self) -> str:
        """A name or a message; bytes that aren't UTF-8 survive the way there and back."""
        return self.blob().decode("utf-8", "surrogateescape")

    def attrs(self) -> Attrs:
        """Attributes."""
        flags = self.number()
        size = self._unpack(_OFFSET)[0] if flags & _SIZE else None
        if flags & _OWNER:
            self._unpack(_PAIR)
        mode = self.number() if flags & _MODE else None
        mtime = self._unpack(_PAIR)[1] if flags & _TIMES else None
        if flags & _MORE:
            for _ in range(self.number()):
                self.blob(), self.blob()
        return Attrs(size, mode, mtime)

    def names(self) -> Iterator[Name]:
        """The entries of a listing; the long form is for people."""
        for _ in range(self.number()):
            filename, _ = self.text(), self.blob()
            yield Name(filename, self.attrs())

    def space(self) -> Space:
        """A statvfs answer."""
        found = self._unpack(_STATVFS)
        return Space(frsize=found[1], bavail=found[4], files=found[5], favail=found[7], flags=found[9])

    def limits(self) -> Limits:
        """A limits answer; 0 is no limit."""
        _, read_bytes, write_bytes, _ = self._unpack(_LIMITS)
        return Limits(read_bytes or None, write_bytes or None)


def status_error(body: bytes) -> asyncssh.SFTPError | None:
    """What a status answer says went wrong, in asyncssh's classes; None if nothing did."""
    reader = Reader(body)
    code = reader.number()
    if code == 0:
        return None
    words = reader.blob().decode("utf-8", "replace") if reader.more else ""
    known = _ERRORS.get(code)
    return asyncssh.SFTPError(code, f"{words} (error {code})") if known is None else known(words)


def extensions(body: bytes) -> frozenset[str]:
    """What the server announced behind its version, by our short names."""
    reader = Reader(body)
    found = set()
    while reader.more:
        name, _ = reader.blob().decode("utf-8", "replace"), reader.blob()
        found.add(name)
    return frozenset(EXTENSIONS[name] for name in found if name in EXTENSIONS)
