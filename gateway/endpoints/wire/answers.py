"""Puts SFTP answers together, however the channel has cut them."""

from collections.abc import Callable

import asyncssh

from gateway.endpoints.wire import packets
from gateway.endpoints.wire.packets import HEAD_BYTES


class Answers:
    """Calls `take` with kind, id and body of each answer, in the order in which they come."""

    def __init__(self, take: Callable[[int, int, bytes], None]) -> None:
        self._take = take
        self._head = b""  # the beginning of one
        self._kind = self._request = self._missing = 0  # of a body that has begun
        self._parts: list[bytes] = []

    def feed(self, view: memoryview) -> None:
        """The next bytes; `view` isn't kept.  Raises SFTPBadMessage, and whatever `take` raises."""
        at, end = 0, len(view)
        if self._missing:
            at = self._go_on(view)
        if self._head:
            at = self._complete_head(view, at)
        while end - at >= HEAD_BYTES:
            size, kind, request = _head(view, at)
            at = self._body(view, at + HEAD_BYTES, size, kind, request)
        if at < end:
            self._head = bytes(view[at:])

    def _body(self, view: memoryview, at: int, size: int, kind: int, request: int) -> int:
        """Take the body that starts at `at`, or as much of it as is there; where it ends."""
        body = bytes(view[at : at + size])
        if len(body) == size:
            self._take(kind, request, body)
        else:
            self._parts = [body]
            self._kind, self._request, self._missing = kind, request, size - len(body)
        return at + len(body)

    def _go_on(self, view: memoryview) -> int:
        part = bytes(view[: self._missing])
        self._parts.append(part)
        self._missing -= len(part)
        if not self._missing:
            parts, self._parts = self._parts, []
            self._take(self._kind, self._request, b"".join(parts))
        return len(part)

    def _complete_head(self, view: memoryview, at: int) -> int:
        more = bytes(view[at : at + HEAD_BYTES - len(self._head)])
        self._head += more
        if len(self._head) < HEAD_BYTES:
            return at + len(more)
        head, self._head = self._head, b""
        return self._body(view, at + len(more), *_head(memoryview(head), 0))


def _head(view: memoryview, at: int) -> tuple[int, int, int]:
    """The size of the body, kind and id."""
    size, kind, request = packets.read_head(view, at)
    if not 5 <= size <= packets.ANSWER_BYTES_MAX:
        raise asyncssh.SFTPBadMessage(f"it began with {bytes(view[at : at + 40])!r}")
    return size - 5, kind, request
