"""The configuration's shape (DESIGN §8): frozen models; an unknown key is an error.

Durations and sizes are text in the files (`5s`, `512k`) and values here.  Paths stay as written: `gateway.config.load`
resolves them against the root.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from gateway.core.units import parse_duration, parse_size


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _size(value: object) -> object:
    return parse_size(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Size = Annotated[int, BeforeValidator(_size), Field(ge=0)]


class Strict(BaseModel):
    """Frozen, and no key that we don't know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Scheme(StrEnum):
    """The kinds of endpoint."""

    SFTP = "sftp"
    FTP = "ftp"
    FTPS = "ftps"
    FILE = "file"


class Verify(StrEnum):
    """How a delivery is verified before it takes its name."""

    AUTO = "auto"
    HASH = "hash"
    READBACK = "readback"
    SIZE = "size"
    NONE = "none"


class GatewaySettings(Strict):
    """`[gateway]`: the whole machine's settings."""

    root: str = "."
    state: str = "var"
    actions: tuple[str, ...] = ("actions",)
    include: tuple[str, ...] = ("endpoints.d/*.toml", "jobs.d/*.toml", "channels.d/*.toml")
    timezone: str | None = None
    autosend_check_every: Duration = Field(default=timedelta(seconds=5), ge=timedelta(seconds=1), le=timedelta(hours=1))
    full_scan_every: Duration = Field(default=timedelta(minutes=5), ge=timedelta(seconds=1))
    stable_for: Literal["auto"] | Duration = "auto"
    workers: int = Field(default=64, ge=1, le=1000)
    keep_history: Duration = timedelta(days=400)
    keep_looks: Duration = timedelta(days=7)
    events: bool = True
    grace: Duration = timedelta(seconds=20)


class SystemSettings(Strict):
    """`[system]`: programs that SYSTEM may run, each a path or a list that fixes leading arguments."""

    allow: tuple[str | tuple[str, ...], ...] = ()


class EndpointSettings(Strict):
    """`[endpoints.NAME]`: a named place that files go to or come from."""

    url: str
    password: str | None = None
    key: str | None = None
    key_passphrase: str | None = None
    host_key: tuple[str, ...] = ()
    known_hosts: str | None = None
    ca: str | None = None
    tls: Literal["explicit", "implicit"] = "explicit"
    outbox: str | None = None
    inbox: str | None = None
    sent_keep: Duration = timedelta(0)
    tags: dict[str, str] = {}
    timezone: str | None = None
    sessions: int = Field(default=2, ge=1, le=64)
    connect_timeout: Duration = timedelta(seconds=20)
    call_timeout: Duration = timedelta(seconds=60)
    keepalive: Duration = timedelta(seconds=30)
    verify: Verify = Verify.AUTO
    partial: str = ".{name}.{id}.part"
    inplace: bool = False
    make_dirs: bool = False
    exists: Literal["replace", "hold", "fail", "unique"] | None = None
    replace: Literal["swap", "refuse"] = "swap"
    case: Literal["exact", "ignore"] = "exact"
    follow_links: bool = False
    pipeline: Literal["auto", "off"] = "auto"
    like: str | None = None

    @property
    def scheme(self) -> Scheme:
        """The kind of endpoint, from the URL."""
        return Scheme(self.url.partition("://")[0].lower())


class GroupSettings(Strict):
    """`[groups.NAME]`: endpoints by name, and every one whose tags match."""

    endpoints: tuple[str, ...] = ()
    tags: dict[str, str] = {}


class TlsSettings(Strict):
    """A certificate and its key, as secrets."""

    certificate: str
    key: str


class ListenSettings(Strict):
    """One embedded server.  `plain` says that FTP without TLS is meant."""

    listen: str
    tls: TlsSettings | None = None
    plain: bool = False
    host_key: str | None = None
    passive_ports: str | None = None


class InboundUser(Strict):
    """One account of the embedded servers, confined to its root."""

    password: str | None = None
    keys: tuple[str, ...] = ()
    root: str


class InboundSettings(Strict):
    """`[inbound]`: the embedded servers and who may log in."""

    sftp: ListenSettings | None = None
    ftp: ListenSettings | None = None
    users: dict[str, InboundUser] = {}


class Config(Strict):
    """Everything the files say."""

    gateway: GatewaySettings = GatewaySettings()
    system: SystemSettings = SystemSettings()
    endpoints: dict[str, EndpointSettings] = {}
    templates: dict[str, dict[str, Any]] = {}
    groups: dict[str, GroupSettings] = {}
    macros: dict[str, str] = {}
    inbound: InboundSettings = InboundSettings()
