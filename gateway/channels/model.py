"""A channel with everything resolved: its catalogue, the times of each kind, and where every value comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Generic, Literal, TypeVar
from zoneinfo import ZoneInfo

from gateway.core.model import Finding, Span
from gateway.language.pattern import Pattern

BUILT_IN = "built in"
"""The origin of a value that no file says."""

MOST_FIRST = 100
"""More first deliveries than these wait for a person while a channel is new."""

V = TypeVar("V")


class Kind(StrEnum):
    """What happened to an item, and so what is delivered; the words stand in the ledger."""

    FIRST = "first"
    METADATA = "metadata"
    FILE = "file"


class Anchor(StrEnum):
    """What the hours of the cron frequency are counted from."""

    MIDNIGHT = "midnight"
    SET_TIME = "set_time"


@dataclass(frozen=True, slots=True)
class Cron:
    """How often catalogues are looked at: every so many hours (1-24), at the minute of `set_at` (aware)."""

    every: int
    set_at: datetime
    anchor: Anchor = Anchor.MIDNIGHT


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When one kind is delivered.

    `at` with day and week, `day` (Monday = 0) with week alone, `minute` with hour alone: None is the cron minute.
    """

    every: Literal["hour", "day", "week"]
    at: time | None = None
    minute: int | None = None
    day: int | None = None


@dataclass(frozen=True, slots=True)
class Valued(Generic[V]):
    """A value and where it was said: `conf/channels.d/x.toml:7`, `conf/schedulers.toml:3`, or `built in`."""

    value: V
    origin: str


@dataclass(frozen=True, slots=True)
class Times:
    """When is looked for changes, and when each kind is delivered."""

    cron: Valued[Cron]
    first: Valued[Rhythm]
    metadata: Valued[Rhythm]
    file: Valued[Rhythm]

    def rhythm(self, kind: Kind) -> Rhythm:
        """When deliveries of this kind go out."""
        return self.valued(kind).value

    def valued(self, kind: Kind) -> Valued[Rhythm]:
        """The same, with its origin."""
        return {Kind.FIRST: self.first, Kind.METADATA: self.metadata, Kind.FILE: self.file}[kind]

    def with_rhythm(self, kind: Kind, rhythm: Valued[Rhythm]) -> "Times":
        """The same with other times for this kind."""
        found = {one: self.valued(one) for one in Kind} | {kind: rhythm}
        return Times(self.cron, found[Kind.FIRST], found[Kind.METADATA], found[Kind.FILE])


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A folder of items, each a folder; files whose names fit `metadata` are its metadata, all others its files.

    `metadata_ignore` are the parts of XML metadata that don't count as a change.
    """

    name: str
    path: Path
    metadata: tuple[Pattern, ...]
    metadata_ignore: tuple[str, ...] = ()

    def is_metadata(self, relative: str) -> bool:
        """True if the file of this path below the catalogue, or of this name, is metadata: its last part says so."""
        name = relative.rpartition("/")[2]
        return any(pattern.matches(name) for pattern in self.metadata)


@dataclass(frozen=True, slots=True)
class PlaceTemplate:
    """Where files arrive at the recipient: folder, name of each file, and the marker that ends a delivery.

    With the fields item, name, stem, ext, date, time and index in braces; `path` "" is the endpoint's own folder.
    """

    path: str = ""
    files: str = "{name}"
    done: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A recipient with a rhythm.  `include` and `exclude` are patterns of items; none to include means all.

    `ignore_case`: its recipient takes names that differ in capitals alone for one.
    """

    name: str
    description: str = ""
    endpoint: str
    catalogue: Catalogue
    include: tuple[Pattern, ...] = ()
    exclude: tuple[Pattern, ...] = ()
    start: Literal["now", "all"]
    times: Times
    manual: frozenset[Kind] = frozenset()
    payload_file: Literal["all", "changed"] = "all"
    wellformed: bool = False
    place: PlaceTemplate
    zone: ZoneInfo
    most_first: int = MOST_FIRST
    ignore_case: bool = False
    span: Span = field(compare=False)

    def selects(self, item: str) -> bool:
        """True if the channel wants this item, by the name of its folder."""
        wanted = not self.include or any(pattern.matches(item) for pattern in self.include)
        return wanted and not any(pattern.matches(item) for pattern in self.exclude)


@dataclass(frozen=True, slots=True)
class Channels:
    """All channels; one that can't be is in `broken`, with the finding that says why.  `findings` are all.

    `unread`: those whose files were left out as wrong; nothing else is known of them.
    """

    channels: Mapping[str, Channel]
    broken: Mapping[str, Finding]
    findings: tuple[Finding, ...]
    unread: Mapping[str, Finding] = field(default_factory=dict)

    def sound(self) -> Mapping[str, Channel]:
        """Those that can run."""
        return {name: channel for name, channel in self.channels.items() if name not in self.broken}
