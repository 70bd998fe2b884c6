"""The values that floors hand each other: where text stood, what a file looked like, what was found wrong."""

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Span:
    """Where something stands in a text file; lines and columns count from 1, `end_column` is one past the end."""

    file: str
    line: int
    column: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity(StrEnum):
    """How much a finding matters: an error keeps the script from running."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found: what was found, and what to write instead."""

    span: Span
    severity: Severity
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.span}: {self.severity} {self.code} {self.message}"

    @property
    def place(self) -> tuple[str, int, int, str]:
        """What findings are listed by."""
        return self.span.file, self.span.line, self.span.column, self.code


class Kind(StrEnum):
    """What a name stands for; only files are ever sent."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What identifies one version of a file (DESIGN §2).

    `mtime_ns` is nanoseconds since the epoch, None where the peer does not say; `mtime_precision_ns` is how
    finely it says it (a listing may give minutes).  `inode` is 0 where there is no lasting one.  `device` counts
    only within one boot: it changes at a remount.  `ctime_ns`, where this machine's disk was just asked, tells that
    nothing at all was done to the file; nobody remembers it here.
    """

    size_bytes: int
    mtime_ns: int | None = None
    inode: int = 0
    device: int = 0
    mtime_precision_ns: int = 1
    ctime_ns: int | None = field(default=None, compare=False)

    def same_version(self, other: "Stamp") -> bool:
        """True if size and mtime (as far as both know it) agree, and the inode where both have one."""
        if self.size_bytes != other.size_bytes:
            return False
        if self.inode and other.inode and self.inode != other.inode:
            return False
        return self.same_time(other)

    def same_time(self, other: "Stamp") -> bool:
        """True if the mtimes agree as finely as the coarser side knows them, or one side knows none."""
        if self.mtime_ns is None or other.mtime_ns is None:
            return True
        grain = max(self.mtime_precision_ns, other.mtime_precision_ns)
        return self.mtime_ns // grain == other.mtime_ns // grain

    def untouched_since(self, other: "Stamp") -> bool:
        """True if neither content nor anything else was changed, as far as both know when that was last."""
        return self.same_version(other) and self.ctime_ns is not None and self.ctime_ns == other.ctime_ns

    def same_content_likely(self, other: "Stamp") -> bool:
        """True if only inode or device differ: then content (SHA-256) decides."""
        return self.size_bytes == other.size_bytes and self.same_time(other)


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder, as an endpoint shows it; `path` is what to hand back to that endpoint.

    `executable`: its owner may run it, as far as the endpoint says.
    """

    path: str
    kind: Kind
    stamp: Stamp
    executable: bool = field(default=False, compare=False)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rstrip("/").rpartition("/")[2]
