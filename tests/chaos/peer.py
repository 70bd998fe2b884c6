"""A session on a memory store under a fate, and the store's own book of what was seen there."""

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

from gateway.core.errors import LinkLost
from gateway.core.model import Entry
from gateway.endpoints.base import Features
from gateway.endpoints.memory import MemoryEndpoint, MemoryStore
from gateway.endpoints.wrap import Wrapped
from tests.chaos.fate import Fate

_SESSIONS = itertools.count(1)


@dataclass
class Shop:
    """A peer's files, what became visible there, and what is still on its way from dead sessions."""

    store: MemoryStore = field(default_factory=MemoryStore)
    shown: Counter[bytes] = field(default_factory=Counter)
    late: list[Callable[[], None]] = field(default_factory=list)
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
        files[target] = files.pop(source)
        self.note(target)

    def note(self, target: str) -> None:
        """Count content that has become visible."""
        if not target.rpartition("/")[2].startswith("."):
            self.shown[bytes(self.store.files[target].data)] += 1


class Session(Wrapped):
    """One session of one process; every call may be its last."""

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
            for start in range(0, len(block), 4):
                self._fate.breathe()
                yield block[start : start + 4]

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        return int(
            await self._call(
                f"write {path}", lambda: self._inner.write(path, self._broken(blocks), offset=offset, sync=sync)
            )
        )

    async def append(self, path: str, blocks: AsyncIterator[bytes]) -> int:
        return int(await self._call(f"append {path}", lambda: self._inner.append(path, self._broken(blocks))))

    async def _broken(self, blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for block in blocks:
            yield await self._call("block", lambda block=block: _same(block))

    async def rename(self, source: str, target: str) -> None:
        replaces = self.features.atomic_replace
        await self._call(
            f"rename {source} {target}",
            lambda: self._renamed(source, target, self._inner.rename),
            lambda: self._shop.late.append(lambda: self._shop.rename(_at(source), _at(target), replaces=replaces)),
        )

    async def rename_noreplace(self, source: str, target: str) -> None:
        await self._call(
            f"rename {source} {target}",
            lambda: self._renamed(source, target, self._inner.rename_noreplace),
            lambda: self._shop.late.append(lambda: self._shop.rename(_at(source), _at(target), replaces=False)),
        )

    async def _renamed(self, source, target, call):  # type: ignore[no-untyped-def]
        kept = self._shop.store.files.get(_at(source))
        await call(source, target)
        self._shop.note(_at(target))
        if kept is not None and self._remote and self._fate.strikes(0.05):
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
