"""A session on a memory store under a fate, and the store's own book of what was seen there."""

import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from functools import partial

from gateway.core.errors import LinkLost
from gateway.core.model import Entry
from gateway.endpoints.base import Features
from gateway.endpoints.memory import MemoryEndpoint, MemoryStore
from gateway.endpoints.wrap import Wrapped
from tests.chaos.fate import Fate, Kill

_SESSIONS = itertools.count(1)


@dataclass
class Shop:
    """A peer's files, what became visible there, and what is still on its way from dead sessions."""

    store: MemoryStore = field(default_factory=MemoryStore)
    shown: Counter[bytes] = field(default_factory=Counter)
    late: list[Callable[[], None]] = field(default_factory=list)
    has_cut: bool = False
    cut: bool = False
    """A rename made of link and unlink was cut between the two.

    A recipient that takes the final in that state leaves no trace of it: the file would come again.  Nobody does here.
    """

    def visible(self) -> dict[str, bytes]:
        """What others see: no hidden names."""
        files = self.store.files.items()
        return {path: bytes(file.data) for path, file in files if not path.rpartition("/")[2].startswith(".")}

    def arrive_late(self) -> None:
        """One call of a dead session is executed now."""
        if self.late:
            self.late.pop(0)()

    def rename(self, source: str, target: str, *, replaces: bool) -> None:
        """The peer's own rename; what it makes visible is counted."""
        files = self.store.files
        if source not in files or (target in files and not replaces):
            return
        if files.get(target) is files[source]:
            return  # two names of one file: such a rename does nothing
        files[target] = files.pop(source)
        self.note(target)

    def damage(self, path: str, how: random.Random) -> None:
        """Somebody cuts, extends or changes a partial that lies about."""
        data = self.store.files[path].data
        kind = how.choice(("cut", "extend", "change")) if data else "extend"
        if kind == "cut":
            del data[how.randrange(len(data)) :]
        elif kind == "extend":
            data.extend(b"?" * how.randrange(1, 80))
        else:
            data[how.randrange(len(data))] ^= 0xFF

    def note(self, target: str) -> None:
        """Count content that has become visible."""
        if not target.rpartition("/")[2].startswith("."):
            self.shown[bytes(self.store.files[target].data)] += 1


class Session(Wrapped):
    """One session of one process; every call may be its last.

    What of a broken write was unanswered may be there, be missing in the middle, or come late: to the file that was
    opened, whatever its name is by then.
    """

    piece_bytes = 4
    links = True
    """A rename that does not replace is made of link and unlink, and may be cut between the two."""
    cuts_first = False
    """A way to go on with a file that we don't take: cut it, then write."""

    def __init__(self, shop: Shop, features: Features, fate: Fate, *, remote: bool = True) -> None:
        super().__init__(MemoryEndpoint(shop.store, features=features))
        self._shop = shop
        self._fate = fate
        self._id = next(_SESSIONS)
        self._remote = remote

    async def _call(self, what, call, late=None):  # type: ignore[no-untyped-def]
        self._fate.told.append(what)
        if not self._remote:
            self._fate.breathe()
            answer = await call()
            self._fate.breathe()
            return answer
        return await self._fate.remote_call(self._id, call, late)

    async def stat(self, path: str) -> Entry:
        entry: Entry = await self._call(f"stat {path}", lambda: self._inner.stat(path))
        if self.features.lasting_inodes:
            return entry
        second = 1_000_000_000
        coarse = (entry.stamp.mtime_ns or 0) // second * second
        return replace(entry, stamp=replace(entry.stamp, inode=0, mtime_ns=coarse, mtime_precision_ns=second))

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        async for block in self._inner.read(path, offset):
            for start in range(0, len(block), self.piece_bytes):
                self._fate.breathe()
                yield block[start : start + self.piece_bytes]

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        if offset and self.cuts_first:
            self._cut(path, offset)
        broken = self._broken(path, blocks, offset)
        try:
            return int(
                await self._call(
                    f"write {path} from {offset}", lambda: self._inner.write(path, broken, offset=offset, sync=sync)
                )
            )
        except (LinkLost, Kill):
            self._hole(path, offset)
            raise

    def _cut(self, path: str, size: int) -> None:
        """The first such cut of a history is left unanswered, and comes late."""
        file = self._shop.store.files.get(_at(path))
        if file is None or self._shop.has_cut:
            return
        self._shop.has_cut = True
        self._shop.late.append(partial(_delete, file.data, size))
        self._fate.lost.add(self._id)
        self._fate.told.append(f"LATE cut of {path} to {size}")
        raise LinkLost("the link broke; the cut is still on its way")

    def _hole(self, path: str, offset: int) -> None:
        """Of what was unanswered some is there and some is not."""
        file = self._shop.store.files.get(_at(path))
        window = self.features.window_bytes
        if file is None or not window or self._fate.rng.random() < 0.5:
            return
        least = max(offset, len(file.data) - window)
        if least < len(file.data):
            end = self._fate.rng.randrange(least, len(file.data)) + 1
            file.data[least:end] = bytes(end - least)
            self._fate.told.append(f"HOLE {least} to {end}")

    async def append(self, path: str, blocks: AsyncIterator[bytes]) -> int:
        return int(await self._call(f"append {path}", lambda: self._inner.append(path, self._broken(path, blocks))))

    async def _broken(self, path: str, blocks: AsyncIterator[bytes], offset: int | None = None) -> AsyncIterator[bytes]:
        at = offset
        async for block in blocks:
            late = None if at is None or not self.features.window_bytes else self._late(path, at, block)
            yield await self._call("block", lambda block=block: _same(block), late)
            at = None if at is None else at + len(block)

    def _late(self, path: str, at: int, block: bytes) -> Callable[[], None]:
        file = self._shop.store.files[_at(path)]
        return lambda: self._shop.late.append(partial(_write_at, file.data, at, block))

    async def rename(self, source: str, target: str) -> None:
        replaces = self.features.atomic_replace
        await self._call(
            f"rename {source} {target}",
            lambda: self._renamed(source, target, self._inner.rename, at_once=replaces),
            lambda: self._shop.late.append(lambda: self._shop.rename(_at(source), _at(target), replaces=replaces)),
        )

    async def rename_noreplace(self, source: str, target: str) -> None:
        await self._call(
            f"rename {source} {target}",
            lambda: self._renamed(source, target, self._inner.rename_noreplace, at_once=False),
            lambda: self._shop.late.append(lambda: self._shop.rename(_at(source), _at(target), replaces=False)),
        )

    async def _renamed(self, source, target, call, *, at_once):  # type: ignore[no-untyped-def]
        kept = self._shop.store.files.get(_at(source))
        await call(source, target)
        self._shop.note(_at(target))
        if kept is not None and self._remote and self.links and not at_once and self._fate.strikes(0.05):
            self._shop.store.files[_at(source)] = kept  # link was done, unlink was not
            self._fate.lost.add(self._id)
            self._fate.told.append("CUT")
            self._shop.cut = True
            raise LinkLost("the peer died between link and unlink")

    async def remove(self, path: str) -> None:
        await self._call(f"remove {path}", lambda: self._inner.remove(path))

    async def set_mtime(self, path: str, mtime_ns: int) -> bool:
        return bool(await self._call(f"set_mtime {path}", lambda: self._inner.set_mtime(path, mtime_ns)))

    async def remote_hash(self, path: str, algorithm: str, *, first_bytes: int | None = None) -> str | None:
        return await self._call(
            f"remote_hash {path}", lambda: self._inner.remote_hash(path, algorithm, first_bytes=first_bytes)
        )


def _at(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


async def _same(block: bytes) -> bytes:
    return block


def _write_at(data: bytearray, at: int, block: bytes) -> None:
    data.extend(bytes(max(0, at - len(data))))
    data[at : at + len(block)] = block


def _delete(data: bytearray, size: int) -> None:
    del data[size:]
