"""The lines of a control connection, each whole; what came unasked is told apart from what answers a command."""

import ftplib
import select
import socket
import ssl

_AT_ONCE_BYTES = 8192


class Lines:
    """What one socket says."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._held = b""
        self._there = select.poll()
        self._there.register(sock, select.POLLIN)

    def next(self, longest: int) -> str:
        """A line; what is cut before its end is none: half a size is another one.  Raises EOFError, ftplib.Error."""
        while (end := self._held.find(b"\n")) < 0:
            if len(self._held) > longest:
                raise ftplib.Error(f"got more than {longest} bytes")
            some = self._sock.recv(_AT_ONCE_BYTES)
            if not some:
                raise EOFError("the connection ended within an answer" if self._held else "")
            self._held += some
        line, self._held = self._held[:end], self._held[end + 1 :]
        return _text(line)

    def unasked(self) -> list[str]:
        """The lines that have come by now.  Before a command is sent none of them can be its answer."""
        if self._there.poll(0) or (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()):
            self._take_all()
        *lines, self._held = self._held.split(b"\n")
        return [_text(line) for line in lines]

    def _take_all(self) -> None:
        patience = self._sock.gettimeout()
        self._sock.settimeout(0)
        try:
            while some := self._sock.recv(_AT_ONCE_BYTES):
                self._held += some
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        finally:
            self._sock.settimeout(patience)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape").rstrip("\r")
