"""The embedded FTP server (pyftpdlib): a thread that listens, and one for each session."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from pyftpdlib.exceptions import AuthenticationFailed
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.ioloop import AsyncChat, IOLoop

from gateway.config.kinds import listen_address, port_range
from gateway.config.schema import FtpListen
from gateway.core.errors import NeedsOperator
from gateway.inbound.accounts import Accounts
from gateway.inbound.ftp_files import ConfinedFS
from gateway.inbound.ftp_session import PlainSession, TlsSession
from gateway.inbound.ftp_threads import Listener
from gateway.inbound.ftp_tls import Identity
from gateway.inbound.ftp_uploads import Passive
from gateway.inbound.visits import Refusals
from gateway.ledger.partner_files import Act

# Without CHMOD: what partners may read is the operator's affair.
_PERMISSIONS = "elradfmwT"
_END_TIMEOUT_S = 10
logging.getLogger("pyftpdlib").addHandler(logging.NullHandler())  # else the library prints to stderr by itself


class FtpServer:
    """Listens on one address; `start` and `stop` are for the gateway's loop, the rest runs on threads of its own."""

    def __init__(
        self,
        settings: FtpListen,
        accounts: Accounts,
        root: Path,
        landed: Callable[[str], None],
        refusals: Refusals,
        note: Callable[[Act], None],
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._root = root
        self._landed = landed
        self._refusals = refusals
        self._note = note
        self._identity: Identity | None = None
        self._thread: threading.Thread | None = None
        self._listener: Listener | None = None
        self._waker: _Waker | None = None
        self._address: tuple[str, int] | None = None
        self._is_stopping = False

    @property
    def address(self) -> tuple[str, int] | None:
        """Where it listens, None while it doesn't."""
        return self._address

    async def start(self) -> None:
        """Raises NeedsOperator if the address or the certificate can't be used."""
        loop = IOLoop()
        try:
            listener = await asyncio.to_thread(self._listen, loop)
            self._waker = _Waker(loop)
        except BaseException:
            loop.close()
            raise
        self._listener, self._address = listener, listener.address
        self._is_stopping = False
        self._thread = threading.Thread(target=self._serve, args=(loop,), name="ftp-server", daemon=True)
        self._thread.start()

    def renew_certificate(self) -> None:
        """Show a certificate that was renewed to new sessions (blocks)."""
        if self._identity is not None:
            self._identity.renew()

    async def stop(self) -> None:
        """Close every connection; uploads that are not finished are gone when it returns."""
        if self._thread is None or self._waker is None or self._listener is None:
            return
        self._is_stopping = True
        self._waker.wake()
        await asyncio.to_thread(self._thread.join, _END_TIMEOUT_S)
        await asyncio.to_thread(self._listener.end_sessions, _END_TIMEOUT_S)
        self._thread, self._address = None, None

    def _serve(self, loop: IOLoop) -> None:
        try:
            soonest_s = None
            while not self._is_stopping:
                loop.poll(soonest_s)
                soonest_s = loop.sched.poll()
        finally:
            loop.close()

    def _listen(self, loop: IOLoop) -> Listener:
        host, port = listen_address(self._settings.listen)
        handler = self._handler()
        try:
            listener = Listener((host or None, port), handler, ioloop=loop)
        except OSError as problem:
            raise NeedsOperator(
                f"the FTP server can't listen on {self._settings.listen}: {problem.strerror or problem}; "
                "stop the program that does, or change [inbound.ftp] listen"
            ) from problem
        listener.max_sessions = self._settings.max_connections
        return listener

    def _handler(self) -> type[FTPHandler]:
        """A class of its own for this listener: the library keeps its settings on the class."""
        settings = self._settings
        values: dict[str, object] = {
            "passive_dtp": Passive,
            "authorizer": _Authorizer(self._accounts),
            "abstracted_fs": ConfinedFS,
            "banner": "gateway ready.",
            "timeout": int(settings.idle_timeout.total_seconds()),
            "passive_ports": list(port_range(settings.passive_ports)) if settings.passive_ports else None,
            "masquerade_address": settings.public_address,
            "report_landed": staticmethod(self._landed),
            "refusals": self._refusals,
            "note": staticmethod(self._note),
        }
        if settings.tls is None:
            return type("PlainListenerHandler", (PlainSession,), values)
        self._identity = values["identity"] = Identity(settings.tls, self._root)
        return type("TlsListenerHandler", (TlsSession,), values)


class _Authorizer:
    """Answers the library's questions from the configured accounts."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._one_at_a_time = threading.Lock()
        """A password takes 64 MiB."""

    def validate_authentication(self, username: str, password: str, handler: object) -> None:  # noqa: ARG002
        with self._one_at_a_time:
            account = self._accounts.by_password(username, password)
        if account is None:
            raise AuthenticationFailed("Authentication failed.")

    def get_home_dir(self, username: str) -> str:
        return str(self._accounts.get(username).root)

    def has_perm(self, username: str, perm: str, path: str | None = None) -> bool:  # noqa: ARG002
        return perm in _PERMISSIONS

    def get_perms(self, username: str) -> str:  # noqa: ARG002
        return _PERMISSIONS

    def get_msg_login(self, username: str) -> str:  # noqa: ARG002
        return "Login successful."

    def get_msg_quit(self, username: str) -> str:  # noqa: ARG002
        return "Goodbye."

    def impersonate_user(self, username: str, password: str) -> None:
        """Everything happens as the gateway's own user."""

    def terminate_impersonation(self, username: str) -> None:
        """Nothing to give back."""


class _Waker(AsyncChat):  # type: ignore[misc]  # pyftpdlib has no types
    """Ends the wait of the loop from another thread."""

    def __init__(self, loop: IOLoop) -> None:
        self._far_end, near_end = socket.socketpair()
        near_end.setblocking(False)
        super().__init__(near_end, ioloop=loop)

    def wake(self) -> None:
        self._far_end.send(b"!")

    def readable(self) -> bool:
        return True

    def handle_read_event(self) -> None:
        self.socket.recv(64)

    def close(self) -> None:
        super().close()
        self._far_end.close()
