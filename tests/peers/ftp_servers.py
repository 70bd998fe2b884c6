"""pyftpdlib on loopback, in a thread of its own with a loop of its own; hostile ones hand in their handler."""

import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.certificates import make_certificate
from tests.peers.vsftpd import PASSWORD, FtpPeer

with warnings.catch_warnings():  # on Python 3.11 pyftpdlib uses asyncore, which warns when it is imported
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
    from pyftpdlib.handlers.ftp.dispatchers import PassiveDTP
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

USER = "partner"


class _TidyPassive(PassiveDTP):
    """Remembers its connections: pyftpdlib forgets one that comes when its control connection has gone."""

    def handle_accepted(self, sock: socket.socket, addr: tuple[str, int]) -> None:
        self.cmd_channel.server.accepted.append(sock)
        super().handle_accepted(sock, addr)


class _QuietServer(FTPServer):
    """One that can be stopped from another thread; at its end nothing is left open, whatever a handler has done."""

    def __init__(self, *arguments: object, **more: object) -> None:
        self.accepted: list[socket.socket] = []
        super().__init__(*arguments, **more)

    def handle_accepted(self, sock: socket.socket, addr: tuple[str, int]) -> object:
        self.accepted = [one for one in self.accepted if one.fileno() >= 0] + [sock]
        return super().handle_accepted(sock, addr)

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.ioloop.loop(timeout=0.02, blocking=False)
        self.close_all()
        self.ioloop.close()
        for sock in self.accepted:
            sock.close()


def _handler(base: type[FTPHandler], folder: Path, certificate: Path | None) -> type[FTPHandler]:
    """A subclass of its own: pyftpdlib's options are class attributes."""
    authorizer = DummyAuthorizer()
    authorizer.add_user(USER, PASSWORD, str(folder), perm="elradfmwMT")
    options: dict[str, object] = {"authorizer": authorizer, "auth_failed_timeout": 0, "use_gmt_times": True}
    options["passive_dtp"] = _TidyPassive
    if certificate is not None:
        options |= {"certfile": str(certificate), "tls_control_required": True, "tls_data_required": True}
    return type("Handler", (base,), options)


@contextmanager
def pyftpd(
    work: Path,
    *,
    tls: bool = False,
    handler: type[FTPHandler] | None = None,
    name: str = "localhost",
    days: int = 30,
) -> Iterator[FtpPeer]:
    """An FTP server whose account is confined to `work/files`, which it sees as `/`.

    `name` and `days` are its certificate's.
    """
    folder = work / "files"
    folder.mkdir(parents=True, exist_ok=True)
    certificate = make_certificate(work, name, days) if tls else None
    base = handler or (TLS_FTPHandler if tls else FTPHandler)
    made = _handler(base, folder, certificate.file if certificate else None)
    server = _QuietServer(("127.0.0.1", 0), made, ioloop=IOLoop())
    stop = threading.Event()
    thread = threading.Thread(target=server.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield FtpPeer(server.address[1], folder, "/", certificate.text if certificate else None, USER)
    finally:
        stop.set()
        thread.join(100)
