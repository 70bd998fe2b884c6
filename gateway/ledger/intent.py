"""What is meant to happen to one file: frozen when it is intended, the same for every later attempt."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from operator import attrgetter
from typing import Any, Literal

from sqlalchemy import RowMapping

from gateway.config.schema import Verify
from gateway.core.model import Stamp
from gateway.language.nodes import Taken
from gateway.ledger.archives import (
    Member,
    Unzip,
    Zip,
    members_text,
    read_members,
    read_unzip,
    read_zip,
    unzip_how,
    zip_how,
)
from gateway.ledger.stamps import read_stamp, stamp_columns

Replace = Literal["swap", "refuse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The file of a distribution job that a delivery brings: of which job run, under which path of which place.

    `digest` is its hash by the job's algorithm where that is not SHA-256.
    """

    run: int
    place: int
    relative: str
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Packed:
    """The file of a channel's delivery: the n-th of which batch."""

    batch: int
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One file on its way: macros expanded, paths as their endpoints take them.

    `endpoint` is the named endpoint of the action ("" for an LCOPY without one); `place` is where `final` stands: that
    endpoint's name, or "" for this machine.  `sentbox` is a folder on the source's side: what -DEL would remove goes
    there.  `mtime_ns` is asked for at the target, None leaves it.  `timeout` is the longest time without progress.
    `awaits_answer`: the delivery ends as `awaiting` (PUT+GET), else as `done`.
    `zip` and `unzip` make it an archive's delivery, on this machine only; `member_of` is the archive (a local path)
    that the source is an entry of.  `markers` are done files that -DEL removes after the source.
    `note` is the first of the receipt's notes.
    `sha256` is what the source hashed to when it was judged.  `executable`: the file may be run there.  `archive` is
    where what is replaced is kept.  `share` is set for a file of a distribution job, `packed` for one of a channel.
    """

    action: str
    command: int
    verb: str
    endpoint: str
    place: str
    source: str
    stamp: Stamp
    final: str
    run: int | None = None
    parent: int | None = None
    n: int = 1
    of: int = 1
    mode: Taken = Taken.REPLACE
    remove_source: bool = False
    sentbox: str | None = None
    verify: Verify = Verify.AUTO
    partial: str = ".{name}.{id}.part"
    inplace: bool = False
    replace: Replace = "swap"
    mtime_ns: int | None = None
    timeout: timedelta = timedelta(minutes=5)
    make_dirs: bool = False
    awaits_answer: bool = False
    zip: Zip | None = None
    unzip: Unzip | None = None
    member_of: str | None = None
    markers: tuple[Member, ...] = ()
    note: str | None = None
    sha256: str | None = None
    executable: bool = False
    archive: str | None = None
    share: Share | None = None
    packed: Packed | None = None

    @property
    def is_ordered(self) -> bool:
        """True for a file of a job or of a channel: no script says what is sent, or when again."""
        return self.share is not None or self.packed is not None

    @property
    def promised(self) -> str | None:
        """What the bytes that are sent must hash to: a manifest or a marker says so of them."""
        return self.sha256 if self.is_ordered else None

    @property
    def holds_back(self) -> bool:
        """True if its source is left alone for a while after it failed."""
        return self.parent is None and not self.is_ordered


_COLUMNS = (
    "action", "command", "verb", "endpoint", "place", "source", "run", "parent", "n", "of", "remove_source", "sentbox",
)  # fmt: skip
_PLAIN = ("partial", "inplace", "replace", "mtime_ns", "make_dirs", "awaits_answer", "member_of")
_IN_COLUMNS, _AS_PLAIN = attrgetter(*_COLUMNS), attrgetter(*_PLAIN)
_ORDERED = ("sha256", "executable", "archive")
"""What only files of distribution jobs and of channels have."""


def intent_columns(intent: Intent) -> dict[str, Any]:
    """The columns of an intent; those that no query asks for are one, `how`."""
    return {
        **dict(zip(_COLUMNS, _IN_COLUMNS(intent), strict=True)),
        **stamp_columns("source", intent.stamp),
        "mode": intent.mode.value,
        "how": json.dumps(_how(intent)),
        "sources": members_text(intent.zip.members) if intent.zip is not None else None,
    }


def _how(intent: Intent) -> dict[str, Any]:
    share = {} if intent.share is None else {"share": asdict(intent.share)}
    packed = {} if intent.packed is None else {"packed": asdict(intent.packed)}
    return {
        "wanted": intent.final,
        "verify": intent.verify.value,
        "timeout_s": intent.timeout.total_seconds(),
        **dict(zip(_PLAIN, _AS_PLAIN(intent), strict=True)),
        "zip": zip_how(intent.zip),
        "unzip": unzip_how(intent.unzip),
        "markers": members_text(intent.markers),
        **{name: value for name in _ORDERED if (value := getattr(intent, name))},
        **share,
        **packed,
    }


def read_intent(row: Mapping[str, Any] | RowMapping) -> Intent:
    """Read what `intent_columns` wrote; `note` is among the row's own notes."""
    how = json.loads(row["how"])
    return Intent(
        **{name: row[name] for name in _COLUMNS},
        **{name: how[name] for name in _PLAIN},
        **{name: how[name] for name in _ORDERED if name in how},
        stamp=read_stamp("source", row) or Stamp(0),
        final=how["wanted"],
        mode=Taken(row["mode"]),
        verify=Verify(how["verify"]),
        timeout=timedelta(seconds=how["timeout_s"]),
        zip=read_zip(how["zip"], row["sources"]),
        unzip=read_unzip(how["unzip"]),
        markers=read_members(how.get("markers")),
        share=Share(**how["share"]) if "share" in how else None,
        packed=Packed(**how["packed"]) if "packed" in how else None,
    )
