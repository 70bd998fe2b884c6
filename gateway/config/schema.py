"""The configuration's shape (DESIGN §8): frozen models; an unknown key is an error.

Durations and sizes are text in the files (`5s`, `512k`) and values here.  Paths stay as written: `gateway.config.load`
resolves them against the root.  The description of a key is the line that `conf/gateway.toml` shows above it.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from gateway.config import channels as channel_shapes
from gateway.config import jobs as job_shapes
from gateway.config.kinds import (
    Bandwidth,
    Duration,
    DurationOrAuto,
    HostKey,
    Listen,
    Many,
    Partial,
    PasswordHash,
    Ports,
    Scheme,
    Secret,
    Url,
    UserKey,
    Zone,
)
from gateway.config.strict import Strict

__all__ = [
    "Config",
    "Duration",
    "EndpointSettings",
    "FtpListen",
    "GatewaySettings",
    "GroupSettings",
    "InboundSettings",
    "InboundUser",
    "ListenSettings",
    "Scheme",
    "SftpListen",
    "Strict",
    "SystemSettings",
    "TlsSettings",
    "Verify",
]


class Verify(StrEnum):
    """How a delivery is verified before it takes its name."""

    AUTO = "auto"
    HASH = "hash"
    READBACK = "readback"
    SIZE = "size"
    NONE = "none"


class GatewaySettings(Strict):
    """`[gateway]`: the whole machine's settings."""

    root: str = Field(default=".", description="Relative paths start here; itself relative to the folder of this file.")
    state: str = Field(
        default="var", description="Ledger, lock and files being collected; never on a network file system."
    )
    actions: Many[str] = Field(default=("actions",), description="Folders that hold the action scripts, *.act.")
    include: Many[str] = Field(
        default=("endpoints.d/*.toml", "jobs.d/*.toml", "channels.d/*.toml"),
        description="Further files of configuration; patterns start at the folder of this file.",
    )
    timezone: Zone | None = Field(
        default=None, description="Zone of schedules and dates in names; default: the system's."
    )
    autosend_check_every: Duration = Field(
        default=timedelta(seconds=5),
        ge=timedelta(seconds=1),
        le=timedelta(hours=1),
        description="How often polled actions are looked at, from 1s to 1h; events make it sooner.",
    )
    full_scan_every: Duration = Field(
        default=timedelta(minutes=5),
        ge=timedelta(seconds=1),
        description="How often every watched folder is read in full, whatever the events say.",
    )
    stable_for: DurationOrAuto = Field(
        default="auto", description="How long a file must stay the same; auto: 5s, 30s or 90s by what can be proved."
    )
    workers: int = Field(default=64, ge=1, le=1000, description="Runs that go on at once, over all actions.")
    keep_history: Duration = Field(
        default=timedelta(days=400),
        description="How long deliveries, runs and what partners did stay, and -NEW knows a file that is gone.",
    )
    export_history: str | None = Field(
        default=None, description="Folder of the files that get what leaves the history; default: it is dropped."
    )
    export_format: Literal["csv", "jsonl"] = Field(
        default="csv", description="How these files are written: csv, or jsonl (one JSON object a line)."
    )
    keep_looks: Duration = Field(
        default=timedelta(days=7), description="How long `gateway why` remembers each look at a file."
    )
    maintainers: Many[str] = Field(
        default=(),
        description="Users and @groups who may change the default schedule; default: root and the owner of this file.",
    )
    events: bool = Field(
        default=True, description="Let file system events wake the scheduler; false: periodic looks alone."
    )
    grace: Duration = Field(
        default=timedelta(seconds=20), description="How long running transfers may finish at a stop."
    )


class SystemSettings(Strict):
    """`[system]`: programs that SYSTEM may run."""

    allow: Many[str | tuple[str, ...]] = Field(
        default=(), description="Programs that SYSTEM may run: absolute paths, or lists that fix the leading arguments."
    )


class EndpointSettings(Strict):
    """`[endpoints.NAME]`: a named place that files go to or come from."""

    url: Url = Field(description="sftp://, ftp://, ftps:// or file://; its path is where relative remote paths start.")
    password: Secret | None = Field(
        default=None, description="Where the password is kept: env:, file: or cred:; no default."
    )
    key: Secret | None = Field(default=None, description="Where the private SSH key is kept; no default.")
    key_passphrase: Secret | None = Field(
        default=None, description="Where the passphrase of the key is kept; no default."
    )
    host_key: Many[HostKey] = Field(
        default=(), description="The server's key, one or a list; none = refused, `gateway trust` shows and pins it."
    )
    known_hosts: str | None = Field(default=None, description="A known_hosts file in place of host_key; no default.")
    ca: Secret | None = Field(
        default=None, description="Authorities that sign the server's certificate; default: the system's."
    )
    tls: Literal["explicit", "implicit"] = Field(
        default="explicit", description="How ftps:// starts TLS: explicit (AUTH TLS) or implicit (port 990)."
    )
    outbox: str | None = Field(default=None, description="Where files to send wait; default: STATE/ENDPOINT/outbox.")
    inbox: str | None = Field(default=None, description="Where collected files go; default: STATE/ENDPOINT/inbox.")
    sent_keep: Duration = Field(
        default=timedelta(0), description="How long what -DEL removes is kept in the sentbox; 0s = removed at once."
    )
    tags: dict[str, str] = Field(default={}, description="Words that groups choose endpoints by.")
    platform: Literal["linux", "windows", "macos"] = Field(
        default="linux", description="Which command of a job's trigger is run there: linux, windows or macos."
    )
    profile: str | None = Field(
        default=None, description="How distribution jobs treat it: a profile, before the job's own; no default."
    )
    timezone: Zone | None = Field(
        default=None, description="Zone of this partner's schedules and bandwidth; default: the gateway's."
    )
    sessions: int = Field(default=2, ge=1, le=64, description="Sessions open at once, over all actions.")
    connects_per_minute: int = Field(
        default=60, ge=0, le=6000, description="Most logins in any minute; further ones wait.  0 = no limit."
    )
    bandwidth: Bandwidth = Field(
        default="off",
        description='Bytes a second over all transfers both ways: "2M", or by the clock "Mo-Fr 08:00,512k 18:00,off".',
    )
    connect_timeout: Duration = Field(
        default=timedelta(seconds=20), description="Longest wait for connection and login."
    )
    call_timeout: Duration = Field(
        default=timedelta(seconds=60), description="Longest wait for one answer of the peer."
    )
    keepalive: Duration = Field(default=timedelta(seconds=30), description="How often an idle session is kept alive.")
    verify: Verify = Field(
        default=Verify.AUTO,
        description="auto (hash if it costs no second transfer, else size), hash, readback, size or none.",
    )
    partial: Partial = Field(
        default=".{name}.{id}.part", description="Name of a file on its way; a path puts it into another folder there."
    )
    inplace: bool = Field(
        default=False, description="For peers that cannot rename: at-least-once, half a file may show."
    )
    make_dirs: bool = Field(default=False, description="Make missing remote folders instead of failing.")
    exists: Literal["replace", "hold", "fail", "unique"] | None = Field(
        default=None, description="What happens to a name that is taken; default: by command, see grammar/SPEC.md."
    )
    replace: Literal["swap", "refuse"] = Field(
        default="swap", description="Where the server cannot replace in one step: swap by a backup name, or refuse."
    )
    delete_limit: int | None = Field(
        default=None, ge=0, description="Most files that one -MIR may delete; default: the smaller of 10 % and 100."
    )
    case: Literal["exact", "ignore"] = Field(
        default="exact",
        description="Whether names differ by capitals alone; ignore: patterns don't care, twins are not sent.",
    )
    follow_links: bool = Field(default=False, description="Send what symbolic links point to; else they are skipped.")
    pipeline: Literal["auto", "off"] = Field(
        default="auto", description="Off = the SFTP library's own slower transfer, one file at a time on a session."
    )
    like: str | None = Field(default=None, description="A template whose keys hold unless said here; no default.")

    @property
    def scheme(self) -> Scheme:
        """The kind of endpoint, from the URL."""
        return Scheme(self.url.partition("://")[0].lower())


class GroupSettings(Strict):
    """`[groups.NAME]`: endpoints by name, and every one whose tags match."""

    endpoints: Many[str] = Field(default=(), description="Members by name.")
    tags: dict[str, str] = Field(default={}, description="And every endpoint that has all of these tags.")
    profile: str | None = Field(
        default=None, description="The profile of its members in jobs, unless they name their own; no default."
    )

    def takes(self, endpoint: EndpointSettings) -> bool:
        """True for a member by its tags."""
        return bool(self.tags) and self.tags.items() <= endpoint.tags.items()


class TlsSettings(Strict):
    """A certificate and its key, as secrets."""

    certificate: Secret = Field(
        description="Where the certificate, with its chain, is kept; a renewed one is taken within a minute."
    )
    key: Secret = Field(description="Where its private key is kept.")


class ListenSettings(Strict):
    """What both embedded servers share."""

    listen: Listen = Field(description="HOST:PORT to listen on; without a HOST on every address.")
    max_connections: int = Field(default=200, ge=1, le=10_000, description="Connections at once; more are turned away.")
    idle_timeout: Duration = Field(
        default=timedelta(minutes=5), ge=timedelta(seconds=1), description="How long a client may say nothing."
    )


class SftpListen(ListenSettings):
    """`[inbound.sftp]`: the embedded SFTP server."""

    host_key: Secret | None = Field(
        default=None, description="Where its private key is kept; default: made once, in state."
    )


class FtpListen(ListenSettings):
    """`[inbound.ftp]`: the embedded FTP server.  `plain` says that FTP without TLS is meant."""

    tls: TlsSettings | None = Field(
        default=None, description="Certificate and key; demanded for login and data once given; no default."
    )
    plain: bool = Field(default=False, description="Allow FTP without TLS: passwords and files can be read on the way.")
    passive_ports: Ports | None = Field(
        default=None, description="LOW-HIGH for data connections; default: any free port."
    )
    public_address: str | None = Field(
        default=None, description="Address told to clients behind NAT; default: the real one."
    )

    @model_validator(mode="after")
    def _says_how_it_is_protected(self) -> Self:
        if self.tls is None and not self.plain:
            raise ValueError(
                'FTP without TLS shows passwords on the wire; give tls = { certificate = "file:…", key = "file:…" }, '
                "or say plain = true if that is meant"
            )
        return self


class InboundUser(Strict):
    """`[inbound.users.NAME]`: one account of the embedded servers, confined to its root."""

    password: PasswordHash | None = Field(
        default=None, repr=False, description='The line that `gateway user hash` prints: "argon2:…"; no default.'
    )
    keys: Many[UserKey] = Field(default=(), description="Public SSH keys that may log in, one or a list.")
    root: str = Field(description="The folder this account sees as /; nothing above it can be reached.")

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        if self.password is None and not self.keys:
            raise ValueError("has neither password nor keys, so nobody can log in; `gateway user add` makes both")
        return self


class InboundSettings(Strict):
    """`[inbound]`: the embedded servers and who may log in."""

    sftp: SftpListen | None = Field(default=None, description="The embedded SFTP server.")
    ftp: FtpListen | None = Field(default=None, description="The embedded FTP server.")
    users: dict[str, InboundUser] = Field(default={}, description="Who may log in.")


class Config(Strict):
    """Everything the files say."""

    gateway: GatewaySettings = GatewaySettings()
    system: SystemSettings = SystemSettings()
    endpoints: dict[str, EndpointSettings] = Field(default={})
    templates: dict[str, dict[str, Any]] = Field(default={})
    groups: dict[str, GroupSettings] = Field(default={})
    macros: dict[str, str] = Field(default={})
    inbound: InboundSettings = InboundSettings()
    jobs: dict[str, job_shapes.JobSettings] = Field(default={})
    profiles: dict[str, job_shapes.ProfileSettings] = Field(default={})
    catalogues: dict[str, channel_shapes.CatalogueSettings] = Field(default={})
    channels: dict[str, channel_shapes.ChannelSettings] = Field(default={})
    schedulers: channel_shapes.SchedulersSettings = channel_shapes.SchedulersSettings()
