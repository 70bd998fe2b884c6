"""One SSH connection with an SFTP channel on it: deadlines, limits, commands, the end.  Knows nothing of files."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

import asyncssh

from gateway.core.errors import GatewayError, LinkLost, NeedsOperator, Retryable
from gateway.endpoints.base import Ran
from gateway.endpoints.place import Place
from gateway.endpoints.session import within
from gateway.endpoints.sftp_calls import SftpCalls
from gateway.endpoints.sftp_errors import sftp_errors
from gateway.endpoints.sftp_login import connect

T = TypeVar("T")

BLOCK_BYTES = 255 * 1024  # what OpenSSH takes; a bigger message ends the connection there
_BLOCK_BYTES_UNTOLD = 32 * 1024  # what every server must take
EXTENSIONS = ("posix_rename", "statvfs", "hardlink", "fsync", "lsetstat", "limits", "copy_data")
_TAIL_BYTES = 64 * 1024
_CLOSE_S = 3.0


@dataclass(frozen=True, slots=True)
class Announced:
    """What the server said at the start; None where it limits nothing or tells no limits."""

    extensions: frozenset[str]
    read_bytes: int | None = None
    write_bytes: int | None = None


class SftpSession:
    """A logged-in connection and its one SFTP channel."""

    def __init__(
        self, place: Place, connection: asyncssh.SSHClientConnection, client: SftpCalls, announced: Announced
    ) -> None:
        self.place = place
        self.connection = connection
        self.client = client
        self.announced = announced
        self._broken = False
        self._loose: set[asyncio.Task[None]] = set()

    @property
    def usable(self) -> bool:
        """False once the link is gone or a call was left without its answer."""
        return not self._broken and not self.connection.is_closed()

    def supports(self, extension: str) -> bool:
        """True if the server announced it: posix_rename, fsync, statvfs, hardlink, limits."""
        return extension in self.announced.extensions

    @property
    def read_bytes(self) -> int:
        """The size of one read; a short answer is completed, so asking for much is safe."""
        return min(self.announced.read_bytes or BLOCK_BYTES, BLOCK_BYTES, self.place.smooth_bytes or BLOCK_BYTES)

    @property
    def eager(self) -> bool:
        """False where what is read ahead would come in front of its budget."""
        return self.place.smooth_bytes is None

    @property
    def write_bytes(self) -> int:
        """The size of one write."""
        told = self.announced.write_bytes
        return min(told, BLOCK_BYTES) if told else _BLOCK_BYTES_UNTOLD

    async def call(self, what: str, answer: Awaitable[T]) -> T:
        """The answer within `call_timeout`, errors turned into ours."""
        try:
            with sftp_errors(what):
                async with within(self.place.call_timeout_s, what):
                    return await answer
        except LinkLost:
            self.broken()
            raise

    def broken(self) -> None:
        """Not to be used again."""
        self._broken = True

    def let_go(self, work: Awaitable[None]) -> None:
        """Let `work` end by itself, bounded; its failure changes nothing any more."""

        async def bounded() -> None:
            try:
                async with asyncio.timeout(_CLOSE_S):
                    await work
            except (asyncssh.Error, OSError, TimeoutError):
                self._broken = True

        task = asyncio.ensure_future(bounded())
        self._loose.add(task)
        task.add_done_callback(self._loose.discard)

    async def run(self, command: str, timeout_s: float) -> Ran:
        """Run a command line in the peer's shell, input empty, both outputs together."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._run(command)
        except TimeoutError as exc:
            raise Retryable(
                f"{self.place.name}: {command}: did not end within {timeout_s:g} s; it may still run there: "
                f"look before running it again, or raise Timeout"
            ) from exc
        except asyncssh.ChannelOpenError as exc:
            if self.connection.is_closed():
                raise LinkLost(f"{self.place.name}: {command}: {exc}") from exc
            raise NeedsOperator(
                f"{self.place.name}: {command}: the server opens no channel for commands: {exc}; ask for shell access"
            ) from exc
        except (asyncssh.Error, OSError) as exc:
            raise LinkLost(f"{self.place.name}: {command}: {exc or type(exc).__name__}") from exc

    async def _run(self, command: str) -> Ran:
        process = await self.connection.create_process(
            command.encode("utf-8", "surrogateescape"), stdin=asyncssh.DEVNULL, stderr=asyncssh.STDOUT, encoding=None
        )
        tail = bytearray()
        try:
            while block := await process.stdout.read(_TAIL_BYTES):
                tail += block
                del tail[:-_TAIL_BYTES]
            await process.wait_closed()
        finally:
            process.close()
        return Ran(self._code(process, command), tail.decode("utf-8", "replace"))

    def _code(self, process: asyncssh.SSHClientProcess[bytes], command: str) -> int:
        if process.returncode is None:
            raise LinkLost(f"{self.place.name}: {command}: the connection ended before the command's exit code came")
        return process.returncode

    async def close(self) -> None:
        """Say good-bye, wait a few seconds at most, then hang up."""
        self._broken = True
        self.client.exit()
        self.connection.close()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await asyncio.gather(*self._loose, return_exceptions=True)
                await self.connection.wait_closed()
        except (TimeoutError, asyncssh.Error, OSError):
            pass  # the good-bye was not answered
        finally:
            self.connection.abort()


async def open_session(place: Place) -> SftpSession:
    """Connect, log in, start SFTP.  Raises HostKeyRefused, LoginRefused, PeerBusy, LinkLost or NeedsOperator."""
    connection = await connect(place)
    try:
        client = await started(place, connection.start_sftp_client(path_errors="surrogateescape"))
        return SftpSession(place, connection, client, _announced(client))
    except BaseException:
        connection.abort()
        raise


async def started(place: Place, starting: Awaitable[T]) -> T:
    """What `starting` gives within `connect_timeout`, errors turned into ours."""
    what = f"{place.name} ({place.address}): starting SFTP"
    try:
        with sftp_errors(what):
            async with within(place.connect_timeout_s, what):
                return await starting
    except GatewayError as exc:
        cause, link_gone = exc.__cause__, asyncssh.OPEN_CONNECT_FAILED
        if isinstance(cause, asyncssh.ChannelOpenError) and cause.code != link_gone:
            raise NeedsOperator(f"{what}: {exc.__cause__}; this account gives no SFTP") from exc
        raise


def _announced(client: asyncssh.SFTPClient) -> Announced:
    handler = client._handler  # asyncssh shows nowhere else what the server announced
    extensions = frozenset(name for name in EXTENSIONS if getattr(handler, f"_supports_{name}", False))
    if "limits" not in extensions:
        return Announced(extensions)
    return Announced(extensions, client.limits.max_read_len or None, client.limits.max_write_len or None)
