"""Reading what changed of a catalogue's items, once: the hash of each file, and what counts in metadata."""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Event

from gateway.channels.looking import Looking, Pulse
from gateway.channels.metadata_hash import MOST_BYTES, Counted, counted, too_large
from gateway.channels.model import Catalogue
from gateway.core.model import Stamp
from gateway.ledger.job_contents import Hashed
from gateway.transfer.hashing import CHANGES, Hasher, Read
from gateway.transfer.seen import Seen


@dataclass(slots=True)
class ReadFiles:
    """What files came to, by path below the catalogue; `failed` are those that could not be read."""

    hashed: dict[str, Hashed] = field(default_factory=dict)
    metadata: dict[str, Counted] = field(default_factory=dict)
    changing: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)

    def add(self, read: Read) -> None:
        """What some of them came to."""
        self.hashed.update((one.relative, one) for one in read.hashed)
        self.changing.update(one.relative for one in read.skipped if one.why == CHANGES)
        self.failed.update((one.relative, one.why) for one in read.skipped if one.why != CHANGES)


class Reader:
    """Reads files of one catalogue; metadata is looked into while it is at hand."""

    def __init__(self, catalogue: Catalogue, looking: Looking, now_ns: Callable[[], int]) -> None:
        self._catalogue = catalogue
        self._looking = looking
        self._now_ns = now_ns

    async def read(self, files: Sequence[Seen]) -> ReadFiles:
        """These files (paths below the catalogue), in as many threads as there are processors."""
        made = ReadFiles()
        threads = os.cpu_count() or 1
        works = (partial(self._some, files[n::threads], made) for n in range(threads) if n < len(files))
        await asyncio.gather(*map(self._looking.run, works))
        return made

    def _some(self, files: Sequence[Seen], made: ReadFiles, pulse: Pulse) -> None:
        top, keeper = f"{self._catalogue.path}/", _Keeper(self._catalogue.metadata_ignore)
        kept, plain = self._hasher(keeper, pulse), self._hasher(None, pulse)
        for one in files:
            pulse.beat(top + one.relative)
            is_metadata = self._catalogue.is_metadata(one.relative)
            read = (kept if is_metadata else plain).batch([one])
            made.add(read)
            made.metadata.update(
                (each.relative, _unread(each)) for each in read.hashed if is_metadata and _is_large(each)
            )
        made.metadata.update((path.removeprefix(top), said) for path, said in keeper.counted.items())

    def _hasher(self, keeper: "_Keeper | None", halted: Event) -> Hasher:
        return Hasher(
            folder=str(self._catalogue.path),
            algorithm="sha256",
            follow_links=False,
            now_ns=self._now_ns,
            halted=halted,
            keeper=keeper,
        )


class _Keeper:
    """Looks into metadata as it is read; keeps no bytes."""

    def __init__(self, ignored: Sequence[str]) -> None:
        self._ignored = ignored
        self.counted: dict[str, Counted] = {}

    def wants(self, size_bytes: int) -> bool:
        return size_bytes <= MOST_BYTES

    def keep(self, path: str, stamp: Stamp, data: bytes) -> None:  # noqa: ARG002  (its reader calls it so)
        self.counted[path] = counted(path, data, self._ignored)


def _is_large(file: Hashed) -> bool:
    return file.size > MOST_BYTES


def _unread(file: Hashed) -> Counted:
    return Counted(file.sha256, too_large(file.size))
