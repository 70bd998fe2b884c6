"""What a destination shows: one listing of its whole tree, its own hidden things left out."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from gateway.core.errors import NotThere, PathRefused
from gateway.core.model import Entry, Kind
from gateway.endpoints.base import Endpoint
from gateway.ledger.job_contents import There

T = TypeVar("T")
ARCHIVE = ".gateway-archive"
"""The folder in which a destination keeps what was replaced or deleted there."""

_FOLDERS_AT_ONCE = 16


class Shown(NamedTuple):
    """A file as a listing shows it."""

    path: str
    size: int
    mtime_ns: int | None
    grain_ns: int
    executable: bool = False


@dataclass(slots=True)
class Tree:
    """By relative path; `others` are links and devices.

    `is_whole`: every folder could be listed.  `tells_modes`: what `executable` says of its files is so.
    """

    files: dict[str, Shown] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    is_whole: bool = True
    tells_modes: bool = False


def is_as_noted(shown: Shown, noted: There) -> bool:
    """True if a file shows the size and the time that it had when it was noted, as finely as both are known."""
    if shown.size != noted.size:
        return False
    if shown.mtime_ns is None or noted.mtime_ns is None:
        return True
    grain = max(shown.grain_ns, noted.grain_ns)
    return shown.mtime_ns // grain == noted.mtime_ns // grain


async def tree_of(peer: Endpoint, folder: str) -> Tree:
    """Everything below `folder`; nothing where there is no such folder.  Raises GatewayErrors of the link."""
    found = Tree(tells_modes=peer.features.modes)
    pending = [(folder, "")]
    width = _FOLDERS_AT_ONCE if peer.features.concurrent else 1
    while pending:
        some, pending = pending[-width:], pending[:-width]
        for inner in await side_by_side([_list(peer, at, below, found) for at, below in some]):
            pending += inner
    return found


async def side_by_side(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """What each comes to; all have ended when the first error is raised."""
    done = await asyncio.gather(*work, return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException):
            raise one
    return [one for one in done if not isinstance(one, BaseException)]


async def _list(peer: Endpoint, folder: str, below: str, found: Tree) -> list[tuple[str, str]]:
    """One folder; those in it."""
    inner: list[tuple[str, str]] = []
    try:
        async for entry in peer.scan(folder):
            name = entry.name
            if entry.kind is Kind.FILE:
                found.files[below + name] = _shown(entry)
            elif entry.kind is Kind.FOLDER:
                if name != ARCHIVE:
                    found.folders.add(below + name)
                    inner.append((entry.path, f"{below}{name}/"))
            else:
                found.others.add(below + name)
    except NotThere:
        return []
    except PathRefused:
        found.is_whole = False
    return inner


def _shown(entry: Entry) -> Shown:
    stamp = entry.stamp
    return Shown(entry.path, stamp.size_bytes, stamp.mtime_ns, stamp.mtime_precision_ns, entry.executable)
