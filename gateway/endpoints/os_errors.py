"""Errors of the operating system, turned into ours at the edge."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.core.errors import AlreadyThere, GatewayError, LinkLost, NoSpace, NotThere, PathRefused, Retryable

_OURS: dict[int, type[GatewayError]] = {
    errno.ENOENT: NotThere,
    errno.ENOTDIR: NotThere,
    errno.EEXIST: AlreadyThere,
    errno.ENOSPC: NoSpace,
    errno.EDQUOT: NoSpace,
    errno.EACCES: PathRefused,
    errno.EPERM: PathRefused,
    errno.EROFS: PathRefused,
    errno.EISDIR: PathRefused,
    errno.ELOOP: PathRefused,
    errno.ENOTEMPTY: PathRefused,
    errno.ENAMETOOLONG: PathRefused,
    errno.EINVAL: PathRefused,
    errno.EXDEV: PathRefused,
    errno.EFBIG: PathRefused,
    errno.ENXIO: PathRefused,
    errno.ENOTCONN: LinkLost,
    errno.ESTALE: LinkLost,
}
_REMEDY: dict[int, str] = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "the quota is used up: free some space or raise it",
    errno.EACCES: "give the gateway's user access",
    errno.EPERM: "give the gateway's user access",
    errno.EROFS: "the file system is mounted read-only",
    errno.EISDIR: "a folder stands there; name a file",
    errno.ELOOP: "a link stands there, and links are not followed",
    errno.ENOTEMPTY: "the folder is not empty",
    errno.EXDEV: "both names must be on one file system",
    errno.ENXIO: "only regular files are moved",
}


def local_error(exc: OSError | ValueError, what: str) -> GatewayError:
    """Our error for one of the operating system's; unknown ones are worth another try."""
    if isinstance(exc, ValueError):  # a null byte in a name
        return PathRefused(f"{what}: {exc}; no such name can stand on a disk")
    number = exc.errno or 0
    remedy = _REMEDY.get(number)
    text = f"{what}: {exc.strerror or exc}" + (f"; {remedy}" if remedy else "")
    return _OURS.get(number, Retryable)(text)


@contextmanager
def local_errors(what: str) -> Iterator[None]:
    """Turn errors of the operating system into ours, cause kept."""
    try:
        yield
    except (OSError, ValueError) as exc:
        raise local_error(exc, what) from exc
