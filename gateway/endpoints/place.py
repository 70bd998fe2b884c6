"""A place: one endpoint's settings, resolved and typed, with its secrets read.  What every session is opened from."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo

from gateway.config.schema import EndpointSettings, Scheme
from gateway.core.errors import Refused
from gateway.core.timetable import Timetable, parse_timetable

_PORTS = {Scheme.SFTP: 22, Scheme.FTP: 21, Scheme.FTPS: 21, Scheme.FILE: 0}
_IMPLICIT_PORT = 990
_UTC = ZoneInfo("UTC")
_UNLIMITED = Timetable()
_REQUESTS_A_SECOND = 8
_LEAST_REQUEST_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an endpoint is and how to log in there.

    `folder` is where relative paths start: `/in` from the server's root, `~` or `~/in` from the login folder; for
    `file` an absolute path of this machine.  `key`, `ca` and `known_hosts` are the texts, not file names.
    """

    name: str
    scheme: Scheme
    host: str = ""
    port: int = 0
    user: str = ""
    folder: str = "~"
    password: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    key_passphrase: str | None = field(default=None, repr=False)
    host_keys: tuple[str, ...] = ()
    known_hosts: str | None = field(default=None, repr=False)
    ca: str | None = field(default=None, repr=False)
    tls: Literal["explicit", "implicit"] = "explicit"
    sessions: int = 2
    connects_per_minute: int = 60  # 0: as many as are asked for
    bandwidth: Timetable = _UNLIMITED
    zone: ZoneInfo = _UTC  # whose clock `bandwidth` goes by
    connect_timeout_s: float = 20.0
    call_timeout_s: float = 60.0
    keepalive_s: float = 30.0
    follow_links: bool = False
    remote_hash: frozenset[str] = frozenset()  # what a probe has found the peer's shell to compute
    pipeline: Literal["auto", "off"] = "auto"

    @property
    def address(self) -> str:
        """`host:port`, for messages."""
        return f"{self.host}:{self.port}" if self.host else self.folder

    @property
    def server(self) -> str:
        """What tells this server, and the account there, from any other; the folder is left out."""
        return f"{self.scheme}://{self.user}@{self.host}:{self.port}"

    @property
    def smooth_bytes(self) -> int | None:
        """The most that one request should ask for, lest bytes come in gulps; None where nothing is limited."""
        limits = [change.bytes_per_s for change in self.bandwidth.changes if change.bytes_per_s is not None]
        return max(min(limits) // _REQUESTS_A_SECOND, _LEAST_REQUEST_BYTES) if limits else None

    @property
    def digest(self) -> str:
        """Changes when what a login depends on changes; too short to help in guessing a password."""
        facts = (self.host, str(self.port), self.user, self.password, self.key, self.key_passphrase, self.known_hosts)
        text = "\0".join(fact or "" for fact in (*facts, self.ca, *self.host_keys))
        return hashlib.sha256(text.encode()).hexdigest()[:5]


def from_settings(
    name: str, settings: EndpointSettings, secrets: Callable[[str], str], root: Path, zone: ZoneInfo = _UTC
) -> Place:
    """The place that `[endpoints.NAME]` describes.

    `secrets` reads `env:`, `file:` and `cred:` references; `zone` is the endpoint's own, the gateway's or the system's.
    The URL is as the schema checks it.
    """
    url = urlsplit(settings.url)
    scheme = settings.scheme
    user, password = _login(url, settings, secrets)
    return Place(
        name=name,
        scheme=scheme,
        host=url.hostname or "" if scheme is not Scheme.FILE else "",
        port=_port(url, settings),
        user=user,
        folder=_folder(url, scheme, root),
        password=password,
        key=_read(settings.key, secrets),
        key_passphrase=_read(settings.key_passphrase, secrets),
        host_keys=tuple(" ".join(text.split()) for text in settings.host_key),
        known_hosts=_known_hosts(name, settings, secrets, root),
        ca=_read(settings.ca, secrets),
        tls=settings.tls,
        sessions=settings.sessions,
        connects_per_minute=settings.connects_per_minute,
        bandwidth=parse_timetable(settings.bandwidth),
        zone=zone,
        connect_timeout_s=settings.connect_timeout.total_seconds(),
        call_timeout_s=settings.call_timeout.total_seconds(),
        keepalive_s=settings.keepalive.total_seconds(),
        follow_links=settings.follow_links,
        pipeline=settings.pipeline,
    )


def _read(reference: str | None, secrets: Callable[[str], str]) -> str | None:
    return None if reference is None else secrets(reference)


def _login(url: SplitResult, settings: EndpointSettings, secrets: Callable[[str], str]) -> tuple[str, str | None]:
    """User and password; an FTP user that isn't named is anonymous, and goes without a password."""
    is_ftp = settings.scheme in (Scheme.FTP, Scheme.FTPS)
    user = unquote(url.username or "") or ("anonymous" if is_ftp else "")
    password = _read(settings.password, secrets)
    if password is None and is_ftp and user.lower() in ("anonymous", "ftp"):
        password = "anonymous@"
    return user, password


def _port(url: SplitResult, settings: EndpointSettings) -> int:
    implicit = settings.scheme is Scheme.FTPS and settings.tls == "implicit"
    return url.port or (_IMPLICIT_PORT if implicit else _PORTS[settings.scheme])


def _folder(url: SplitResult, scheme: Scheme, root: Path) -> str:
    path = unquote(url.path)
    if "?" in url.geturl() or "#" in url.geturl():
        path = unquote(url.geturl().partition("://")[2].partition("/")[2])
        path = f"/{path}"
    if scheme is Scheme.FILE:
        return str(root / (unquote(url.netloc) + path))
    if path.startswith("/~/") or path == "/~":
        return path[1:].rstrip("/")
    return (path.rstrip("/") or "/") if path else "~"


def _known_hosts(name: str, settings: EndpointSettings, secrets: Callable[[str], str], root: Path) -> str | None:
    if settings.known_hosts is None:
        return None
    if ":" in settings.known_hosts.partition("/")[0]:
        return secrets(settings.known_hosts)
    file = root / settings.known_hosts
    try:
        return file.read_text(encoding="utf-8")
    except OSError as exc:
        raise Refused(f"endpoint {name}: known_hosts {file}: {exc.strerror}; write `gateway trust {name}`") from exc
