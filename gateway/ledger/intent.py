"""What is meant to happen to one file: frozen when it is intended, the same for every later attempt."""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Literal

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


def how_text(intent: Intent) -> str:
    """The part of an intent that has no column of its own."""
    return json.dumps(
        {
            "wanted": intent.final,
            "verify": intent.verify.value,
            "partial": intent.partial,
            "inplace": intent.inplace,
            "replace": intent.replace,
            "mtime_ns": intent.mtime_ns,
            "timeout_s": intent.timeout.total_seconds(),
            "make_dirs": intent.make_dirs,
            "awaits_answer": intent.awaits_answer,
            "zip": zip_how(intent.zip),
            "unzip": unzip_how(intent.unzip),
            "member_of": intent.member_of,
            "markers": members_text(intent.markers),
            **_ordered(intent),
        }
    )


def _ordered(intent: Intent) -> dict[str, Any]:
    """What only files of distribution jobs and of channels have."""
    said = {"sha256": intent.sha256, "executable": intent.executable, "archive": intent.archive}
    share = {} if intent.share is None else {"share": asdict(intent.share)}
    packed = {} if intent.packed is None else {"packed": asdict(intent.packed)}
    return {name: value for name, value in said.items() if value} | share | packed


@dataclass(frozen=True, slots=True)
class How:
    """`how_text` read back."""

    wanted: str
    verify: Verify
    partial: str
    inplace: bool
    replace: Replace
    mtime_ns: int | None
    timeout: timedelta
    make_dirs: bool
    awaits_answer: bool
    zip: Zip | None
    unzip: Unzip | None
    member_of: str | None
    markers: tuple[Member, ...]
    sha256: str | None
    executable: bool
    archive: str | None
    share: Share | None
    packed: Packed | None


def read_how(text: str, members: str | None) -> How:
    """Read what `how_text` wrote; `members` is the sources column."""
    raw = json.loads(text)
    return How(
        wanted=raw["wanted"],
        verify=Verify(raw["verify"]),
        partial=raw["partial"],
        inplace=raw["inplace"],
        replace=raw["replace"],
        mtime_ns=raw["mtime_ns"],
        timeout=timedelta(seconds=raw["timeout_s"]),
        make_dirs=raw["make_dirs"],
        awaits_answer=raw["awaits_answer"],
        zip=read_zip(raw["zip"], members),
        unzip=read_unzip(raw["unzip"]),
        member_of=raw["member_of"],
        markers=read_members(raw.get("markers")),
        sha256=raw.get("sha256"),
        executable=raw.get("executable", False),
        archive=raw.get("archive"),
        share=Share(**raw["share"]) if "share" in raw else None,
        packed=Packed(**raw["packed"]) if "packed" in raw else None,
    )
