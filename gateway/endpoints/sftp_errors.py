"""Errors of asyncssh, turned into ours at the edge."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncssh

from gateway.core.errors import (
    AlreadyThere,
    GatewayError,
    HostKeyRefused,
    LinkLost,
    LoginRefused,
    NeedsOperator,
    NoSpace,
    NotThere,
    PathRefused,
    PeerBusy,
    Retryable,
)
from gateway.endpoints.place import Place
from gateway.endpoints.trouble import login_remedy

_TOO_MANY_CONNECTIONS = 12  # SSH_DISCONNECT_TOO_MANY_CONNECTIONS
_OURS: dict[type[BaseException], type[GatewayError]] = {  # the most specific class wins
    asyncssh.SFTPNoSuchFile: NotThere,
    asyncssh.SFTPNoSuchPath: NotThere,
    asyncssh.SFTPNotADirectory: NotThere,
    asyncssh.SFTPFileAlreadyExists: AlreadyThere,
    asyncssh.SFTPNoSpaceOnFilesystem: NoSpace,
    asyncssh.SFTPQuotaExceeded: NoSpace,
    asyncssh.SFTPPermissionDenied: PathRefused,
    asyncssh.SFTPWriteProtect: PathRefused,
    asyncssh.SFTPDirNotEmpty: PathRefused,
    asyncssh.SFTPFileIsADirectory: PathRefused,
    asyncssh.SFTPInvalidFilename: PathRefused,
    asyncssh.SFTPCannotDelete: PathRefused,
    asyncssh.SFTPLinkLoop: PathRefused,
    asyncssh.SFTPOpUnsupported: NeedsOperator,
    asyncssh.SFTPNoConnection: LinkLost,
    asyncssh.SFTPConnectionLost: LinkLost,
    asyncssh.SFTPBadMessage: LinkLost,
    asyncssh.SFTPError: Retryable,
    asyncssh.Error: LinkLost,
    OSError: LinkLost,
    EOFError: LinkLost,
}
_REMEDY: dict[type[GatewayError], str] = {
    PathRefused: "ask the peer's administrator for permission, or name another path",
    NoSpace: "the peer's disk or quota is full; somebody has to make room there",
    NeedsOperator: "the peer's SFTP server doesn't know this request",
}


def sftp_error(exc: BaseException, what: str) -> GatewayError:
    """Our error for one call's; the peer's own words are kept."""
    ours = next(_OURS[kind] for kind in type(exc).__mro__ if kind in _OURS)
    words = str(exc) or type(exc).__name__
    if ours is Retryable and _says_full(words):
        ours = NoSpace
    remedy = _REMEDY.get(ours)
    return ours(f"{what}: {words}" + (f"; {remedy}" if remedy else ""))


def _says_full(words: str) -> bool:
    """Some servers put the reason into the text of a plain Failure."""
    low = words.lower()
    return "no space" in low or "quota" in low or "disk full" in low


@contextmanager
def sftp_errors(what: str) -> Iterator[None]:
    """Turn asyncssh's errors into ours, cause kept."""
    try:
        yield
    except (asyncssh.Error, OSError, EOFError) as exc:
        raise sftp_error(exc, what) from exc


def login_error(exc: BaseException, place: Place, *, said: str = "", lacks_password: bool = False) -> GatewayError:
    """Our error for a connection or login that failed; host keys are handled where they are seen.

    `said` are the words with which the server wanted more than a password; `lacks_password`: it asked for one,
    beside the key or in place of it.
    """
    at = f"{place.name} ({place.address})"
    if isinstance(exc, asyncssh.HostKeyNotVerifiable):
        return HostKeyRefused(f"{at}: {exc}; compare keys with the peer, then `gateway trust {place.name}`")
    if isinstance(exc, asyncssh.PermissionDenied) or (isinstance(exc, asyncssh.DisconnectError) and _is_refusal(exc)):
        words = f"{exc}; the server says: {said}" if said else str(exc)
        remedy = login_remedy(words, place.name, _means(place, lacks_password))
        return LoginRefused(f"{at}: user {place.user!r} was refused: {words}; {remedy}")
    if isinstance(exc, asyncssh.ServiceNotAvailable | asyncssh.DisconnectError) and _is_busy(exc):
        return PeerBusy(f"{at}: {exc}; lower `sessions` of endpoint {place.name} if this stays")
    if isinstance(exc, asyncssh.KeyExchangeFailed | asyncssh.ProtocolNotSupported):
        return NeedsOperator(f"{at}: {exc}; the peer's SSH server is too old or set up too narrowly")
    return LinkLost(f"{at}: {str(exc) or type(exc).__name__}; is the server running, and host and port right?")


def _means(place: Place, lacks_password: bool) -> str:
    """What may be wrong with the login."""
    if not place.key:
        return "password"
    if place.password is not None:
        return "key or password"
    too = f"; a password, too or instead, is asked for, and `password` of endpoint {place.name} is not set"
    return f"key{too if lacks_password else ''}"


def _is_refusal(exc: asyncssh.DisconnectError) -> bool:
    """A server that counts failures hangs up with `Too many authentication failures`: a retry would be one more."""
    return (
        exc.code == asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE
        or "too many authentication failures" in str(exc).lower()
    )


def _is_busy(exc: asyncssh.DisconnectError) -> bool:
    return exc.code == _TOO_MANY_CONNECTIONS or "too many" in str(exc).lower()
