"""An endpoint in memory: the double for tests, held to the same conformance suite as the real ones."""

import hashlib
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from gateway.core.errors import AlreadyThere, NotThere, PathRefused
from gateway.core.model import Entry, Kind, Stamp
from gateway.endpoints.base import Features
from gateway.endpoints.paths import join, parent, resolve
from gateway.endpoints.session import Basic

T = TypeVar("T")

_BLOCK_BYTES = 256 * 1024
_SECOND_NS = 1_000_000_000
_FEATURES = Features(
    atomic_replace=True,
    rename_noreplace=True,
    append=True,
    resume=True,
    set_mtime=True,
    fsync=True,
    remote_hash=frozenset({"sha256", "sha1", "md5"}),
    mtime_precision_ns=1,
    lasting_inodes=True,
    concurrent=True,
)


@dataclass(slots=True)
class _File:
    inode: int
    mtime_ns: int
    data: bytearray = field(default_factory=bytearray)
    runs: bool = False


class MemoryStore:
    """The files and folders of one peer, shared by its sessions; paths start with `/`, home is the root."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.files: dict[str, _File] = {}
        self.folders: dict[str, int] = {"/": 1}
        self._inodes = itertools.count(2)
        self._now = now

    def now_ns(self) -> int:
        """The time that a change gets."""
        return int(self._now().timestamp() * _SECOND_NS)

    def put(self, path: str, data: bytes) -> None:
        """Lay a file down, folders made on the way, as somebody else would."""
        self._make_folders(parent(path) or "/")
        self.files[path] = _File(next(self._inodes), self.now_ns(), bytearray(data))

    def _make_folders(self, folder: str) -> None:
        if folder not in self.folders:
            self._make_folders(parent(folder) or "/")
            self.folders[folder] = next(self._inodes)

    def open(self, path: str) -> _File:
        """The file to write to, made if missing."""
        self.need_parent(path)
        if path in self.folders:
            raise PathRefused(f"{path}: a folder stands there; name a file")
        if path not in self.files:
            self.files[path] = _File(next(self._inodes), self.now_ns())
        return self.files[path]

    def file(self, path: str) -> _File:
        """The file that stands there."""
        if path in self.folders:
            raise PathRefused(f"{path}: a folder stands there; name a file")
        if path not in self.files:
            raise NotThere(f"{path}: no such file")
        return self.files[path]

    def need_parent(self, path: str) -> None:
        """Raises NotThere unless the folder of `path` stands."""
        if (parent(path) or "/") not in self.folders:
            raise NotThere(f"{path}: its folder is missing")

    def add_folder(self, path: str) -> None:
        """Make one folder."""
        if path in self.folders or path in self.files:
            raise AlreadyThere(f"{path}: something stands there")
        self.need_parent(path)
        self.folders[path] = next(self._inodes)

    def inside(self, folder: str) -> list[str]:
        """Paths right below `folder`."""
        names = itertools.chain(list(self.files), list(self.folders))
        return [path for path in names if path != "/" and (parent(path) or "/") == folder]

    def entry(self, path: str, shown: str) -> Entry:
        """What stands under `path`, under the name it is asked by."""
        if path in self.folders:
            return Entry(shown, Kind.FOLDER, Stamp(0, None, self.folders[path]))
        file = self.files.get(path)
        if file is None:
            raise NotThere(f"{shown}: no such file or folder")
        return Entry(shown, Kind.FILE, Stamp(len(file.data), file.mtime_ns, file.inode))


class MemoryEndpoint(Basic):
    """One session on a MemoryStore."""

    def __init__(self, store: MemoryStore | None = None, folder: str = "/", features: Features = _FEATURES) -> None:
        self.store = store or MemoryStore()
        self._folder = folder
        self._features = features

    @property
    def features(self) -> Features:
        """Everything, unless told otherwise."""
        return self._features

    def _at(self, path: str) -> str:
        whole = resolve(self._folder, path)
        if not whole.startswith("/"):
            whole = "/" + whole.removeprefix(".")
        if any(len(part.encode()) > self._features.name_bytes_max for part in whole.split("/")):
            raise PathRefused(f"{path}: the name is too long; at most {self._features.name_bytes_max} bytes a part")
        return whole

    async def scan(self, folder: str) -> AsyncIterator[Entry]:
        """As the contract says."""
        at = self._at(folder)
        if at not in self.store.folders:
            raise NotThere(f"{folder}: no such folder")
        for path in self.store.inside(at):
            if path in self.store.files or path in self.store.folders:
                yield self.store.entry(path, join(folder, path.rpartition("/")[2]))

    async def stat(self, path: str) -> Entry:
        """As the contract says."""
        return self.store.entry(self._at(path), path)

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """As the contract says."""
        file = self.store.file(self._at(path))
        while block := bytes(file.data[offset : offset + _BLOCK_BYTES]):
            yield block
            offset += len(block)

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:  # noqa: ARG002
        """As the contract says."""
        file = self.store.open(self._at(path))
        file.data.extend(bytes(max(0, offset - len(file.data))))
        if not offset:
            file.data.clear()
        written = await self._add(file, blocks, offset)
        del file.data[offset + written :]
        return written

    async def append(self, path: str, blocks: AsyncIterator[bytes]) -> int:
        """As the contract says."""
        file = self.store.open(self._at(path))
        return await self._add(file, blocks, len(file.data))

    async def _add(self, file: _File, blocks: AsyncIterator[bytes], at: int) -> int:
        written = 0
        file.mtime_ns = self.store.now_ns()
        async for block in blocks:
            file.data[at + written : at + written + len(block)] = block
            file.mtime_ns = self.store.now_ns()
            written += len(block)
        return written

    async def rename(self, source: str, target: str) -> None:
        """As the contract says."""
        old, new = self._at(source), self._at(target)
        if new in self.store.folders or (not self._features.atomic_replace and new in self.store.files):
            raise AlreadyThere(f"{target}: something stands there")
        self.store.need_parent(new)
        if old in self.store.folders:
            self._move_folder(old, new)
            return
        file = self.store.file(old)
        del self.store.files[old]
        self.store.files[new] = file

    def _move_folder(self, old: str, new: str) -> None:
        if new in self.store.files:
            raise AlreadyThere(f"{new}: a file stands there")
        _move_keys(self.store.files, old, new)
        _move_keys(self.store.folders, old, new)

    async def rename_noreplace(self, source: str, target: str) -> None:
        """As the contract says."""
        if self._at(target) in self.store.files:
            raise AlreadyThere(f"{target}: something stands there")
        await self.rename(source, target)

    async def remove(self, path: str) -> None:
        """As the contract says."""
        self.store.file(self._at(path))
        del self.store.files[self._at(path)]

    async def mkdir(self, path: str) -> None:
        """As the contract says."""
        self.store.add_folder(self._at(path))

    async def rmdir(self, path: str) -> None:
        """As the contract says."""
        at = self._at(path)
        if at not in self.store.folders:
            raise NotThere(f"{path}: no such folder")
        if self.store.inside(at):
            raise PathRefused(f"{path}: the folder is not empty")
        del self.store.folders[at]

    async def set_mtime(self, path: str, mtime_ns: int) -> bool:
        """As the contract says."""
        self.store.file(self._at(path)).mtime_ns = mtime_ns
        return True

    async def let_run(self, path: str, *, allowed: bool = True) -> bool:
        """As the contract says."""
        self.store.file(self._at(path)).runs = allowed
        return True

    async def remote_hash(self, path: str, algorithm: str, *, first_bytes: int | None = None) -> str | None:
        """As the contract says."""
        if algorithm not in self._features.remote_hash:
            return None
        return hashlib.new(algorithm, self.store.file(self._at(path)).data[:first_bytes]).hexdigest()


def _move_keys(held: dict[str, T], old: str, new: str) -> None:
    for path in [path for path in held if path == old or path.startswith(old + "/")]:
        held[new + path[len(old) :]] = held.pop(path)
