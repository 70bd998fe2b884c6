"""Reading what changed of a catalogue's items, once: the hash of each file, and what counts in metadata."""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from threading import Event

from gateway.channels.looking import Looking
from gateway.channels.metadata_hash import MOST_BYTES, Counted, counted, too_large
from gateway.channels.model import Catalogue
from gateway.core.model import Stamp
from gateway.ledger.job_contents import Hashed
from gateway.transfer.hashing import CHANGES, Hasher
from gateway.transfer.seen import Seen


@dataclass(slots=True)
class ReadFiles:
    """What files came to, by path below the catalogue; `failed` are those that could not be read."""

    hashed: dict[str, Hashed] = field(default_factory=dict)
    metadata: dict[str, Counted] = field(default_factory=dict)
    changing: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)


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

    def _some(self, files: Sequence[Seen], made: ReadFiles, halted: Event) -> None:
        keeper = _Keeper(self._catalogue.metadata_ignore)
        metadata = [one for one in files if self._catalogue.is_metadata(one.relative)]
        others = [one for one in files if not self._catalogue.is_metadata(one.relative)]
        read = (self._hasher(keeper, halted).batch(metadata), self._hasher(None, halted).batch(others))
        made.hashed.update((one.relative, one) for one in chain(read[0].hashed, read[1].hashed))
        for one in chain(read[0].skipped, read[1].skipped):
            if one.why == CHANGES:
                made.changing.add(one.relative)
            else:
                made.failed[one.relative] = one.why
        top = f"{self._catalogue.path}/"
        made.metadata.update((path.removeprefix(top), said) for path, said in keeper.counted.items())
        made.metadata.update((one.relative, _unread(one)) for one in read[0].hashed if one.size > MOST_BYTES)

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


def _unread(file: Hashed) -> Counted:
    return Counted(file.sha256, too_large(file.size))
