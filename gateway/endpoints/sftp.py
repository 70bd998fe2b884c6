"""An endpoint over SFTP."""

import stat as stat_bits
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import cast

import asyncssh

from gateway.core.errors import (
    AlreadyThere,
    GatewayError,
    LinkLost,
    NeedsOperator,
    NoSpace,
    NotThere,
    PathRefused,
    Retryable,
)
from gateway.core.model import Entry, Kind, Stamp
from gateway.endpoints.base import Features, Ran
from gateway.endpoints.hash_batch import HashBatch
from gateway.endpoints.modes import run_mode
from gateway.endpoints.paths import join, parent, resolve
from gateway.endpoints.place import Place
from gateway.endpoints.session import Basic
from gateway.endpoints.sftp_calls import Attributes, Listed, SftpFile
from gateway.endpoints.sftp_session import EXTENSIONS, SftpSession, open_session
from gateway.endpoints.sftp_stream import WINDOW_BYTES, Call, read_blocks, write_blocks

_SECOND_NS = 1_000_000_000
_LITTLE_SPACE_BYTES = 1024 * 1024
_READ_ONLY = 1  # a flag of statvfs
_KINDS = {stat_bits.S_IFREG: Kind.FILE, stat_bits.S_IFDIR: Kind.FOLDER, stat_bits.S_IFLNK: Kind.LINK}
_TYPES = {
    asyncssh.FILEXFER_TYPE_REGULAR: Kind.FILE,
    asyncssh.FILEXFER_TYPE_DIRECTORY: Kind.FOLDER,
    asyncssh.FILEXFER_TYPE_SYMLINK: Kind.LINK,
}
_NEW = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC
_MORE = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT


def entry_of(path: str, attrs: Attributes) -> Entry:
    """The entry of an attributes answer; what the server leaves out is unknown."""
    mtime_ns = None if attrs.mtime is None else int(attrs.mtime) * _SECOND_NS
    runs = bool((attrs.permissions or 0) & stat_bits.S_IXUSR)
    return Entry(path, _kind(attrs), Stamp(attrs.size or 0, mtime_ns, mtime_precision_ns=_SECOND_NS), runs)


def _kind(attrs: Attributes) -> Kind:
    if attrs.permissions is not None and stat_bits.S_IFMT(attrs.permissions):
        return _KINDS.get(stat_bits.S_IFMT(attrs.permissions), Kind.OTHER)
    if attrs.type == asyncssh.FILEXFER_TYPE_UNKNOWN:
        return Kind.FILE if attrs.size is not None else Kind.OTHER
    return _TYPES.get(attrs.type, Kind.OTHER)


def _features(session: SftpSession) -> Features:
    return Features(
        atomic_replace=session.supports("posix_rename"),
        rename_noreplace=True,
        append=True,
        resume=True,
        set_mtime=True,
        fsync=session.supports("fsync"),
        remote_hash=session.place.remote_hash,
        exec=True,
        modes=True,
        mtime_precision_ns=_SECOND_NS,
        concurrent=session.place.pipeline != "off",  # some servers let no second file be open
        window_bytes=WINDOW_BYTES,
    )


class SftpEndpoint(Basic):
    """Files on an SFTP server, as one logged-in session sees them.

    `features.exec` says that the protocol can; whether the account may, `gateway probe --exec` finds out.  What a
    probe has found of checksum programs stands in `features.remote_hash`; `remote_hash` tries in any case.
    """

    def __init__(self, session: SftpSession) -> None:
        self._session = session
        self._client = session.client
        self._features = _features(session)
        self._hashes = HashBatch(session)

    @property
    def features(self) -> Features:
        """As announced at login."""
        return self._features

    @property
    def usable(self) -> bool:  # type: ignore[override]
        """False once the link is gone."""
        return self._session.usable

    @property
    def extensions(self) -> tuple[str, ...]:  # type: ignore[override]
        """What the server announced, for `probe`."""
        return tuple(name for name in EXTENSIONS if self._session.supports(name))

    @property
    def banner(self) -> str:  # type: ignore[override]
        """The server's version text."""
        return str(self._session.connection.get_extra_info("server_version", ""))

    def _at(self, path: str) -> str:
        return resolve(self._session.place.folder, path)

    def _what(self, path: str) -> str:
        return f"{self._session.place.name}: {path or '.'}"

    async def ping(self) -> None:
        """Ask for the login folder."""
        await self._session.call(self._what("."), self._client.realpath("."))

    async def scan(self, folder: str) -> AsyncIterator[Entry]:
        """As the server lists it, a batch of names at a time."""
        listing = cast(AsyncGenerator[Listed, None], self._client.scandir(self._at(folder)))
        try:
            while True:
                try:
                    found = await self._session.call(self._what(folder), anext(listing))
                except StopAsyncIteration:
                    return
                name = str(found.filename)
                if name not in (".", ".."):
                    entry = entry_of(join(folder, name), found.attrs)
                    yield await self._followed(entry) if entry.kind is Kind.LINK else entry
        finally:
            self._session.let_go(listing.aclose())

    async def stat(self, path: str) -> Entry:
        """Links are not followed, unless the endpoint's `follow_links` says so."""
        entry = entry_of(path, await self._session.call(self._what(path), self._client.lstat(self._at(path))))
        return await self._followed(entry) if entry.kind is Kind.LINK else entry

    async def _followed(self, link: Entry) -> Entry:
        """What a link leads to, if links are followed and it leads anywhere but back."""
        if not self._session.place.follow_links:
            return link
        try:
            found = entry_of(link.path, await self._session.call(link.path, self._client.stat(self._at(link.path))))
            return link if found.kind is Kind.FOLDER and await self._leads_back(link.path) else found
        except GatewayError as exc:
            if exc.concerns_endpoint:
                raise
            return link  # to nothing, to itself, or nobody may know where to

    async def _leads_back(self, path: str) -> bool:
        """True if the folder behind a link is one that its own path goes through: whoever descends comes back."""
        behind, at = await self._real(path), parent(path)
        while await self._real(at) != behind:
            if at in ("", "/", "~"):
                return False
            at = parent(at)
        return True

    async def _real(self, path: str) -> str:
        return str(await self._session.call(self._what(path), self._client.realpath(self._at(path))))

    @asynccontextmanager
    async def _open(self, path: str, flags: int) -> AsyncIterator[SftpFile]:
        what = self._what(path)
        opening = self._client.open(self._at(path), flags, encoding=None, block_size=0)
        file = await self._session.call(what, opening)
        try:
            yield file
        except BaseException:
            self._session.let_go(file.close())
            raise
        await self._session.call(f"{what}: closing", file.close())

    def _call(self, path: str) -> Call:
        return cast(Call, partial(self._session.call, self._what(path)))

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """Several requests under way, blocks in order."""
        session = self._session
        async with (
            self._open(path, asyncssh.FXF_READ) as file,
            aclosing(read_blocks(file, self._call(path), offset, session.read_bytes, eager=session.eager)) as blocks,
        ):
            async for block in blocks:
                yield block

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        """Sequential, never sparse; returns once the close was answered."""
        async with self._full_told(path), self._open(path, _MORE if offset else _NEW) as file:
            return await self._fill(file, path, blocks, offset, sync, cut=offset > 0)

    async def append(self, path: str, blocks: AsyncIterator[bytes]) -> int:
        """Behind the size that the file has when it is opened."""
        async with self._full_told(path), self._open(path, _MORE) as file:
            there = await self._call(path)(file.stat())
            return await self._fill(file, path, blocks, there.size or 0, True)

    async def _cut(self, file: SftpFile, path: str, size: int) -> None:
        there = await self._call(path)(file.stat())
        if there.size != size:
            await self._call(path)(file.truncate(size))

    async def _fill(
        self, file: SftpFile, path: str, blocks: AsyncIterator[bytes], offset: int, sync: bool, *, cut: bool = False
    ) -> int:
        written = await write_blocks(file, self._call(path), blocks, offset, self._session.write_bytes)
        if cut:
            await self._cut(file, path, offset + written)
        if sync and self._features.fsync:
            await self._call(f"{path}: fsync")(file.fsync())
        return written

    @asynccontextmanager
    async def _full_told(self, path: str) -> AsyncIterator[None]:
        """A Failure without a reason is looked into: a full disk, one mounted read-only is told as such."""
        try:
            yield
        except Retryable as exc:
            reason = await self._reason(path) if _unexplained(exc) else None
            if reason is None:
                raise
            kind, words = reason
            raise kind(f"{exc}; {words}") from exc

    async def _reason(self, path: str) -> tuple[type[GatewayError], str] | None:
        """What the file system there has against a new file."""
        if not self._session.supports("statvfs"):
            return None
        try:
            there = await self._call(path)(self._client.statvfs(parent(self._at(path)) or "."))
        except GatewayError:
            return None
        if there.flags & _READ_ONLY:
            return PathRefused, "the disk there is mounted read-only: somebody has to mount it for writing"
        if there.bavail * there.frsize < _LITTLE_SPACE_BYTES or (there.files > 0 and there.favail == 0):
            return NoSpace, "the disk there is full: somebody has to make room"
        return None

    async def rename(self, source: str, target: str) -> None:
        """With posix-rename in one step; else, or where the server only announced it, where nothing stands."""
        if not self._features.atomic_replace:
            await self.rename_noreplace(source, target)
            return
        try:
            async with self._full_told(target):
                moving = self._client.posix_rename(self._at(source), self._at(target))
                await self._call(f"{source} -> {target}")(moving)
        except NeedsOperator as exc:
            if not isinstance(exc.__cause__, asyncssh.SFTPOpUnsupported):
                raise
            # announced, and not known after all
            self._features = replace(self._features, atomic_replace=False, ordered_renames=False)
            await self.rename_noreplace(source, target)

    async def rename_noreplace(self, source: str, target: str) -> None:
        """Plain SFTP rename; looks first, since some servers replace although the protocol forbids it."""
        await self._refuse_taken(target)
        try:
            await self._call(f"{source} -> {target}")(self._client.rename(self._at(source), self._at(target)))
        except Retryable as exc:
            if _unexplained(exc):
                await self._refuse_taken(target)
            raise

    async def _refuse_taken(self, target: str) -> None:
        try:
            await self.stat(target)
        except NotThere:
            return
        raise AlreadyThere(f"{self._what(target)}: something stands there")

    async def remove(self, path: str) -> None:
        """As the contract says."""
        await self._refusing(path, self._client.remove(self._at(path)), "a folder stands there")

    async def mkdir(self, path: str) -> None:
        """As the contract says; a Failure without a reason is looked into."""
        try:
            await self._call(path)(self._client.mkdir(self._at(path)))
        except Retryable as exc:
            if _unexplained(exc):
                await self._refuse_taken(path)
            raise

    async def rmdir(self, path: str) -> None:
        """As the contract says."""
        await self._refusing(path, self._client.rmdir(self._at(path)), "the folder is not empty, or no folder")

    async def _refusing(self, path: str, answer: Awaitable[None], likely: str) -> None:
        try:
            await self._call(path)(answer)
        except Retryable as exc:
            if not _unexplained(exc):
                raise
            entry = await self.stat(path)
            raise PathRefused(f"{exc}; most likely {likely} ({entry.kind})") from exc

    async def set_mtime(self, path: str, mtime_ns: int) -> bool:
        """False where the server refuses."""
        seconds = mtime_ns // _SECOND_NS
        try:
            await self._call(path)(self._client.utime(self._at(path), (seconds, seconds)))
        except LinkLost:
            raise
        except GatewayError:
            return False
        return True

    async def let_run(self, path: str, *, allowed: bool = True) -> bool:
        """False where the server refuses."""
        try:
            found = await self._call(path)(self._client.lstat(self._at(path)))
            mode = (found.permissions or 0o644) & 0o7777
            await self._call(path)(self._client.chmod(self._at(path), run_mode(mode, allowed=allowed)))
        except LinkLost:
            raise
        except GatewayError:
            return False
        return True

    async def remote_hash(self, path: str, algorithm: str, *, first_bytes: int | None = None) -> str | None:
        """As the peer's shell computes it; None where it has none, or its folders differ from SFTP's."""
        return await self._hashes.digest(self._at(path), algorithm, first_bytes)

    async def execute(self, command: str, *, timeout_s: float) -> Ran:
        """Through the account's own shell."""
        return await self._session.run(command, timeout_s)

    async def close(self) -> None:
        """Ends the connection."""
        await self._session.close()


def _unexplained(exc: Retryable) -> bool:
    return type(exc) is Retryable and isinstance(exc.__cause__, asyncssh.SFTPFailure)


async def open_plain(place: Place) -> SftpEndpoint:
    """Log in; each call is the library's.  Raises HostKeyRefused, LoginRefused, PeerBusy, LinkLost or NeedsOperator."""
    return SftpEndpoint(await open_session(place))
