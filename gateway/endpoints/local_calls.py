"""Blocking calls on this machine's files; each runs in a thread of `Disk`.  Links are never followed."""

import ctypes
import errno
import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from itertools import islice

from gateway.core.errors import PathRefused
from gateway.core.folders import sync_folder
from gateway.core.model import Entry, Kind, Stamp
from gateway.endpoints.modes import run_mode
from gateway.endpoints.paths import join

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_KINDS = {stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.FOLDER, stat.S_IFLNK: Kind.LINK}
_LIBC = ctypes.CDLL(None, use_errno=True)
_HASH_BLOCK_BYTES = 1024 * 1024


def stamp_of(found: os.stat_result) -> Stamp:
    """The stamp of a stat answer."""
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev, ctime_ns=found.st_ctime_ns)


def entry_of(path: str, found: os.stat_result) -> Entry:
    """The entry of a stat answer."""
    mode = found.st_mode
    return Entry(path, _KINDS.get(stat.S_IFMT(mode), Kind.OTHER), stamp_of(found), bool(mode & stat.S_IXUSR))


def look(path: str, follow_links: bool = False) -> os.stat_result:
    """What stands there; with `follow_links` what a link leads to, the link itself where it leads nowhere."""
    if follow_links:
        try:
            return os.stat(path)
        except FileNotFoundError:
            return os.lstat(path)
    return os.lstat(path)


def open_to_read(path: str, follow_links: bool = False) -> int:
    """A descriptor of a regular file.  O_NONBLOCK: opening a FIFO must not wait for its writer."""
    links = 0 if follow_links else os.O_NOFOLLOW
    return _regular(os.open(path, os.O_RDONLY | links | os.O_NONBLOCK | os.O_CLOEXEC), path)


def start_reading(path: str, offset: int, size: int, follow_links: bool = False) -> tuple[int | None, bytes]:
    """The first block, and a descriptor for the rest; None where that was all, as with most files."""
    descriptor = open_to_read(path, follow_links)
    try:
        block = os.pread(descriptor, size, offset)
        if len(block) == size or (block and os.pread(descriptor, 1, offset + len(block))):
            kept, descriptor = descriptor, -1
            return kept, block
        return None, block
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def open_to_write(path: str, offset: int | None) -> int:
    """A descriptor at `offset`, where the file is cut; None: behind what it holds."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = _regular(os.open(path, flags, 0o666), path)
    try:
        if offset is None:
            os.lseek(descriptor, 0, os.SEEK_END)
        else:
            os.ftruncate(descriptor, offset)
            os.lseek(descriptor, offset, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _regular(descriptor: int, path: str) -> int:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise PathRefused(f"{path}: not a regular file; folders, pipes and devices are not moved")
    return descriptor


def write_all(descriptor: int, block: bytes) -> None:
    """Write the whole of `block`."""
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]


def rename(source: str, target: str) -> None:
    """Move onto `target`, in one step, and have it on disk."""
    os.rename(source, target)
    _sync_folders(source, target)


def rename_noreplace(source: str, target: str) -> None:
    """Move to `target` unless something stands there; FileExistsError then."""
    answer = _LIBC.renameat2(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE)
    if answer != 0:
        number = ctypes.get_errno()
        if number not in (errno.EINVAL, errno.ENOSYS):
            raise OSError(number, os.strerror(number), source)
        link_and_unlink(source, target)
    _sync_folders(source, target)


def link_and_unlink(source: str, target: str) -> None:
    """The same for file systems that don't know the flag; a kill in between leaves both names of one file."""
    os.link(source, target, follow_symlinks=False)
    os.unlink(source)


def _sync_folders(source: str, target: str) -> None:
    folders = {os.path.dirname(source) or ".", os.path.dirname(target) or "."}
    for folder in folders:
        sync_folder(folder)


def scan_some(
    listing: Iterator["os.DirEntry[str]"], folder: str, count: int, follow_links: bool = False
) -> list[Entry] | None:
    """The next entries of a listing, None at its end; what vanished meanwhile is left out."""
    names = list(islice(listing, count))
    return [entry for name in names if (entry := _listed(name, folder, follow_links)) is not None] if names else None


def _listed(name: "os.DirEntry[str]", folder: str, follow_links: bool) -> Entry | None:
    try:
        return entry_of(join(folder, name.name), look(name.path, follow_links))
    except FileNotFoundError:
        return None


def set_mtime(path: str, mtime_ns: int) -> None:
    """Set the mtime, and the atime to the same."""
    os.utime(path, ns=(mtime_ns, mtime_ns), follow_symlinks=False)


def let_run(path: str, *, allowed: bool) -> None:
    """Whoever may read a file may run it, or nobody may."""
    os.chmod(path, run_mode(stat.S_IMODE(os.lstat(path).st_mode), allowed=allowed))


def digest(path: str, algorithm: str, first_bytes: int | None = None) -> str:
    """The hex digest of a file, or of its first bytes."""
    descriptor = open_to_read(path)
    try:
        made, at = hashlib.new(algorithm), 0
        end = sys.maxsize if first_bytes is None else first_bytes
        while block := os.pread(descriptor, min(_HASH_BLOCK_BYTES, end - at), at):
            made.update(block)
            at += len(block)
        return made.hexdigest()
    finally:
        os.close(descriptor)
