"""An endpoint over FTP, or FTPS with explicit or implicit TLS."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from typing import TypeVar

from gateway.core.errors import (
    AlreadyThere,
    GatewayError,
    LinkLost,
    NeedsOperator,
    NotThere,
    PathRefused,
    Retryable,
)
from gateway.core.model import Entry
from gateway.endpoints import ftp_look as look
from gateway.endpoints.base import Features
from gateway.endpoints.ftp_bulk import FtpBulk
from gateway.endpoints.ftp_hash import hash_commands, read_hash
from gateway.endpoints.ftp_session import FtpSession, Unanswered
from gateway.endpoints.paths import parent, resolve
from gateway.endpoints.place import Place
from gateway.endpoints.session import Basic

T = TypeVar("T")

_SECOND_NS = 1_000_000_000


class FtpEndpoint(Basic):
    """Files on an FTP server, as one logged-in session sees them.

    A 550 means anything, so it is never believed alone: NotThere is said only when a look confirms it and the folder
    around it answers.  `features.atomic_replace` is what Unix servers do; a server that refuses loses it at once.
    """

    def __init__(self, session: FtpSession) -> None:
        self._session = session
        self._control = session.control
        self._features = _features(session)
        self._bulk = FtpBulk(session, self._at)

    @property
    def features(self) -> Features:
        """As FEAT and SYST told at login."""
        return self._features

    @property
    def bulk_target(self) -> FtpBulk:  # type: ignore[override]
        """One file after the other, without a word to the loop in between."""
        return self._bulk

    @property
    def usable(self) -> bool:  # type: ignore[override]
        """False once the control connection is gone or a transfer was cut."""
        return self._session.usable

    @property
    def extensions(self) -> tuple[str, ...]:  # type: ignore[override]
        """What FEAT announced, for `probe`."""
        return tuple(f"{name} {value}".strip() for name, value in self._control.features.items())

    @property
    def banner(self) -> str:  # type: ignore[override]
        """The server's greeting and SYST."""
        return f"{self._control.welcome} {self._control.system}".strip()

    def _at(self, path: str) -> str:
        """Absolute: CWD then changes nothing."""
        whole = resolve(self._session.place.folder, path)
        if whole.startswith("/"):
            return whole
        if not self._control.home:
            raise NeedsOperator(
                f"{self._session.place.name}: {whole}: the server doesn't tell its login folder, so a path from there "
                "could mean another one; write the path from the server's root into the URL"
            )
        home = self._control.home.rstrip("/")
        return f"{home}/{whole}" if whole != "." else home or "/"

    async def _call(self, what: str, work: Callable[[], T]) -> T:
        return await self._session.call(what, work)

    async def ping(self) -> None:
        """NOOP, never during a transfer."""
        await self._call("NOOP", partial(self._control.voidcmd, "NOOP"))

    async def scan(self, folder: str) -> AsyncIterator[Entry]:
        """MLSD, else LIST in the folder itself: no name is ever read as an option or a pattern."""
        for entry in await self._call(
            folder or ".", partial(look.list_folder, self._control, self._at(folder), folder)
        ):
            yield entry

    async def stat(self, path: str) -> Entry:
        """MLST, else SIZE and MDTM, else the folder's listing."""
        return await self._call(path, partial(look.look_at, self._control, self._at(path), path))

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """RETR; where the end was not confirmed, SIZE on a new session decides."""
        received = offset
        try:
            async with aclosing(self._session.download(path, f"RETR {self._at(path)}", offset)) as blocks:
                async for block in blocks:
                    received += len(block)
                    yield block
        except Unanswered as exc:
            await self._settle_by_size(path, received, exc)
        except PathRefused as exc:
            await self.stat(path)  # says NotThere if that is the reason
            raise exc

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:  # noqa: ARG002
        """STOR; with an offset after REST, and only where the server holds that much."""
        if offset:
            await self._need_size(path, offset)
        return await self._store(path, f"STOR {self._at(path)}", blocks, offset)

    async def append(self, path: str, blocks: AsyncIterator[bytes]) -> int:
        """APPE."""
        before = await self._size_or_zero(path)
        return await self._store(path, f"APPE {self._at(path)}", blocks, 0, before)

    async def _store(self, path: str, command: str, blocks: AsyncIterator[bytes], offset: int, before: int = 0) -> int:
        try:
            return await self._session.upload(path, command, blocks, offset)
        except Unanswered as exc:
            await self._settle_by_size(path, before + offset + exc.moved_bytes, exc)
            return exc.moved_bytes
        except PathRefused as exc:
            await self._need_folder(path, exc)
            raise

    async def _settle_by_size(self, path: str, expected: int, exc: Unanswered) -> None:
        """The control connection died at the end of a transfer: a new one asks how much is there."""
        async with await open_ftp(self._session.place) as other:
            there = await other.stat(path)
        if there.stamp.size_bytes != expected:
            raise LinkLost(f"{exc}; {there.stamp.size_bytes} of {expected} bytes are there") from exc

    async def _need_size(self, path: str, offset: int) -> None:
        """FTP can't cut a file: a resume goes on exactly where the file ends."""
        there = (await self.stat(path)).stamp.size_bytes
        if there != offset:
            raise Retryable(f"{path}: {there} bytes are there, not {offset}; FTP can't resume, start from zero")

    async def _size_or_zero(self, path: str) -> int:
        try:
            return (await self.stat(path)).stamp.size_bytes
        except NotThere:
            return 0

    async def _need_folder(self, path: str, exc: GatewayError) -> None:
        """Raises NotThere if the folder of `path` is what is missing."""
        folder = parent(self._at(path))
        if folder and not await self._call(path, partial(look.is_folder, self._control, folder)):
            raise NotThere(f"{exc}; its folder is missing or can't be entered; {look.FOLDER_REMEDY}") from exc

    async def rename(self, source: str, target: str) -> None:
        """RNFR, RNTO."""
        what = f"{source} -> {target}"
        try:
            await self._call(what, partial(self._control.rename_once, self._at(source), self._at(target)))
        except (PathRefused, NeedsOperator) as exc:
            await self.stat(source)  # says NotThere if that is the reason
            await self._need_folder(target, exc)
            if await self._stands(target):
                self._features = look.without_replace(self._features)
                raise AlreadyThere(f"{exc}; something stands there") from exc
            raise exc

    async def rename_noreplace(self, source: str, target: str) -> None:
        """Looks, then renames: FTP has no better, so `features.rename_noreplace` is False."""
        if await self._stands(target):
            raise AlreadyThere(f"{target}: something stands there")
        await self.rename(source, target)

    async def _stands(self, path: str) -> bool:
        try:
            await self.stat(path)
        except NotThere:
            return False
        return True

    async def remove(self, path: str) -> None:
        """DELE."""
        await self._change(path, f"DELE {self._at(path)}")

    async def mkdir(self, path: str) -> None:
        """MKD; once more where nothing explains a refusal: somebody else may have made its folder just now."""
        try:
            await self._make(path)
        except (PathRefused, NeedsOperator):
            await self._make(path)

    async def _make(self, path: str) -> None:
        try:
            await self._call(path, partial(self._control.voidcmd, f"MKD {self._at(path)}"))
        except (PathRefused, NeedsOperator) as exc:
            await self._need_folder(path, exc)
            if await self._stands(path):
                raise AlreadyThere(f"{path}: something stands there") from exc
            raise exc

    async def rmdir(self, path: str) -> None:
        """RMD."""
        await self._change(path, f"RMD {self._at(path)}")

    async def _change(self, path: str, command: str) -> None:
        try:
            await self._call(path, partial(self._control.voidcmd, command))
        except (PathRefused, NeedsOperator) as exc:
            await self.stat(path)  # says NotThere if that is the reason
            raise exc

    async def set_mtime(self, path: str, mtime_ns: int) -> bool:
        """MFMT, or MDTM where that is what the server takes."""
        return await self._call(path, partial(self._control.set_time, self._at(path), mtime_ns))

    async def let_run(self, path: str, *, allowed: bool = True) -> bool:
        """SITE CHMOD, where the server knows it; listings don't tell of it in any form that all servers share."""
        line = f"SITE CHMOD {755 if allowed else 644} {self._at(path)}"
        return (await self._call(path, partial(self._control.reply, line))).startswith("2")

    async def remote_hash(self, path: str, algorithm: str, *, first_bytes: int | None = None) -> str | None:
        """HASH, or one of the X… commands, where FEAT told of them; whole files only."""
        if first_bytes is not None:
            return None
        for command in hash_commands(self._control.features, algorithm):
            reply = await self._call(path, partial(self._control.reply, command.format(path=self._at(path))))
            if (digest := read_hash(reply, algorithm)) is not None:
                return digest
        return None

    async def raw(self, line: str) -> str:
        """The reply, whatever its code; transfers stay binary."""
        reply = await self._call(line, partial(self._control.reply, line))
        await self._call("TYPE I", partial(self._control.voidcmd, "TYPE I"))
        return reply

    async def close(self) -> None:
        """QUIT, bounded."""
        await self._session.close()


def _features(session: FtpSession) -> Features:
    told = session.control.features
    listed = "MLST" in told or "MLSD" in told
    hashes = {name for name in ("sha256", "sha1", "md5", "crc32") if hash_commands(told, name)}
    return Features(
        atomic_replace="windows" not in session.control.system.lower(),
        rename_noreplace=False,
        append=True,
        resume="REST" in told,
        set_mtime=session.control.time_verb is not None,
        fsync=False,
        remote_hash=frozenset(hashes),
        raw=True,
        mtime_precision_ns=_SECOND_NS,
        hides_dot_names=not listed,
        missing_folder_is_empty=not session.control.home,
    )


async def open_ftp(place: Place) -> FtpEndpoint:
    """Log in.  Raises HostKeyRefused, LoginRefused, PeerBusy, LinkLost or NeedsOperator."""
    session = FtpSession(place)
    await session.open()
    return FtpEndpoint(session)
