"""A thread and an event loop for each FTP session: one whose folder hangs holds up no other.

The library serves all sessions in one thread, or hands a session over after its first words, its timers left behind;
so here a session lives in its own thread from the first byte to the last.
"""

import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic, sleep
from typing import Any

import structlog
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from gateway.inbound.crowd import has_room

log = structlog.get_logger(__name__)

_TURN_S = 1.0
_LEAVING_S = 0.1
"""A session that its client saw end may take so long to be gone."""
HANGS_S = 5.0
"""A session that did not come back to its loop for so long hangs."""
MOST_HUNG = 4
"""Sessions of one partner that may hang before the next one is turned away."""


class Listener(FTPServer):  # type: ignore[misc]  # pyftpdlib has no types
    """Accepts, and counts sessions; the library counts sockets."""

    max_sessions = 0

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._sessions: list[Session] = []
        self._admitting = threading.Lock()

    def handle_accepted(self, sock: socket.socket, addr: tuple[str, int]) -> None:
        self._sessions = [one for one in self._sessions if one.is_alive()]
        session = Session(self, sock, addr[0])
        self._sessions.append(session)
        try:
            session.start()
        except RuntimeError as exc:
            self._sessions.remove(session)
            sock.close()
            log.error("no thread for an FTP session, which is turned away", error=str(exc))

    def _accept_new_cons(self) -> bool:
        """Asked by the library before a data connection: who was let in may have one."""
        return True

    def admits(self, session: "Session") -> bool:
        """There is room for it; those that hang take none."""
        end_s = monotonic() + _LEAVING_S
        while not session.is_admitted and monotonic() < end_s:
            with self._admitting:
                there = [one for one in self._sessions if one.is_admitted and one.is_alive() and not one.hangs]
                waiting = [None if one.user else one.address for one in there]
                session.is_admitted = has_room(self.max_sessions, session.address, waiting)
            if not session.is_admitted:
                sleep(_LEAVING_S / 10)
        return session.is_admitted

    def hangs(self, user: str) -> bool:
        """So many sessions of this partner hang that the next one would, too."""
        return sum(one.user == user for one in self._hung()) >= MOST_HUNG

    def _hung(self) -> "Sequence[Session]":
        return [one for one in self._sessions if one.hangs]

    def end_sessions(self, within_s: float) -> None:
        """End all, and return once they have ended; those that hang are not waited for.  From any thread."""
        end_s = monotonic() + within_s
        for one in self._sessions:
            one.stop()
        for one in self._sessions:
            while one.is_alive() and not one.hangs and monotonic() < end_s:
                one.join(0.1)


class Session(threading.Thread):
    """One session from its first byte to its last."""

    def __init__(self, listener: Listener, sock: socket.socket, address: str) -> None:
        super().__init__(name="ftp-session", daemon=True)
        self.address = address
        self._listener = listener
        self._sock = sock
        self._handler: Any = None
        self.is_admitted = False
        self._is_stopping = False
        self._back_s = monotonic()

    @property
    def user(self) -> str:
        """Who was let in; nobody while it is empty."""
        handler = self._handler
        return handler.username if handler is not None and handler.authenticated else ""

    @property
    def hangs(self) -> bool:
        """It has been in one call on its partner's folder for long.  Before the login there is none."""
        return bool(self.user) and monotonic() - self._back_s >= HANGS_S and self.is_alive()

    def stop(self) -> None:
        """End it at the next turn, which is now unless it hangs; what it receives is cut.  From any thread."""
        self._is_stopping = True
        with suppress(OSError):  # it has ended
            self._sock.shutdown(socket.SHUT_RD)

    def run(self) -> None:
        """In the thread."""
        loop = IOLoop()
        try:
            handler = self._begin(loop)
            soonest_s: float | None = None
            while not handler._closed and not self._is_stopping:
                self._back_s = monotonic()
                loop.poll(_TURN_S if soonest_s is None else min(soonest_s, _TURN_S))
                soonest_s = loop.sched.poll()
        except Exception:  # one session's fault is its own
            log.exception("an FTP session failed")
        finally:
            (self._sock if self._handler is None else self._handler).close()
            loop.sched.poll()  # what its end left to be told
            loop.close()

    def _begin(self, loop: IOLoop) -> Any:
        """As the library does it for an accepted connection."""
        handler = self._handler = self._listener.handler(self._sock, self._listener, ioloop=loop)
        if handler.connected:
            (handler.handle if self._listener.admits(self) else handler.handle_max_cons)()
        return handler
