"""What an intent says of archives: several sources into one file (-ZIP), or one file into several (-UNZ)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gateway.core.model import Stamp


@dataclass(frozen=True, slots=True)
class Member:
    """One source of an archive: its path, its name inside, and what was judged."""

    path: str
    name: str
    stamp: Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Zip:
    """One archive of `members`, in their order.  `extend`: what the final archive holds already is kept (-APE)."""

    members: tuple[Member, ...]
    level: int = 6
    comment: str = ""
    extend: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unzip:
    """The source is an archive; its entries go into the folder `into`, with their paths if `use_path`.

    Refused before the first byte: more than `most_entries`, more than `most_bytes` in all, or, beyond 64 MiB, more
    than `most_ratio` times the archive's own size.
    """

    into: str
    use_path: bool = True
    most_entries: int = 100_000
    most_bytes: int = 64 * 1024**3
    most_ratio: int = 200


def members_text(members: Sequence[Member]) -> str:
    """Files with their stamps as a column keeps them: [[path, name, size, mtime_ns, inode, device]]."""
    rows = [
        [one.path, one.name, one.stamp.size_bytes, one.stamp.mtime_ns, one.stamp.inode, one.stamp.device]
        for one in members
    ]
    return json.dumps(rows)


def read_members(text: str | None) -> tuple[Member, ...]:
    """Read what `members_text` wrote."""
    return tuple(Member(path, name, Stamp(*stamp)) for path, name, *stamp in json.loads(text or "[]"))


def zip_how(wanted: Zip | None) -> dict[str, Any] | None:
    """The rest of a Zip, for the how column."""
    return None if wanted is None else {"level": wanted.level, "comment": wanted.comment, "extend": wanted.extend}


def read_zip(raw: Mapping[str, Any] | None, members: str | None) -> Zip | None:
    """A Zip from its two columns."""
    return None if raw is None else Zip(members=read_members(members), **raw)


def unzip_how(wanted: Unzip | None) -> dict[str, Any] | None:
    """An Unzip for the how column."""
    return None if wanted is None else asdict(wanted)


def read_unzip(raw: Mapping[str, Any] | None) -> Unzip | None:
    """Read what `unzip_how` wrote."""
    return None if raw is None else Unzip(**raw)
