"""FTP servers that misbehave, each named for its crime."""

import socket
import threading
import warnings
from typing import Any, ClassVar

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.handlers import DTPHandler, FTPHandler


class WrongAddress(FTPHandler):
    """Names a private address for the data connection, as servers behind NAT do."""

    masquerade_address = "10.255.255.1"


class TooManyUsers(FTPHandler):
    """Answers a right password with 530, meaning that it is busy."""

    def handle_auth_success(self, home: str, password: str, message: str) -> None:
        self.respond("530 Sorry, too many users are logged in already.")


class BusyAtTheDoor(FTPHandler):
    """Answers the connection itself with 421."""

    def handle(self) -> None:
        self.respond("421 Too many connections. Service temporarily unavailable.")
        self.close_when_done()


class ListOnly(FTPHandler):
    """An old server: no MLSD, no MLST, no MFMT, no MDTM."""

    proto_cmds: ClassVar[dict[str, Any]] = {
        name: facts
        for name, facts in FTPHandler.proto_cmds.items()
        if name not in ("MLSD", "MLST", "MFMT", "MDTM", "SITE CHMOD")
    }


class NoSize(ListOnly):
    """Older still: no SIZE."""

    proto_cmds: ClassVar[dict[str, Any]] = {
        name: facts for name, facts in ListOnly.proto_cmds.items() if name != "SIZE"
    }


class NeverAnswersSize(ListOnly):
    """Speaks, but a SIZE is never answered."""

    def ftp_SIZE(self, path: str) -> None:
        return None


class NoRoom(FTPHandler):
    """Has no room for uploads."""

    def ftp_STOR(self, file: str, mode: str = "w") -> None:
        self.respond("452 Requested action not taken. Insufficient storage space in system.")


class RunsOutOfRoom(FTPHandler):
    """Has no room any more after a part of the file."""

    class dtp_handler(DTPHandler):
        def handle_read(self) -> None:
            super().handle_read()
            if self.tot_bytes_received > 300_000 and not self._closed:
                self._resp = ("552 Requested file action aborted. Exceeded storage allocation.", None)
                self.transfer_finished = False
                self.close()

        handle_read_event = handle_read


class ForgetsTheLastWord(FTPHandler):
    """Takes the whole file, then the control line dies before its 226."""

    def respond(self, resp: str, logfun: Any = None) -> None:
        if resp.startswith("226"):
            self.socket.shutdown(socket.SHUT_RDWR)
            return
        super().respond(resp)


class LosesTheEnd(FTPHandler):
    """Keeps a part of the file, then the control line dies."""

    class dtp_handler(DTPHandler):
        def handle_read(self) -> None:
            super().handle_read()
            if self.tot_bytes_received > 300_000 and not self._closed:
                self.cmd_channel.close()
                self.close()

        handle_read_event = handle_read


class Trickles(FTPHandler):
    """Hands out a file one byte at a time."""

    class dtp_handler(DTPHandler):
        def use_sendfile(self) -> bool:
            return False

        def send(self, data: bytes) -> int:
            threading.Event().wait(0.05)
            return int(super().send(data[:1]))


class StopsTaking(FTPHandler):
    """Takes a part of the file, then no more of it, and says nothing."""

    class dtp_handler(DTPHandler):
        def handle_read(self) -> None:
            super().handle_read()
            if self.tot_bytes_received > 300_000 and not self._closed:
                self.ioloop.unregister(self._fileno)

        handle_read_event = handle_read


class RefusesReplace(FTPHandler):
    """Renames only where nothing stands, as servers on Windows do."""

    def ftp_RNTO(self, path: str) -> object:
        if self.fs.lexists(path):
            self.respond("550 File already exists.")
            return None
        return super().ftp_RNTO(path)
