"""Is anybody writing this file?  A read lease says so: the kernel refuses it while the file is open for writing.

The lease (fcntl(2), F_SETLEASE) is given back within the same call.  It needs a local file system and a file of
our own user, or CAP_LEASE; where it can't be had nothing is known.
"""

import errno
import fcntl
import os
import signal
from enum import Enum
from stat import S_ISREG

_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | os.O_NOFOLLOW


class Writer(Enum):
    """What is known of writers."""

    HELD = "held"
    FREE = "free"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"  # the file can't be opened by us: nothing to send yet


def probe_writer(path: str, *, follow_links: bool = False) -> Writer:
    """Ask the kernel whether `path` is open for writing anywhere on this machine.

    Only for regular files on local file systems (`mounts.Mounts` knows).  Blocks for microseconds.
    """
    try:
        opened = os.open(path, _OPEN & ~os.O_NOFOLLOW if follow_links else _OPEN)
    except OSError as exc:
        return _unopened(exc)
    try:
        return _leased(opened) if S_ISREG(os.fstat(opened).st_mode) else Writer.UNKNOWN
    finally:
        os.close(opened)


def _unopened(exc: OSError) -> Writer:
    if exc.errno in (errno.EACCES, errno.EPERM):
        return Writer.UNREADABLE
    # A writer that holds a write lease of its own (Samba does) is asked to give it back: it is at work.
    return Writer.HELD if exc.errno in (errno.EWOULDBLOCK, errno.ETXTBSY) else Writer.UNKNOWN


def _leased(opened: int) -> Writer:
    try:
        # A writer that opens the file within the probe makes the kernel signal us: by SIGIO, which ends a process
        # that doesn't expect it, unless another signal is chosen.  SIGURG is ignored by default.
        fcntl.fcntl(opened, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(opened, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as exc:
        return Writer.HELD if exc.errno == errno.EAGAIN else Writer.UNKNOWN
    fcntl.fcntl(opened, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return Writer.FREE
