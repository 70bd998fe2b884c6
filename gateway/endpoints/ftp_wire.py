"""The blocking side of FTP: ftplib with TLS as servers demand it, deadlines, and an end that comes from outside.

Everything here runs in the session's own thread, except `hang_up`.
"""

import ftplib
import socket
import ssl
import time
from collections.abc import Iterable, Iterator

from gateway.config.schema import Scheme
from gateway.core.errors import LinkLost
from gateway.endpoints.dialing import dialed_now
from gateway.endpoints.ftp_lines import Lines
from gateway.endpoints.ftp_listing import show_time
from gateway.endpoints.place import Place

PIECE_BYTES = 256 * 1024
"""So much must be sent, or received, within one call's time."""
_BLOCK_BYTES = 1024 * 1024  # of what has arrived, at once
_RECORD_BYTES = 16 * 1024  # TLS gives no more at once
_GOODBYE_S = 5.0


class Trickle(OSError):
    """The peer sends so slowly that a block was not full in time."""


class Control(ftplib.FTP):
    """One control connection.  Data connections use its TLS session: many servers demand that."""

    encoding = "utf-8"

    def __init__(self, place: Place) -> None:
        super().__init__(encoding="utf-8")
        self._place = place
        self._tls = _context(place) if place.scheme == Scheme.FTPS else None
        self._data: socket.socket | None = None
        self._hung_up = False
        self.timeout = place.call_timeout_s
        self.features: dict[str, str] = {}
        self.home = ""
        self.system = ""
        self.began = 0.0
        """When the exchange that is under way began, by the monotonic clock."""
        self.asked = ""
        """The last command, without what came behind it."""

    def open(self) -> None:
        """Connect, log in, ask what the server can."""
        place = self._place
        self.host, self.port = place.host, place.port
        self.sock = self._connected(place.host, place.port, place.connect_timeout_s)
        self.af = self.sock.family
        keep_alive(self.sock, place.keepalive_s)
        if self._tls and place.tls == "implicit":
            self._secure()
        self._listen()
        self.sock.settimeout(place.call_timeout_s)
        self.welcome = self.getresp()
        if self.welcome[:1] != "2":
            raise ftplib.error_perm(self.welcome)
        if self._tls and place.tls == "explicit":
            self.voidcmd("AUTH TLS")
            self._secure()
            self._listen()
        self._log_in()

    def _connected(self, host: str, port: int, seconds: float) -> socket.socket:
        """A connection, unless somebody has hung up meanwhile: nobody would end this one any more."""
        self.begin()
        made = dialed_now(host, port, seconds)
        if self._hung_up:
            made.close()
            raise ConnectionAbortedError("given up while it was connecting")
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # TLS's goodbye must not wait for an ACK
        return made

    def _log_in(self) -> None:
        self.login(self._place.user, self._place.password or "")
        if self._tls:
            self.voidcmd("PBSZ 0")
            self.voidcmd("PROT P")
        self.features = self._ask_features()
        if "UTF8" in self.features:
            self._try("OPTS UTF8 ON")
        self.voidcmd("TYPE I")
        self.system = self._try("SYST")
        self.home = _quoted(self._try("PWD"))

    def _secure(self) -> None:
        assert self._tls is not None
        assert self.sock is not None
        # The handshake comes after the assignment: until then nobody could hang it up from outside.
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
        self.sock.do_handshake()

    def _listen(self) -> None:
        assert self.sock is not None
        self._said = Lines(self.sock)

    def putline(self, line: str) -> None:
        """Names that are not UTF-8 go out as they came in."""
        if "\r" in line or "\n" in line:
            raise ValueError("a name with a line break can't be sent over FTP")
        assert self.sock is not None
        for told in self._said.unasked():  # some servers say twice that a transfer is complete
            if told.startswith("421"):
                raise ftplib.error_temp(told)
        self.begin()
        self.asked = line.partition(" ")[0]
        self.sock.sendall(f"{line}\r\n".encode("utf-8", "surrogateescape"))

    def getline(self) -> str:
        """A line of an answer."""
        return self._said.next(self.maxline)

    def begin(self) -> None:
        """Something new begins, in the time of one call."""
        self.began = time.monotonic()

    def _ask_features(self) -> dict[str, str]:
        lines = self._try("FEAT").splitlines()[1:-1]
        pairs = (line.strip().partition(" ") for line in lines)
        return {name.upper(): value for name, _, value in pairs if name}

    def _try(self, command: str) -> str:
        """The reply, empty if the server doesn't like the command."""
        try:
            return str(self.sendcmd(command))
        except (ftplib.error_perm, ftplib.error_temp) as exc:
            if str(exc).startswith("421"):
                raise
            return ""

    def reply(self, command: str) -> str:
        """The reply to a command, whatever its code."""
        self.putline(command)
        return str(self.getmultiline())

    def makepasv(self) -> tuple[str, int]:
        """The port is the server's, the address is the one we are connected to: behind NAT servers name others."""
        refusals = []
        for ask in (self._extended,) if self.af == socket.AF_INET6 else (self._passive, self._extended):
            try:
                return self.host, ask()
            except ftplib.error_perm as exc:
                refusals.append(f"{self.asked}: {exc}")
        raise LinkLost(
            f"{self._place.name}: the server lets nobody open a data connection: {', '.join(refusals)}; "
            "have passive mode allowed there: the gateway listens for none itself"
        )

    def _passive(self) -> int:
        return ftplib.parse227(self.sendcmd("PASV"))[1]

    def _extended(self) -> int:
        assert self.sock is not None
        return int(ftplib.parse229(self.sendcmd("EPSV"), self.sock.getpeername())[1])

    def data(self, command: str, offset: int = 0) -> socket.socket:
        """The data connection of a transfer that the server has accepted."""
        _, port = self.makepasv()
        plain = self._data_line(port)
        try:
            self._data = plain
            keep_alive(plain, self._place.keepalive_s)
            if offset:
                self.voidresp_of(f"REST {offset}", "3")
            self.voidresp_of(command, "1")
            return self._secured(plain)
        except BaseException:
            self.drop_data()
            raise

    def _data_line(self, port: int) -> socket.socket:
        assert self.sock is not None
        host = self.sock.getpeername()[0]
        try:
            return self._connected(host, port, self._place.call_timeout_s)
        except OSError as exc:
            remedy = "have the server's passive ports opened to the gateway"
            raise OSError(f"no data connection to {host}:{port} ({exc}): {remedy}") from exc

    def voidresp_of(self, command: str, kind: str) -> None:
        """Send a command whose reply must start with `kind`."""
        reply = self.sendcmd(command)
        if reply[0] != kind:
            raise ftplib.error_reply(reply)

    def _secured(self, plain: socket.socket) -> socket.socket:
        if self._tls is None:
            return plain
        assert isinstance(self.sock, ssl.SSLSocket)
        wrapped = self._tls.wrap_socket(
            plain, server_hostname=self.host, session=self.sock.session, do_handshake_on_connect=False
        )
        self._data = wrapped
        wrapped.do_handshake()
        return wrapped

    def store(self, command: str, blocks: Iterable[bytes], offset: int = 0) -> int:
        """Upload; returns the bytes sent once the data connection is closed.  The reply is still to come."""
        data = self.data(command, offset)
        sent = 0
        try:
            for block in blocks:
                for at in range(0, len(block), PIECE_BYTES):
                    self._send(data, memoryview(block)[at : at + PIECE_BYTES])
                sent += len(block)
            _say_goodbye(data)
        finally:
            self.drop_data()
        return sent

    def _send(self, data: socket.socket, piece: memoryview) -> None:
        """A server that stops taking bytes has said why on the control connection."""
        self.begin()
        try:
            data.sendall(piece)
        except OSError:
            self.drop_data()
            assert self.sock is not None
            self.sock.settimeout(min(_GOODBYE_S, self._place.call_timeout_s))
            try:
                self.voidresp()
            finally:
                self.sock.settimeout(self._place.call_timeout_s)
            raise

    def store_small(self, command: str, data: bytes) -> None:
        """Upload, to the end: the server has said that it has all."""
        self.store(command, (data,))
        self.begin()
        self.voidresp()

    def rename_once(self, source: str, target: str) -> None:
        """RNFR, RNTO."""
        self.voidresp_of(f"RNFR {source}", "3")
        self.voidcmd(f"RNTO {target}")

    @property
    def time_verb(self) -> str | None:
        """What sets a file's time; vsftpd takes a second form of MDTM."""
        if "MFMT" in self.features:
            return "MFMT"
        return "MDTM" if "vsftpd" in f"{self.welcome} {self.system}".lower() else None

    def set_time(self, at: str, mtime_ns: int) -> bool:
        """False if the server refuses, or knows no such command."""
        verb = self.time_verb
        return verb is not None and self.reply(f"{verb} {show_time(mtime_ns)} {at}").startswith("2")

    def retrieve(self, command: str, offset: int = 0) -> Iterator[bytes]:
        """Download in blocks; each must hold a piece, or be the last, within the call's time."""
        data = self.data(command, offset)
        try:
            while block := _receive(data, float(self.timeout or 0)):
                yield block
            _say_goodbye(data)
        finally:
            self.drop_data()

    def listing(self, command: str) -> Iterator[str]:
        """The lines of LIST or MLSD.  A refused listing, too, leaves the session binary."""
        self.voidcmd("TYPE A")
        try:
            yield from self._lines(command)
        except ftplib.Error as exc:
            if not str(exc).startswith("421"):
                self.voidcmd("TYPE I")
            raise
        self.voidcmd("TYPE I")

    def _lines(self, command: str) -> Iterator[str]:
        left = b""
        for block in self.retrieve(command):
            *lines, left = (left + block).split(b"\n")
            yield from (line.decode("utf-8", "surrogateescape").rstrip("\r") for line in lines)
        if left:
            yield left.decode("utf-8", "surrogateescape").rstrip("\r")
        self.voidresp()
        self.voidcmd("TYPE I")

    def drop_data(self) -> None:
        """Close the data connection, whatever its state."""
        if self._data is not None:
            self._data.close()
            self._data = None

    def hang_up(self) -> None:
        """End both connections from any thread: whoever waits on them is woken with an error."""
        self._hung_up = True
        for sock in (self._data, self.sock):
            if sock is not None:
                try:
                    # The plain socket's method: SSLSocket.shutdown pulls the TLS object from under the other thread.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
                except OSError:
                    continue  # not connected any more

    def say_quit(self) -> None:
        """End politely, within a short time."""
        assert self.sock is not None
        self.sock.settimeout(_GOODBYE_S)
        self.quit()


def keep_alive(sock: socket.socket, seconds: float) -> None:
    """TCP keepalive: a NOOP during a transfer would be answered in place of the transfer."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), max(1, int(seconds)))


def _context(place: Place) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=place.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _quoted(reply: str) -> str:
    """The path in a 257 reply, quoted or, as few do, not; empty if there is none."""
    if not reply.startswith("257"):
        return ""
    bare = reply[4:].split(" ")[0]
    return str(ftplib.parse257(reply)) or (bare if bare.startswith("/") else "")


def _receive(data: socket.socket, seconds: float) -> bytes:
    """A piece or more, or what is left before the end."""
    deadline = time.monotonic() + seconds
    data.settimeout(seconds)
    size = _RECORD_BYTES if isinstance(data, ssl.SSLSocket) else _BLOCK_BYTES
    held = bytearray()
    while some := data.recv(size):
        if not held and len(some) >= PIECE_BYTES:
            return some
        held += some
        if len(held) >= PIECE_BYTES:
            break
        left = deadline - time.monotonic()
        if left <= 0:
            raise Trickle(f"only {len(held)} bytes came within {seconds:g} s; raise call_timeout if the line is slow")
        data.settimeout(left)
        size = min(size, PIECE_BYTES)  # the line is slower than we are
    return bytes(held)


def _say_goodbye(data: socket.socket) -> None:
    """TLS: tell that this was all.  The peer's own goodbye may fail to come; its reply says whether all arrived."""
    if isinstance(data, ssl.SSLSocket):
        data.settimeout(_GOODBYE_S)
        try:
            data.unwrap()
        except (OSError, ValueError):
            return
