"""The data channel of an FTP upload: 226 only for a clean end, after the file is durable under its name.

Where the end is clean: under TLS, at the close_notify alert.  Without, the end of the stream is all that FTP has, and
a killed client makes one, too: then the size that an ALLO announced decides; without one, a moment is waited for
the control connection to end or to say ABOR.  Partners with a choice should use TLS or SFTP.
"""

import logging
import re
import socket
from typing import Any

from OpenSSL import SSL
from pyftpdlib.exceptions import _RetryError
from pyftpdlib.handlers import DTPHandler, TLS_DTPHandler
from pyftpdlib.handlers.ftp.dispatchers import PassiveDTP

from gateway.inbound.landing import Landing
from gateway.inbound.reading import Reading

log = logging.getLogger("pyftpdlib")
_ABORT = re.compile(rb"(?:^|\n|[^\w\r\n ])ABOR\r?\n", re.IGNORECASE)
_PEEKED_BYTES = 512
# A killed process closes its two connections at once; the second end can be this much behind the first.
_MOMENT_S = 0.05


class Upload(DTPHandler):  # type: ignore[misc]  # pyftpdlib has no types
    """Receives into a Landing; settles it before the answer is sent."""

    ended_clean = False
    _resp: tuple[object, ...]

    def __init__(self, sock: socket.socket, cmd_channel: Any) -> None:
        super().__init__(sock, cmd_channel)
        waiting = cmd_channel._in_dtp_queue
        if not self.connected and waiting is not None:
            # Reset before it was accepted; the library drops the connection and leaves the client without an answer.
            cmd_channel._in_dtp_queue = None
            waiting[0].close()
            cmd_channel.respond("426 Connection closed before the start; nothing was stored.")

    def recv(self, buffer_size: int) -> bytes:
        """The library takes a reset connection for the end of the file; here it is a cut."""
        try:
            data: bytes = self.socket.recv(buffer_size)
        except (SSL.WantReadError, SSL.WantWriteError):
            raise  # the TLS layer above waits
        except SSL.ZeroReturnError:
            return self._ended(clean=True)
        except (BlockingIOError, InterruptedError) as problem:
            raise _RetryError from problem
        except (SSL.Error, OSError):
            return self._ended(clean=False)
        return data or self._end_of_stream()

    def _end_of_stream(self) -> bytes:
        expected = self.cmd_channel.announced_bytes
        if expected is not None:
            return self._ended(clean=self.tot_bytes_received >= expected)
        self.del_channel()
        self.call_later(_MOMENT_S, self._decide)
        raise _RetryError

    def _decide(self) -> None:
        self._ended(clean=not self._control_is_over())

    def _ended(self, *, clean: bool) -> bytes:
        self.ended_clean = clean
        self.handle_close()
        return b""

    def _control_is_over(self) -> bool:
        """True if the client is gone or has asked to abort, as far as its words have come in."""
        with socket.fromfd(self.cmd_channel.socket.fileno(), socket.AF_INET, socket.SOCK_STREAM) as control:
            try:
                waiting = control.recv(_PEEKED_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            except BlockingIOError:
                return False
            except OSError:
                return True
        return not waiting or _ABORT.search(waiting) is not None

    def close(self) -> None:
        ends = not self._closed
        if ends and isinstance(self.file_obj, Landing):
            self._settle(self.file_obj)
        super().close()
        if ends and isinstance(self.file_obj, Reading):
            self.cmd_channel.visit.fetched(self.file_obj, is_clean=self.transfer_finished)

    def _settle(self, upload: Landing) -> None:
        self.transfer_finished = False
        if not self.ended_clean:
            upload.abandon()
            self.cmd_channel.visit.cut(upload)
            if self._resp and str(self._resp[0]).startswith("226"):
                self._resp = ("426 Connection closed before the end; nothing was stored.", log.info)
            return
        try:
            upload.commit()
            self.transfer_finished = True
            self.cmd_channel.visit.landed(upload)
        except OSError as problem:
            self.cmd_channel.visit.cut(upload, problem)
            self._resp = (f"451 {problem.strerror}; nothing was stored.", log.warning)


class Passive(PassiveDTP):  # type: ignore[misc]  # pyftpdlib has no types
    """Waits for a data connection."""

    def handle_accepted(self, sock: socket.socket, addr: tuple[str, int]) -> None:
        if not self.cmd_channel.connected:
            sock.close()  # the library forgets it when the client has gone meanwhile
        super().handle_accepted(sock, addr)


class TlsUpload(TLS_DTPHandler, Upload):  # type: ignore[misc]  # pyftpdlib has no types
    """The same under TLS, where a missing close_notify is a cut."""

    def close(self) -> None:
        if self.receive and not self.ended_clean:
            # With a client that has gone the library would wait for its TLS goodbye for ever.
            self._ssl_established = False
        super().close()
