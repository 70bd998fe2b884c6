"""How an upload lands: under a hidden name beside its final one, which it takes only at the clean end (DESIGN §4).

A cut upload never shows under its name and is never reported.  What stood under the name stays whole until then.
Everything here blocks.
"""

import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from enum import Enum, auto
from pathlib import Path

from gateway.core.folders import sync_folder
from gateway.inbound.digest import Digest

_NAME = re.compile(r"\..*\.[0-9a-f]{12}\.landing", re.DOTALL)
_NAME_BYTES_MAX = 255
_COPY_BYTES = 1 << 20
_under_way: set[str] = set()
"""The hidden names of this process: no leftovers."""


class Start(Enum):
    """What an upload starts from."""

    EMPTY = auto()
    NEW = auto()  # the name must be free, now and at the end
    KEPT = auto()  # a copy of what stands there: appended to, or written over in part
    APPENDED = auto()  # the same, and every write goes to its end


class Landing:
    """One upload on its way; also the file object that the FTP library writes to.

    `begun` is called with it, in whichever thread writes, when its first bytes come.
    """

    def __init__(
        self, final: Path, start: Start, mode: int = 0o666, begun: "Callable[[Landing], None] | None" = None
    ) -> None:
        """Open the hidden file.  Raises OSError as opening `final` itself would."""
        self.final = final
        self._start = start
        self._begun = begun
        self._digest = Digest(self.read_at)
        self.failed: OSError | None = None
        self._end = 0
        self.changed = True
        self.size_bytes = 0  # told once it is closed
        self.sha256: str | None = None  # likewise, where the order of the writes let it be known
        self.closed = True  # until there is something to close
        before = _what_stands(final)
        if before is not None and start is Start.NEW:
            raise FileExistsError(17, "File exists", str(final))
        self._hidden = final.with_name(landing_name(final.name))
        self.had_bytes = False
        _under_way.add(self._hidden.name)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._fd = os.open(self._hidden, flags, (mode & 0o777) | 0o600)
        except OSError:
            _under_way.discard(self._hidden.name)
            raise
        self.closed = False
        if before is not None and start in (Start.KEPT, Start.APPENDED):
            self._copy_from(final)
            self.changed = False

    def _copy_from(self, final: Path) -> None:
        try:
            with final.open("rb") as old, os.fdopen(os.dup(self._fd), "wb") as new:
                while data := old.read(_COPY_BYTES):
                    new.write(data)
                    self._digest.passed(self._digest.end, data)
            self._end = os.fstat(self._fd).st_size if self._start is Start.APPENDED else 0
        except OSError:
            self.abandon()
            raise

    @property
    def name(self) -> str:
        """The final path, as the FTP library logs and reports it."""
        return str(self.final)

    @property
    def hidden(self) -> str:
        """The name that its bytes have meanwhile; no other upload ever has it."""
        return self._hidden.name

    def fileno(self) -> int:
        """The descriptor of the hidden file."""
        return self._fd

    def seek(self, offset: int) -> None:
        """Where the next `write` goes."""
        self._end = offset

    def write(self, data: bytes) -> int:
        """Write behind the last write."""
        self.write_at(self._end, data)
        return len(data)

    def write_at(self, offset: int, data: bytes) -> None:
        """Write all of `data`; once a write has failed the upload can only be abandoned."""
        first = place = self._end if self._start is Start.APPENDED else offset
        self.changed = True
        view = memoryview(data)
        try:
            while view:
                written = os.pwrite(self._fd, view, place)
                view, place = view[written:], place + written
        except OSError as problem:
            self.failed = problem
            raise
        self._end = place
        self._digest.passed(first, data)
        if not self.had_bytes:
            self.had_bytes = True
            if self._begun is not None:
                self._begun(self)

    def read_at(self, offset: int, size: int) -> bytes:
        """What was written, for clients that read back on the same handle."""
        return os.pread(self._fd, size, offset)

    def resize(self, size_bytes: int) -> None:
        """Cut or lengthen the upload."""
        self.changed = True
        os.ftruncate(self._fd, size_bytes)
        self._digest.cut(size_bytes)

    def commit(self) -> bool:
        """The clean end: durable, then under its name; False if nothing was changed, so that nothing landed.

        Raises OSError, the hidden file removed, if a write failed before or the name can't be taken.
        """
        if not self.changed:
            self.abandon()
            return False
        try:
            if self.failed is not None:
                raise self.failed
            os.fsync(self._fd)
            self._take_name()
        except OSError:
            self.abandon()
            raise
        self._close()
        sync_folder(self.final.parent)
        return True

    def _take_name(self) -> None:
        if self._start is Start.NEW:
            os.link(self._hidden, self.final)  # refuses a name that was taken meanwhile
            self._hidden.unlink()
        else:
            self._hidden.replace(self.final)

    def abandon(self) -> None:
        """Any other end: nothing remains; a second call does nothing."""
        if not self.closed:
            self._close()
            self._hidden.unlink(missing_ok=True)

    close = abandon  # the FTP library closes what was not committed

    def _close(self) -> None:
        self.closed = True
        _under_way.discard(self._hidden.name)
        self.size_bytes = os.fstat(self._fd).st_size
        self.sha256 = self._digest.of(self.size_bytes)
        os.close(self._fd)


def landing_name(name: str) -> str:
    """A free hidden name for an upload to `name`, cut to what a folder takes."""
    tail = f".{secrets.token_hex(6)}.landing"
    kept = os.fsencode(name)[: _NAME_BYTES_MAX - len(tail) - 1]
    return f".{kept.decode('utf-8', 'ignore')}{tail}"


def is_landing(name: str) -> bool:
    """True for the hidden name of an upload: never listed, never given to a client."""
    return _NAME.fullmatch(name) is not None


def leftovers(root: Path) -> Iterator[Path]:
    """Hidden files below `root` that a killed process left behind, none of this one's."""
    for folder, _, names in os.walk(root):
        yield from (Path(folder, name) for name in names if is_landing(name) and name not in _under_way)


def _what_stands(final: Path) -> os.stat_result | None:
    """The regular file under `final`, None if the name is free.  Raises OSError for anything else."""
    try:
        found = final.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(21, "Is a directory", str(final))
    if not stat.S_ISREG(found.st_mode):
        raise PermissionError(13, "Not a regular file", str(final))
    return found
