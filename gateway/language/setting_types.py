"""What the headers of an action say, typed: its defaults, and what SET may change."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from gateway.language.nodes import Taken


class Stability(StrEnum):
    """How a source is judged complete (grammar/SPEC.md)."""

    QUIET = "quiet"
    CLOSED = "closed"
    DONE_FILE = "done_file"
    AGE = "age"
    NONE = "none"


class Empty(StrEnum):
    """What happens to files of zero bytes."""

    SEND = "send"
    HOLD = "hold"
    SKIP = "skip"


class Sort(StrEnum):
    """In what order the files of a command are taken."""

    NAME = "name"
    MTIME = "mtime"
    SIZE = "size"
    NONE = "none"


class Order(StrEnum):
    """In what order files take their final names."""

    KEPT = "kept"
    STRICT = "strict"
    FREE = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds for one command.  None means: the gateway's or the endpoint's value, or the rule named."""

    timeout: timedelta = timedelta(minutes=5)
    retries: int = 3
    retry_delay: timedelta = timedelta(seconds=10)
    terminate_on_fail: bool = True
    next_file_on_fail: bool = True
    stability: Stability = Stability.QUIET
    stable_for: timedelta | None = None
    age: timedelta | None = None
    wait_stable: timedelta = timedelta(seconds=60)
    done_file: str = "%sourcefile%.done"
    empty: Empty = Empty.SEND
    empty_after: timedelta = timedelta(seconds=60)
    exists: Taken | None = None
    sort: Sort = Sort.NAME
    order: Order = Order.KEPT
    limit: int = 10000
    repeat: timedelta | None = None  # None: the larger of Age and an hour
    delete_limit: int | None = None  # files that -MIR may delete; None: the smaller of 10 % and 100
    date_format: str = "%Y%m%d"  # as strftime wants it
    time_format: str = "%H%M%S"
    unzip_use_path: bool = True
    zip_comment: str = ""
    zip_level: int = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfire:
    """What happens to times that were missed: run once if at most `within` ago, or skip (None)."""

    within: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactions:
    """Reaction texts as written (one SYSTEM line or `$COMMAND …`, chained by & and &&); None: nothing happens."""

    on_send: str | None = None
    on_receive: str | None = None
    on_copy: str | None = None
    on_fail: str | None = None
    on_resolved: str | None = None
    on_check_met: str | None = None
    on_check_not_met: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSettings:
    """The headers of an action that SET can't change, and the settings its first command starts with."""

    endpoint: str | None = None
    schedule: str = "manually"
    timezone: str | None = None
    description: str = ""
    enabled: bool = True
    priority: int = 5
    misfire: Misfire | None = None  # None: run once within an hour, for a CHECK skip
    reactions: Reactions = Reactions()
    first: Settings = Settings()

    @property
    def repeat(self) -> timedelta | None:
        """How soon a CHECK reports the same file again, unless SET says otherwise."""
        return self.first.repeat
