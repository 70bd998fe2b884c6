"""Reading files of a source once, to hash them: whole, unchanged from the first byte to the last.  Blocks."""

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from stat import S_ISREG
from threading import Event
from typing import Protocol

from gateway.core.errors import GatewayError
from gateway.core.model import Stamp
from gateway.endpoints.os_errors import local_error
from gateway.ledger.job_contents import Hashed, Skipped
from gateway.transfer.seen import Seen, lies_in, seen_as

_BLOCK_BYTES = 1024 * 1024
_ROUNDS = 3
_NO_LINKS = os.O_NOFOLLOW
look = os.stat
"""What stands under a name once it was read."""
CHANGES = "it changes while it is read; it goes along with the next start if it is at rest then"
_TICK_S = 0.02
"""Two changes within one tick of a file system's clock leave the same time: what is younger is waited for."""


class Keeper(Protocol):
    """Keeps what was read for who sends it next; called from threads."""

    def wants(self, size_bytes: int) -> bool:
        """True if a file of this size is to be kept."""
        ...

    def keep(self, path: str, stamp: Stamp, data: bytes) -> None:
        """The whole content of a file that had this stamp before and after it was read."""
        ...


@dataclass(slots=True)
class Read:
    """What a batch of files came to; `seen` are the stamps that the hashes belong to.  Files that are gone are in none.

    `bytes_read` counts what was read in vain, too.
    """

    hashed: list[Hashed] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    bytes_read: int = 0

    def add(self, other: "Read") -> None:
        """Another batch."""
        self.hashed += other.hashed
        self.seen += other.seen
        self.skipped += other.skipped
        self.bytes_read += other.bytes_read


@dataclass(frozen=True, slots=True, kw_only=True)
class Hasher:
    """How the files of one source are hashed; `algorithm` is the job's, beside the SHA-256 that is always made.

    Once `halted` is set a batch ends with the file that it is at.
    """

    folder: str
    algorithm: str
    follow_links: bool
    now_ns: Callable[[], int]
    halted: Event
    keeper: Keeper | None = None

    def batch(self, files: Sequence[Seen]) -> Read:
        """Hash these files."""
        made = Read()
        for file in files:
            if self.halted.is_set():
                break
            try:
                self._file(file.relative, made)
            except FileNotFoundError:
                continue
            except OSError as exc:
                made.skipped.append(_failed(file.relative, local_error(exc, file.relative)))
        return made

    def _file(self, relative: str, made: Read) -> None:
        """Hash one file; one that changes all the while is left out: never half a file."""
        path = os.path.join(self.folder, relative)
        if self.follow_links and not lies_in(self.folder, path):
            made.skipped.append(Skipped(relative, "it leads out of the source now; what lies elsewhere is never taken"))
            return
        for _ in range(_ROUNDS):
            seen = self._round(path, relative, made)
            if seen is not None:
                made.seen.append(seen)
                return
            if self.halted.is_set():
                return
        made.skipped.append(Skipped(relative, CHANGES, failed=True))

    def _round(self, path: str, relative: str, made: Read) -> Seen | None:
        """Read once; None if the file was another one afterwards."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if self.follow_links else _NO_LINKS))
        try:
            before = os.fstat(descriptor)
            if not S_ISREG(before.st_mode):
                raise FileNotFoundError(path)
            _let_settle(before.st_ctime_ns)
            content = _Content(self.algorithm, keeps=self.keeper is not None and self.keeper.wants(before.st_size))
            content.read(descriptor, before.st_size, self.halted)
            made.bytes_read += content.size
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        seen = seen_as(relative, after)
        there = seen_as(relative, look(path, follow_symlinks=self.follow_links))
        if not seen_as(relative, before) == seen == there or content.size != seen.size:
            return None
        made.hashed.append(content.hashed(seen, self.now_ns()))
        if self.keeper is not None and content.blocks is not None:
            stamp = Stamp(seen.size, seen.mtime_ns, after.st_ino, after.st_dev)
            self.keeper.keep(path, stamp, b"".join(content.blocks))
        return seen


class _Content:
    """What is read of one file: its digests, and the bytes themselves where they are kept."""

    def __init__(self, algorithm: str, *, keeps: bool) -> None:
        self.size = 0
        self.blocks: list[bytes] | None = [] if keeps else None
        self._sha256 = hashlib.sha256()
        self._other = None if algorithm == "sha256" else hashlib.new(algorithm, usedforsecurity=False)

    def read(self, descriptor: int, size: int, halted: Event) -> None:
        """To the end, or to the end that it had: what grows meanwhile is another file anyway."""
        while self.size < size and not halted.is_set():
            block = os.read(descriptor, min(_BLOCK_BYTES, size - self.size))
            if not block:
                break
            self.size += len(block)
            self._sha256.update(block)
            if self._other is not None:
                self._other.update(block)
            if self.blocks is not None:
                self.blocks.append(block)

    def hashed(self, seen: Seen, at: int) -> Hashed:
        """As the ledger keeps it."""
        other = None if self._other is None else self._other.hexdigest()
        return Hashed(*seen[:5], sha256=self._sha256.hexdigest(), digest=other, hashed_at=at)


def _let_settle(ctime_ns: int) -> None:
    """Return once a change to the file would leave another time than the one it has."""
    age_s = (time.time_ns() - ctime_ns) / 1e9
    if -_TICK_S < age_s < _TICK_S:
        time.sleep(_TICK_S - max(age_s, 0.0))


def _failed(relative: str, problem: GatewayError) -> Skipped:
    return Skipped(relative, str(problem).removeprefix(f"{relative}: "), failed=True)
