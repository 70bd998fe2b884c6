"""Puts one channel's data on a connection with AES-GCM in place of asyncssh, which copies each byte ten times.

This stands below asyncssh's public face, and sends only while nothing but data is to be sent: in an exchange of keys,
or when one is due, and with any other cipher, the bytes go asyncssh's own way.  It goes on keeping keys and windows.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import asyncssh
from asyncssh.encryption import GCMEncryption
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.endpoints.wire.sealed import DATA, HEAD, LENGTH, TAG_BYTES

Send = Callable[[Sequence[bytes | memoryview]], None]

_BLOCK_BYTES = 16
_PADDING_MIN = 4
_LITTLE_BYTES = 16 * 1024
"""Where the parts are smaller on average they are put together at once: taking each by itself costs more."""
_WRITE_BYTES = 256 * 1024
"""Given to the transport at once."""
_RANDOM_BYTES = 4096


class Outgoing:
    """What a channel has to send, in order."""

    def __init__(self, connection: asyncssh.SSHClientConnection, channel: "asyncssh.SSHClientChannel[bytes]") -> None:
        self._connection: Any = connection
        self._channel: Any = channel
        self._parts: deque[memoryview] = deque()
        self._bytes = 0
        self._packet_bytes = min(self._channel._send_pktsize, _WRITE_BYTES)
        self._plain = memoryview(bytearray(self._packet_bytes + HEAD.size + _PADDING_MIN + _BLOCK_BYTES))
        self._random = b""
        self._encryption: object = None
        self._key = AESGCM(bytes(16))
        self._flush = self._channel._flush_send_buf
        self._channel._flush_send_buf = self._window_moved  # type: ignore[method-assign]

    def write(self, parts: Sequence[bytes | memoryview]) -> None:
        """Send `parts`, now or as soon as the server takes more; they must not change meanwhile."""
        size = sum(map(len, parts))
        self._bytes += size
        little = size < _LITTLE_BYTES * len(parts)
        self._parts.extend(map(memoryview, [b"".join(parts)] if little else parts))
        self._go_on()

    def end(self) -> None:
        """Leave to asyncssh what hasn't been sent."""
        rest = b"".join(self._parts)
        self._parts.clear()
        self._bytes = 0
        if rest and self._channel._send_state == "open":
            self._channel.write(rest)

    def _window_moved(self) -> None:
        self._flush()
        self._go_on()

    def _go_on(self) -> None:
        while self._bytes and self._channel._send_window:
            if not self._free():
                self.end()
                return
            self._send(min(self._bytes, self._channel._send_window, _WRITE_BYTES))

    def _free(self) -> bool:
        """Nothing stands in front, and nothing but data is to be sent."""
        connection, channel = self._connection, self._channel
        return bool(
            channel._send_state == "open"
            and not channel._send_buf
            and connection._transport
            and connection._kex_complete
            and not connection._deferred_packets
            and connection._rekey_bytes_sent < connection._rekey_bytes
            and not (connection._rekey_seconds and time.monotonic() >= connection._rekey_time)
            and isinstance(connection._send_encryption, GCMEncryption)
        )

    def _send(self, size: int) -> None:
        whole, rest = divmod(size, self._packet_bytes)
        sizes = [self._packet_bytes] * whole + [rest] * (rest > 0)
        out = bytearray(sum(LENGTH.size + _plain_bytes(one) + TAG_BYTES for one in sizes))
        view, at = memoryview(out), 0
        for one in sizes:
            at += self._seal(one, view[at:])
        self._bytes -= size
        self._channel._send_window -= size
        self._connection._send(out)

    def _seal(self, size: int, out: memoryview) -> int:
        """One packet; its length."""
        connection, encryption = self._connection, self._connection._send_encryption
        if encryption is not self._encryption:
            self._encryption, self._key = encryption, AESGCM(encryption._cipher._key)
        plain = self._plain[: _plain_bytes(size)]
        data, padding = HEAD.size + size, len(plain) - HEAD.size - size
        HEAD.pack_into(plain, 0, padding, DATA, self._channel._send_chan, size)
        self._fill(plain[HEAD.size : data])
        plain[data:] = self._padding(padding)
        end = LENGTH.size + len(plain) + TAG_BYTES
        LENGTH.pack_into(out, 0, len(plain))
        self._key.encrypt_into(encryption._cipher._iv, plain, out[: LENGTH.size], out[LENGTH.size : end])
        encryption._cipher._update_iv()
        connection._send_seq = (connection._send_seq + 1) & 0xFFFFFFFF
        connection._rekey_bytes_sent += len(plain)
        return end

    def _fill(self, target: memoryview) -> None:
        at = 0
        while at < len(target):
            part = self._parts[0]
            some = part[: len(target) - at]
            target[at : at + len(some)] = some
            at += len(some)
            if len(some) == len(part):
                self._parts.popleft()
            else:
                self._parts[0] = part[len(some) :]

    def _padding(self, size: int) -> bytes:
        if len(self._random) < size:
            self._random = os.urandom(_RANDOM_BYTES)
        found, self._random = self._random[:size], self._random[size:]
        return found


def _plain_bytes(size: int) -> int:
    """Of a packet with `size` bytes of data, padded."""
    return -(-(HEAD.size + size + _PADDING_MIN) // _BLOCK_BYTES) * _BLOCK_BYTES


def send_through(
    connection: asyncssh.SSHClientConnection, channel: "asyncssh.SSHClientChannel[bytes]"
) -> Outgoing | None:
    """The quick way to send on `channel`; None elsewhere than with GCM."""
    inside: Any = connection
    plain_gcm = isinstance(inside._send_encryption, GCMEncryption) and inside._compressor is None
    return Outgoing(connection, channel) if plain_gcm and hasattr(AESGCM, "encrypt_into") else None
