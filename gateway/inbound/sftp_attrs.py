"""What SFTP tells of a file, and what a client may set.

Not asyncssh's own way, which asks the machine for the names of user and group, twice for each file: that is half of the
time of a long listing, and where a directory service has them it waits for that.
"""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from asyncssh import SFTPAttrs, SFTPName

from gateway.inbound.landing import is_landing

_LISTED_AT_ONCE = 500
_SECOND_NS = 1_000_000_000


def told(found: os.stat_result) -> SFTPAttrs:
    """What version 3 has of it."""
    return SFTPAttrs(
        size=found.st_size,
        uid=found.st_uid,
        gid=found.st_gid,
        permissions=found.st_mode,
        atime=found.st_atime_ns // _SECOND_NS,
        mtime=found.st_mtime_ns // _SECOND_NS,
        nlink=found.st_nlink,
    )


def listed(entries: "Iterator[os.DirEntry[Any]]") -> list[SFTPName]:
    """The next entries of a folder, without uploads on their way; an empty list at the end."""
    while block := list(islice(entries, _LISTED_AT_ONCE)):
        names = [name for entry in block if (name := _name(entry)) is not None]
        if names:
            return names
    return []


def _name(entry: "os.DirEntry[Any]") -> SFTPName | None:
    if is_landing(entry.name):
        return None
    try:
        attrs = told(entry.stat(follow_symlinks=False))
    except FileNotFoundError:
        return None  # gone since the folder was read
    return SFTPName(os.fsencode(entry.name), attrs=attrs)


def set_attrs(file: int | Path, attrs: SFTPAttrs) -> None:
    """Permissions and times; owners are the gateway's own affair and left alone."""
    if attrs.permissions is not None:
        os.chmod(file, attrs.permissions & 0o777)
    if attrs.mtime is not None:
        modified = attrs.mtime * _SECOND_NS + (attrs.mtime_ns or 0)
        accessed = modified if attrs.atime is None else attrs.atime * _SECOND_NS + (attrs.atime_ns or 0)
        os.utime(file, ns=(accessed, modified))
