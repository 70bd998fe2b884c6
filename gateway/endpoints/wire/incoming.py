"""Takes one channel's data off a connection with AES-GCM in place of asyncssh, which copies each byte ten times.

This stands below asyncssh's public face.  Only data for that channel and what its window grows by (a server says so
after every 96 KiB), on a connection that is in no other exchange, are decrypted here; every packet else, and one that
doesn't prove genuine, is handed to asyncssh as it came, which so goes on keeping the keys, the windows, the alarms and
the end.  Between two packets its state is always its own.
"""

import asyncio
from typing import Any

import asyncssh
from asyncssh.encryption import GCMEncryption
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.endpoints.wire.sealed import ADJUST, DATA, HEAD, LENGTH, TAG_BYTES

_READ_BYTES = 256 * 1024
"""Read at once; more would only fall out of the processor's cache."""
_ALIVE_S = 1.0
"""The alarm for a silent server is put off no oftener than this."""


def take_in(connection: asyncssh.SSHClientConnection, channel: "asyncssh.SSHClientChannel[bytes]") -> None:
    """From now on; the channel's session gets memoryviews that end with its call.  Elsewhere than with GCM: nothing."""
    if hasattr(AESGCM, "decrypt_into") and _plain_gcm(_inside(connection)):
        _inside(connection)._transport.set_protocol(Incoming(connection, channel))


def _plain_gcm(connection: Any) -> bool:
    return isinstance(connection._recv_encryption, GCMEncryption) and connection._decompressor is None


def _inside(thing: object) -> Any:
    """What asyncssh keeps to itself."""
    return thing


class Incoming(asyncio.BufferedProtocol):
    """Stands between the transport and the connection."""

    def __init__(self, connection: asyncssh.SSHClientConnection, channel: "asyncssh.SSHClientChannel[bytes]") -> None:
        self._connection = _inside(connection)
        self._channel = _inside(channel)
        self._number = self._channel._recv_chan
        self._packet_bytes = self._connection._max_recv_pktlen + LENGTH.size + TAG_BYTES
        self._view = memoryview(bytearray(2 * self._packet_bytes + _READ_BYTES))
        self._plain = memoryview(bytearray(self._packet_bytes))
        self._start = self._end = self._packet_bytes  # in front is room for what asyncssh gives back
        self._between = False
        """True while asyncssh holds nothing and waits for nothing but the next packet."""
        self._grown = False
        """True while nobody has been told that the server takes more."""
        self._loop = asyncio.get_running_loop()
        self._alive_at = 0.0
        self._encryption: object = None
        self._key = AESGCM(bytes(16))

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """Room for a read; a packet that has begun always fits."""
        return self._view[self._end : self._end + _READ_BYTES]

    def buffer_updated(self, nbytes: int) -> None:
        """Take whole packets out of what has come."""
        self._end += nbytes
        self._alive()
        if not self._between:
            self._take_back()
        while self._between and (size := self._whole()):
            if not self._taken(size):
                self._hand_over(size)
            self._start += size
        if not self._between:
            self._hand_over(self._end - self._start)
            self._end = self._start = self._packet_bytes
        elif self._start > self._packet_bytes:
            self._to_front()
        if self._grown:
            self._grown = False
            if self._channel._send_state == "open":  # it may have been closed by what came behind
                self._channel._flush_send_buf()

    def _alive(self) -> None:
        now = self._loop.time()
        if now >= self._alive_at + _ALIVE_S:
            self._alive_at = now
            self._connection._reset_keepalive_timer()

    def _whole(self) -> int:
        """The size of the packet that has come as a whole; else 0.  What is too long is for asyncssh to refuse."""
        left = self._end - self._start
        if left < LENGTH.size:
            return 0
        size = LENGTH.unpack_from(self._view, self._start)[0] + LENGTH.size + TAG_BYTES
        if size > self._packet_bytes:
            self._between = False
            return 0
        return size if size <= left else 0

    def _taken(self, size: int) -> bool:
        """False for what is asyncssh's; nothing has changed then."""
        connection, channel, start = self._connection, self._channel, self._start
        encryption = connection._recv_encryption
        if encryption is not self._encryption:
            self._encryption, self._key = encryption, AESGCM(encryption._cipher._key)
        body = start + LENGTH.size
        sealed, plain = self._view[body : start + size], self._plain[: size - LENGTH.size - TAG_BYTES]
        try:
            self._key.decrypt_into(encryption._cipher._iv, sealed, self._view[start:body], plain)
        except (InvalidTag, ValueError):
            return False
        if len(plain) < HEAD.size:
            return False
        padding, kind, number, count = HEAD.unpack_from(plain)
        if number != self._number or not self._welcome(kind, count, len(plain) - HEAD.size - padding):
            return False
        encryption._cipher._update_iv()
        connection._recv_seq = (connection._recv_seq + 1) & 0xFFFFFFFF
        if kind == DATA:
            channel._recv_window -= count
            channel._deliver_data(plain[HEAD.size : HEAD.size + count], None)
        else:
            channel._send_window += count
            self._grown = True
        return True

    def _welcome(self, kind: int, count: int, size: int) -> bool:
        """True for a packet with `size` bytes behind its head that has the shape of one of ours, and comes in time."""
        if kind == ADJUST:
            return size == 0 and bool(self._channel._send_state == "open")
        return kind == DATA and size == count and self._open(count)

    def _open(self, count: int) -> bool:
        """Data is welcome just now, and of that size."""
        channel = self._channel
        return bool(
            channel._recv_state == "open"
            and channel._send_state == "open"
            and not channel._recv_paused
            and 0 < count <= channel._recv_window
        )

    def _hand_over(self, size: int) -> None:
        """Let asyncssh have the next bytes."""
        connection = self._connection
        connection.data_received(bytes(self._view[self._start : self._start + size]))
        if self._between:
            self._between = connection._recv_handler == connection._recv_pkthdr and not connection._inpbuf

    def _take_back(self) -> None:
        """The beginning of a packet that asyncssh holds, unless it waits for something else, or uses another cipher."""
        connection = self._connection
        heading = connection._recv_handler == connection._recv_pkthdr
        held = (b"" if heading else connection._packet) + connection._inpbuf
        waits = not heading and connection._recv_handler != connection._recv_packet
        if not waits and len(held) <= self._start and _plain_gcm(connection):
            connection._packet, connection._inpbuf = b"", b""
            connection._recv_handler = connection._recv_pkthdr
            self._view[self._start - len(held) : self._start] = held
            self._start -= len(held)
            self._between = True

    def _to_front(self) -> None:
        left = self._view[self._start : self._end]
        self._view[self._packet_bytes : self._packet_bytes + len(left)] = left
        self._start, self._end = self._packet_bytes, self._packet_bytes + len(left)

    def eof_received(self) -> None:
        """For asyncssh."""
        self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """For asyncssh."""
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        """For asyncssh."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """For asyncssh."""
        self._connection.resume_writing()
