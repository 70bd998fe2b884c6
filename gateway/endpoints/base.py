"""The seam between the gateway and every place that holds files.

An `Endpoint` is one logged-in session: calls on it are made by one delivery at a time unless `features.concurrent`.
Paths are text with `/` between the parts; a path that starts with `/` counts from the server's root, any other from
the endpoint's own folder.  Every call has a deadline of its own and ends as described, or raises only GatewayErrors:
NotThere when the path is missing, Retryable when the link failed, NeedsOperator when trying again cannot help.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from gateway.core.errors import GatewayError
from gateway.core.model import Entry, Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a peer can do.  Data, so callers choose and tests assert."""

    atomic_replace: bool  # rename onto an existing file puts the new one there in one step
    rename_noreplace: bool  # a rename that fails if the target stands
    append: bool
    resume: bool  # writing and reading from an offset
    set_mtime: bool
    fsync: bool
    remote_hash: frozenset[str] = frozenset()  # of sha256, sha1, md5, crc32, as the peer itself computes them
    exec: bool = False  # runs commands (RSYSTEM)
    raw: bool = False  # takes raw protocol commands (QUOTE, SITE)
    mtime_precision_ns: int = 1_000_000_000
    lasting_inodes: bool = False
    modes: bool = False  # entries tell whether a file may be run, and `let_run` changes that alone
    concurrent: bool = False  # several calls at once on one session
    ordered_renames: bool = False  # `rename` is sent as soon as it is called; they are carried out in that order
    hides_dot_names: bool = False
    missing_folder_is_empty: bool = False  # a listing can't tell a missing folder from an empty one
    name_bytes_max: int = 255
    window_bytes: int = 0  # so much of a write may be unanswered at once, and may have arrived in any order


@dataclass(frozen=True, slots=True)
class Ran:
    """How a remote command ended: its exit code and the tail of what it printed."""

    exit_code: int
    output: str


@dataclass(frozen=True, slots=True)
class Laid:
    """A file that was laid down: its bytes, and what is known of it without asking again."""

    size_bytes: int
    time_taken: bool | None = None  # the mtime that was asked for; None: ask `set_mtime`
    seen: Entry | None = None  # what stands there, seen after the close was answered; None: ask `stat`


# Many small files in one go: what an endpoint offers whose calls need not wait for each other.  An answer is a value
# or the error of that one file, never raised, in the order of what was asked.  An error says that this file needs the
# plain call, which explains it; it says nothing of the others.


@dataclass(frozen=True, slots=True)
class Whole:
    """A small file as it was read: the stamp of what was opened, and of what stood under its name after that."""

    data: bytes
    opened: Stamp
    after: Stamp
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Small:
    """A small file to be laid down; `mtime_ns` is asked for where it is given."""

    path: str
    data: bytes
    mtime_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A source to be removed if it is still the version `stamp`: renamed to `claim` first, then to `kept` or gone."""

    path: str
    claim: str
    stamp: Stamp
    kept: str | None = None


class BulkSource(Protocol):
    """Where many small files are read, and removed once they were delivered."""

    async def read_all(
        self, paths: Sequence[str], *, most_bytes: int, algorithms: frozenset[str]
    ) -> list[Whole | GatewayError]:
        """Each whole file with its hex digests; one of more than `most_bytes` is an error."""
        ...

    async def collect_all(self, claims: Sequence[Claim]) -> list[GatewayError | None]:
        """Remove or keep each, all on disk when this returns; one that isn't as expected stays where the error came.

        Once this has ended, however it did, it touches none of them any more.
        """
        ...


class BulkTarget(Protocol):
    """Where many small files are laid down."""

    async def stat_all(self, paths: Sequence[str]) -> list[Entry | GatewayError]:
        """As `stat`."""
        ...

    async def lay_all(self, files: Sequence[Small]) -> list[Laid | GatewayError]:
        """As `lay`: each is closed when this returns."""
        ...

    async def rename_all(self, names: Sequence[tuple[str, str]]) -> list[GatewayError | None]:
        """As `rename`, from the first to the second of each, in this order.

        Where `features.ordered_renames`, all are sent before the first wait; else none after one that was refused.
        """
        ...


class Endpoint(Protocol):
    """Files on one peer, as one logged-in session sees them."""

    @property
    def features(self) -> Features:
        """What this peer can do, as found at login."""
        ...

    @property
    def bulk_source(self) -> BulkSource | None:
        """Reads many small files at once; None where that is nothing but one after the other."""
        ...

    @property
    def bulk_target(self) -> BulkTarget | None:
        """Lays many small files down at once; None where that is nothing but one after the other."""
        ...

    def scan(self, folder: str) -> AsyncIterator[Entry]:
        """The entries of `folder`, links not followed, as they come; `.` and `..` left out.

        Raises NotThere if the folder is missing (an empty answer where `missing_folder_is_empty`).
        """
        ...

    async def stat(self, path: str) -> Entry:
        """What stands under `path`, links not followed."""
        ...

    def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """The bytes of `path` from `offset` to its end, in order, in blocks of any size.

        Ends early without an error only if the file is that short; close the iterator to give up.
        """
        ...

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        """Make `path`, write `blocks` from `offset` in order, cut it behind them; return once the close was answered.

        With an `offset` the cut comes last: what a dead session left unanswered must never cut a file that went on.
        With `sync` the bytes are asked to be on disk where `features.fsync`.  Returns the bytes written by this
        call.  Whatever `blocks` raises passes through unchanged, the partial left as it is.  `offset` > 0 needs
        `features.resume`.
        """
        ...

    async def lay(self, path: str, blocks: AsyncIterator[bytes], *, mtime_ns: int | None = None) -> Laid:
        """`write` from zero, with as much of `set_mtime` and `stat` as the endpoint does in the same round trips."""
        ...

    async def append(self, path: str, blocks: AsyncIterator[bytes]) -> int:
        """Write `blocks` behind what `path` holds (made if missing); as `write` otherwise.  Needs `features.append`."""
        ...

    async def ready(self) -> None:
        """Return once a call would be sent at once, a session that is over replaced; what lives waits for nothing."""
        ...

    async def rename(self, source: str, target: str) -> None:
        """Move `source` onto `target`; atomic exactly when `features.atomic_replace`.

        Where it is not, raises AlreadyThere if `target` stands.  Sent once, never repeated here.
        """
        ...

    async def rename_noreplace(self, source: str, target: str) -> None:
        """Move `source` to `target`; raises AlreadyThere if `target` stands.  Needs `features.rename_noreplace`."""
        ...

    async def remove(self, path: str) -> None:
        """Remove one file."""
        ...

    async def mkdir(self, path: str) -> None:
        """Make one folder.  Raises AlreadyThere if something stands there, NotThere if its parent is missing."""
        ...

    async def rmdir(self, path: str) -> None:
        """Remove one empty folder."""
        ...

    async def set_mtime(self, path: str, mtime_ns: int) -> bool:
        """Ask for an mtime; False if the peer refuses (never an error: a refusal costs nothing but the time)."""
        ...

    async def let_run(self, path: str, *, allowed: bool = True) -> bool:
        """Make a file executable for all who may read it, or for nobody; False if the peer refuses, or can't."""
        ...

    async def remote_hash(self, path: str, algorithm: str, *, first_bytes: int | None = None) -> str | None:
        """The lower-case hex digest that the peer computes of a file, or of its first bytes; None if it can't."""
        ...

    async def execute(self, command: str, *, timeout_s: float) -> Ran:
        """Run a command line in the peer's shell.  Needs `features.exec`."""
        ...

    async def raw(self, line: str) -> str:
        """Send a raw protocol command, return the peer's reply.  Needs `features.raw`."""
        ...

    async def close(self) -> None:
        """End the session; never raises, never waits longer than a few seconds."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
