"""What a destination lacks of a manifest: one listing, what was noted of the place, and its own hashes where it can.

Nothing is written for a file that is as it should be, however many there are.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from gateway.core.errors import GatewayError
from gateway.endpoints.base import Endpoint
from gateway.jobs.ignore import Ignore
from gateway.jobs.manifest import FOLDER
from gateway.jobs.model import Destination
from gateway.jobs.modes import Differing, may_run
from gateway.jobs.place_look import PlaceLook
from gateway.jobs.place_tree import Shown, Tree, is_as_noted, side_by_side, tree_of
from gateway.ledger import Connection, Ledger, job_contents
from gateway.ledger.job_contents import Entry, There

_HASHES_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Compared:
    """`missing` is to be sent, `folders` are to be made, `extra` is there beyond the source, by relative path.

    `modes` are as they should be but for the executable bit.  `refused` can't be had there, and why.  `standing` are
    files that are there under names of `missing`.
    """

    missing: Sequence[Entry]
    unchanged: int
    extra: Mapping[str, Shown]
    refused: Sequence[tuple[Entry, str]]
    folders: Sequence[str]
    standing: frozenset[str]
    count: int
    is_whole: bool
    modes: Sequence[Differing] = ()

    @property
    def is_as_wanted(self) -> bool:
        """True if nothing is to be done there."""
        return not (self.missing or self.extra or self.refused or self.folders or self.modes)


@dataclass(slots=True)
class _Judged:
    """`unknown` has the right size, and nobody knows what is in it."""

    missing: list[Entry] = field(default_factory=list)
    unknown: list[Entry] = field(default_factory=list)
    refused: list[tuple[Entry, str]] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    modes: list[Differing] = field(default_factory=list)
    unchanged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a place is compared: `algorithm` is the job's; `blind`: names that differ in capitals alone are one there.

    `extra`: what is beyond the source counts, but for `kept`, which the source has and does not send.  `known_as`
    names what is wanted: a place that looks as it did when it had all of that has all of it.
    """

    place: int
    algorithm: str
    blind: bool = False
    extra: bool = False
    kept: Sequence[str] = ()
    known_as: str | None = None


async def look_at(to: Destination, peer: Endpoint, ledger: Ledger, asked: Asked) -> PlaceLook:
    """One listing of a place.  Raises what it raises."""
    said = repr((asked.known_as, asked.algorithm, asked.blind, asked.extra))
    return PlaceLook(ledger, asked.place, said, await tree_of(peer, to.place))


def nothing_to_do(look: PlaceLook, files: int) -> Compared:
    """What a place comes to that has everything."""
    return Compared([], files, {}, [], [], frozenset(), len(look.tree.files), look.tree.is_whole)


async def compare(
    to: Destination,
    wanted: Sequence[Entry],
    peer: Endpoint,
    ledger: Ledger,
    asked: Asked,
    look: PlaceLook | None = None,
) -> Compared:
    """Compare a place with what it is to have; `look` is how it looks, where that is known and not as it was."""
    if look is None:
        look = await look_at(to, peer, ledger, asked)
        files = await look.files() if asked.known_as is not None else None
        if files is not None:
            return nothing_to_do(look, files)
    compared = await _by_files(to, wanted, peer, ledger, asked, look.tree)
    if asked.known_as is not None and compared.is_as_wanted:
        await look.note(compared.unchanged)
    return compared


async def _by_files(
    to: Destination, wanted: Sequence[Entry], peer: Endpoint, ledger: Ledger, asked: Asked, tree: Tree
) -> Compared:
    known = await ledger.read(partial(job_contents.there, place=asked.place))
    longest = peer.features.name_bytes_max
    judged = await asyncio.to_thread(_judge, wanted, tree, known, longest, asked.blind)
    found = await _hashed(peer, judged.unknown, tree, asked.algorithm)
    judged.missing += [entry for entry in judged.unknown if entry.relative not in found]
    if tree.tells_modes:
        same = [(entry, found[entry.relative]) for entry in judged.unknown if entry.relative in found]
        judged.modes += [(entry, shown) for entry, shown in same if shown.executable != may_run(entry)]
    judged.missing.sort(key=lambda entry: entry.n)
    await _note(ledger, asked.place, tree, known, judged, found)
    return Compared(
        missing=judged.missing,
        unchanged=judged.unchanged + len(found),
        extra=await asyncio.to_thread(_extra, wanted, tree, to.profile.ignore, asked) if asked.extra else {},
        refused=judged.refused,
        folders=judged.folders,
        standing=frozenset(entry.relative for entry in judged.missing if entry.relative in tree.files),
        count=len(tree.files),
        is_whole=tree.is_whole,
        modes=judged.modes,
    )


def _judge(wanted: Sequence[Entry], tree: Tree, known: Mapping[str, There], longest: int, blind: bool) -> _Judged:
    judged = _Judged()
    refusal = _refusals(wanted, tree, longest, blind)
    for entry in wanted:
        relative = entry.relative
        why = refusal(entry)
        if why is not None:
            judged.refused.append((entry, why))
        elif entry.kind == FOLDER:
            if relative not in tree.folders:
                judged.folders.append(relative)
        elif (shown := tree.files.get(relative)) is None or shown.size != entry.size:
            judged.missing.append(entry)
        elif (noted := known.get(relative)) is None or not is_as_noted(shown, noted):
            judged.unknown.append(entry)
        elif noted.sha256 == entry.sha256:
            judged.unchanged += 1
            if tree.tells_modes and shown.executable != may_run(entry):
                judged.modes.append((entry, shown))
        else:
            judged.missing.append(entry)
    return judged


def _refusals(wanted: Sequence[Entry], tree: Tree, longest: int, blind: bool) -> Callable[[Entry], str | None]:
    """Why a name can't be had there, None if it can."""
    first: dict[str, str] = {}
    if blind:
        for entry in wanted:
            first.setdefault(entry.relative.casefold(), entry.relative)

    def why(entry: Entry) -> str | None:
        relative = entry.relative
        if len(relative) * 4 > longest and any(_bytes(part) > longest for part in relative.split("/")):
            return f"a name of more than {longest} bytes, which this endpoint can't hold; rename it, or leave it out"
        if blind and (twin := first[relative.casefold()]) != relative:
            return f"it differs from {twin} in capitals alone, which are one name at this endpoint; rename one of them"
        if relative in tree.others or (relative in tree.folders and entry.kind != FOLDER):
            return "a folder, a link or a device stands there under this name; move it away"
        if entry.kind == FOLDER and relative in tree.files:
            return "a file stands there under the name of this folder; move it away"
        return None

    return why


def _bytes(name: str) -> int:
    return len(name.encode("utf-8", "surrogateescape"))


async def _hashed(peer: Endpoint, unknown: Sequence[Entry], tree: Tree, algorithm: str) -> Mapping[str, Shown]:
    """Those of `unknown` whose content the peer says to be the right one, by relative path."""
    able = peer.features.remote_hash
    wanted = algorithm if algorithm in able else "sha256" if "sha256" in able else None
    if wanted is None or not unknown:
        return {}
    same: dict[str, Shown] = {}
    at_once = _HASHES_AT_ONCE if peer.features.concurrent else 1
    for start in range(0, len(unknown), at_once):
        some = unknown[start : start + at_once]
        digests = await side_by_side([_digest(peer, tree.files[entry.relative].path, wanted) for entry in some])
        for entry, digest in zip(some, digests, strict=True):
            if digest is not None and digest == (entry.sha256 if wanted == "sha256" else entry.digest):
                same[entry.relative] = tree.files[entry.relative]
    return same


async def _digest(peer: Endpoint, path: str, algorithm: str) -> str | None:
    """None for a file that the peer can't or won't hash: it is sent."""
    try:
        return await peer.remote_hash(path, algorithm)
    except GatewayError as error:
        if error.concerns_endpoint:
            raise
        return None


async def _note(
    ledger: Ledger, place: int, tree: Tree, known: Mapping[str, There], judged: _Judged, found: Mapping[str, Shown]
) -> None:
    """What was learnt: contents that were found by their hash, and files that are gone."""
    at = ledger.now_ns()
    entries = {entry.relative: entry for entry in judged.unknown if entry.relative in found}
    there = [
        There(name, shown.size, shown.mtime_ns, shown.grain_ns, entries[name].sha256 or "", entries[name].digest, at)
        for name, shown in found.items()
    ]
    gone = [name for name in known if name not in tree.files] if tree.is_whole else []
    if not there and not gone:
        return

    def write(connection: Connection) -> None:
        job_contents.note_there(connection, place, there)
        job_contents.forget_there(connection, place, gone)

    await ledger.write(write)


def _extra(wanted: Sequence[Entry], tree: Tree, ignore: Sequence[str], asked: Asked) -> Mapping[str, Shown]:
    """What is there beyond the source; what a destination leaves out of it is none of our business there, too."""
    same = str.casefold if asked.blind else str
    ours = {same(entry.relative) for entry in wanted} | {same(name) for name in asked.kept}
    folders = tuple(name for name in asked.kept if name.endswith("/"))
    leaves_out = Ignore(ignore)

    def is_extra(name: str) -> bool:
        return same(name) not in ours and not name.startswith(folders) and not leaves_out(name)

    return {name: shown for name, shown in tree.files.items() if is_extra(name)}
