"""The embedded SFTP server (asyncssh): password and key logins, each account in its own room."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncssh
from asyncssh.channel import SSHChannel
from asyncssh.stream import SSHServerStreamSession

from gateway.config.kinds import listen_address
from gateway.config.schema import SftpListen
from gateway.core.errors import NeedsOperator
from gateway.inbound.accounts import Accounts
from gateway.inbound.confine import Room
from gateway.inbound.crowd import has_room
from gateway.inbound.sftp_files import ConfinedSFTP
from gateway.inbound.sftp_key import HostKey
from gateway.inbound.sftp_requests import Requests
from gateway.inbound.visits import Refusals, Tried, Visit
from gateway.ledger.partner_files import Act

_THREADS = 16
_LOGIN_THREADS = 4  # each takes a core and 64 MiB while it looks at a password
_LOGIN_TIMEOUT_S = 30
_MOST_PASSWORDS = 3  # of one connection, as over FTP
REFUSED_AFTER_S = 3.0  # likewise
_END_TIMEOUT_S = 10
_OVER = "sftp"


_wait = asyncio.sleep


class SftpServer:
    """Listens, lets accounts in, and knows which sessions are open."""

    def __init__(
        self,
        settings: SftpListen,
        accounts: Accounts,
        root: Path,
        state: Path,
        landed: Callable[[str], None],
        refusals: Refusals,
        note: Callable[[Act], None],
    ) -> None:
        self.settings = settings
        self.accounts = accounts
        self.landed = landed
        self.refusals = refusals
        self.note = note
        self.executor = ThreadPoolExecutor(_LOGIN_THREADS, "sftp-logins")
        self._for_files: dict[str, ThreadPoolExecutor] = {}
        self.connections: set[Door] = set()
        self.sessions: set[asyncio.Task[None]] = set()
        self.key = HostKey(settings, root, state)
        self._listener: asyncssh.SSHAcceptor | None = None

    @property
    def address(self) -> tuple[str, int] | None:
        """Where it listens, None while it doesn't."""
        if self._listener is None:
            return None
        host, port = self._listener.get_addresses()[0][:2]
        return str(host), int(port)

    async def start(self) -> None:
        """Raises NeedsOperator if the address or the host key can't be used."""
        host, port = listen_address(self.settings.listen)
        key = await asyncio.to_thread(self.key.take)
        try:
            self._listener = await asyncssh.listen(
                host,
                port,
                server_factory=lambda: Door(self),
                server_host_keys=[key],
                login_timeout=_LOGIN_TIMEOUT_S,
                keepalive_interval=30,
                encoding=None,
                line_editor=False,
                allow_scp=False,
                agent_forwarding=False,
                x11_forwarding=False,
                server_version="gateway",
            )
        except OSError as problem:
            raise NeedsOperator(
                f"the SFTP server can't listen on {self.settings.listen}: {problem.strerror or problem}; "
                "stop the program that does, or change [inbound.sftp] listen"
            ) from problem

    async def stop(self) -> None:
        """Close every connection; uploads that are not finished are gone when it returns, but for those that hang."""
        if self._listener is not None:
            self._listener.close()
            await self._listener.wait_closed()
            self._listener = None
        for door in tuple(self.connections):
            door.abort()
        if self.sessions:
            await asyncio.wait(tuple(self.sessions), timeout=_END_TIMEOUT_S)
        for threads in (self.executor, *self._for_files.values()):
            threads.shutdown(wait=False)

    def threads_of(self, user: str) -> ThreadPoolExecutor:
        """For the files of one account: where its folder hangs, so do these, and no other's."""
        if user not in self._for_files:
            self._for_files[user] = ThreadPoolExecutor(_THREADS, f"sftp-files-{user}")
        return self._for_files[user]


class Door(asyncssh.SSHServer):
    """One connection: counts it, checks who it is, opens SFTP sessions and nothing else."""

    def __init__(self, server: SftpServer) -> None:
        self._server = server
        self._connection: asyncssh.SSHServerConnection | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._used_at = time.monotonic()
        self._tried = Tried()
        self._passwords = 0
        self.visit: Visit | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        address = self._tried.address = str(conn.get_extra_info("peername")[0])
        waiting = [None if one.visit is not None else one._tried.address for one in self._server.connections]
        if not has_room(self._server.settings.max_connections, address, waiting):
            conn.disconnect(asyncssh.DISC_TOO_MANY_CONNECTIONS, "Too many connections; try again later")
            return
        self._server.connections.add(self)
        self._look_whether_idle()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- named by asyncssh
        self._server.connections.discard(self)
        if self._idle is not None:
            self._idle.cancel()
        if self.visit is None and self._tried.methods:
            tried = self._tried
            self._server.refusals.refused(tried.user, tried.address, _OVER, ", ".join(tried.methods), tried.times)

    def auth_completed(self) -> None:
        assert self._connection is not None
        user = str(self._connection.get_extra_info("username"))
        self.visit = Visit(user, self._tried.address, _OVER, self._server.note)
        self.visit.came(self._tried.let_in_by)

    def abort(self) -> None:
        """Cut the connection."""
        if self._connection is not None:
            self._connection.abort()

    def used(self) -> None:
        """The client has said something."""
        self._used_at = time.monotonic()

    def _look_whether_idle(self) -> None:
        limit_s = self._server.settings.idle_timeout.total_seconds()
        left_s = self._used_at + limit_s - time.monotonic()
        if left_s > 0:
            self._idle = asyncio.get_running_loop().call_later(left_s, self._look_whether_idle)
        elif self._connection is not None:
            self._connection.disconnect(asyncssh.DISC_BY_APPLICATION, "Idle for too long")

    def begin_auth(self, username: str) -> bool:
        self._tried.user = username
        return True  # known or not: everybody has to prove who they are

    def password_auth_supported(self) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        assert self._connection is not None
        self._passwords += 1
        if self._passwords > _MOST_PASSWORDS:
            self._connection.disconnect(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "Too many wrong passwords")
            return False
        loop = asyncio.get_running_loop()
        accounts = self._server.accounts
        found = await loop.run_in_executor(self._server.executor, accounts.by_password, username, password)
        is_right = self._tried.noted("password", is_right=found is not None)
        if not is_right:
            await _wait(REFUSED_AFTER_S)
        return is_right

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._tried.noted("key", is_right=self._server.accounts.by_key(username, key) is not None)

    def session_requested(self) -> asyncssh.SSHServerSession[bytes]:
        return Session(self._server, self)


class Session(SSHServerStreamSession[bytes]):
    """Starts our own request handler: asyncssh's closes open files in the same way at a close and at a cut."""

    def __init__(self, server: SftpServer, door: Door) -> None:
        super().__init__(None, self._files)
        self._server = server
        self._door = door

    def _files(self, channel: "SSHChannel[bytes]") -> ConfinedSFTP:
        assert isinstance(channel, asyncssh.SSHServerChannel)
        assert self._door.visit is not None
        account = self._server.accounts.get(self._door.visit.user)
        threads = self._server.threads_of(account.name)
        return ConfinedSFTP(channel, Room(account.root), threads, self._server.landed, self._door.visit)

    def session_started(self) -> None:
        assert self._chan is not None
        self._chan.set_encoding(None)
        self._encoding = None
        files = self._files(self._chan)
        reader, writer = asyncssh.SSHReader[bytes](self, self._chan), asyncssh.SSHWriter[bytes](self, self._chan)
        task = asyncio.get_running_loop().create_task(Requests(files, reader, writer).run())
        self._server.sessions.add(task)
        task.add_done_callback(self._server.sessions.discard)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._door.used()
        super().data_received(data, datatype)
