"""Requests and answers on one SFTP channel.

Requests that are made in one turn of the event loop leave in one write.  Answers come in any order.  The oldest
request is answered within the deadline, counted from the moment when all in front of it were; else it fails, and the
pipe isn't used for anything new.  When the channel ends, everything under way fails with SFTPConnectionLost.
"""

import asyncio
from collections import OrderedDict
from typing import TypeVar, cast

import asyncssh

from gateway.endpoints.wire import packets
from gateway.endpoints.wire.answers import Answers
from gateway.endpoints.wire.incoming import take_in
from gateway.endpoints.wire.outgoing import Outgoing, send_through
from gateway.endpoints.wire.packets import Ask, Told
from gateway.endpoints.wire.quiet import leave_out_ignores

T = TypeVar("T")

_BUFFERED_BYTES = 1024 * 1024  # handed to the channel before it asks us to pause

_NOISE = "; a start-up file of the account there, or a forced command, prints this: it must print nothing"
_NO_SFTP = " before it began; its shell, or a forced command, may give this account no SFTP: ask the peer"


class _Asked:
    """One request under way."""

    __slots__ = ("after", "expects", "future", "sent_at")

    def __init__(
        self, expects: int, future: "asyncio.Future[bytes]", sent_at: float, after: "asyncio.Future[bytes] | None"
    ) -> None:
        self.after = after
        self.expects = expects
        self.future = future
        self.sent_at = sent_at


class Pipe(asyncssh.SSHClientSession[bytes]):
    """One channel: `ask` sends a request, the future it returns is the answer's body."""

    def __init__(self, deadline_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._deadline_s = deadline_s
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._out: list[bytes | memoryview] = []
        self._flushing = False
        self._paused = False
        self._answers = Answers(self._answered)
        self._under_way: OrderedDict[int, _Asked] = OrderedDict()  # a plain dict is slow to tell its oldest
        self._last_id = 0
        self._front_moved_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._dead: str | None = None
        self._idle: asyncio.Event | None = None
        self.version: asyncio.Future[frozenset[str]] = self._loop.create_future()
        """What the server announced; SFTPBadMessage if what it speaks isn't SFTP."""
        self.outgoing: Outgoing | None = None
        """A quicker way than the channel's own."""
        self.held_bytes = 0
        """Of files, under way or come and not yet taken; counted by the streams."""
        self.overdue = False
        """True once a request was left without its answer."""

    @property
    def usable(self) -> bool:
        """False once the channel is gone, or somebody waited in vain."""
        return self._dead is None and not self.overdue

    # What is sent.

    def ask(
        self,
        kind: Ask,
        *body: bytes | memoryview,
        expects: Told = Told.STATUS,
        after: "asyncio.Future[bytes] | None" = None,
    ) -> "asyncio.Future[bytes]":
        """Send one request; the answer's body, empty for a good status.

        Servers may carry requests out in any order: an answer that comes before that of `after` is a failure.
        The future raises asyncssh.SFTPError; nobody has to await it.  Cancelling it changes nothing for the server.
        """
        future: asyncio.Future[bytes] = self._loop.create_future()
        if self._dead is not None:
            _fail(future, asyncssh.SFTPConnectionLost(self._dead))
            return future
        self._last_id = request = (self._last_id + 1) & 0xFFFFFFFF
        now = self._loop.time()
        if not self._under_way:
            self._front_moved_at = now
            self._watch(self._deadline_s)
        self._under_way[request] = _Asked(expects, future, now, after)
        self._out.append(packets.head(kind, request, sum(map(len, body))))
        self._out += body
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)
        return future

    def refused(self, error: asyncssh.SFTPError) -> "asyncio.Future[bytes]":
        """The answer to what can't even be asked."""
        future: asyncio.Future[bytes] = self._loop.create_future()
        _fail(future, error)
        return future

    def _flush(self) -> None:
        self._flushing = False
        if self._out and not self._paused and self._channel is not None and self._dead is None:
            out, self._out = self._out, []
            if self.outgoing is None:
                self._channel.write(b"".join(out))
            else:
                self.outgoing.write(out)

    def pause_writing(self) -> None:
        """The channel has enough to send."""
        self._paused = True

    def resume_writing(self) -> None:
        """The channel takes more."""
        self._paused = False
        self._flush()

    # What is answered.

    def data_received(self, data: bytes | memoryview, datatype: int | None = None) -> None:
        """Take whole answers out of what has come; what the server says on the side is left."""
        if datatype is not None or self._dead is not None:
            return
        try:
            self._answers.feed(memoryview(data))
        except asyncssh.SFTPError as exc:
            self._die(f"the server speaks no SFTP that can be understood: {exc.reason}" + self._unless_begun(_NOISE))
            self.hang_up()

    def _answered(self, kind: int, request: int, body: bytes) -> None:
        if kind == Told.VERSION and not self.version.done():
            self.version.set_result(packets.extensions(body))
            return
        asked = self._under_way.get(request)
        if asked is None:
            raise asyncssh.SFTPBadMessage(f"it answered request {request}, which isn't under way")
        self._moved(request)
        if asked.future.done():  # nobody waits any more
            if kind == Told.HANDLE:
                self.ask(Ask.CLOSE, body)
            return
        if asked.after is not None and not asked.after.done():
            _fail(asked.future, asyncssh.SFTPFailure("it was carried out too early"))
        elif kind == Told.STATUS:
            self._said(asked, body)
        elif kind == asked.expects:
            asked.future.set_result(body)
        else:
            _fail(asked.future, asyncssh.SFTPBadMessage(f"an answer of kind {kind} came where it makes no sense"))

    def _said(self, asked: _Asked, body: bytes) -> None:
        if body.startswith(packets.GOOD) and asked.expects == Told.STATUS:
            asked.future.set_result(b"")
            return
        try:
            error = packets.status_error(body)
        except asyncssh.SFTPBadMessage as exc:
            error = exc
        _fail(asked.future, error or asyncssh.SFTPBadMessage("the server said yes where something was asked for"))

    def _moved(self, request: int) -> None:
        """An answer to the oldest request gives the next one its time."""
        if next(iter(self._under_way)) == request:
            self._front_moved_at = self._loop.time()
        del self._under_way[request]
        if not self._under_way and self._idle is not None:
            self._idle.set()

    # What never comes.

    def _watch(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(seconds, self._look)

    def _look(self) -> None:
        """Fail what is overdue; look again when the next one may be."""
        self._timer = None
        if not self._under_way:
            return
        now = self._loop.time()
        while self._under_way:
            request, asked = next(iter(self._under_way.items()))
            left = max(asked.sent_at, self._front_moved_at) + self._deadline_s - now
            if left > 0:
                self._watch(left)
                return
            del self._under_way[request]
            self.overdue = True
            _fail(asked.future, asyncssh.SFTPConnectionLost(self._silence()))
        if self._idle is not None:
            self._idle.set()

    def _silence(self) -> str:
        return f"no answer within {self._deadline_s:g} s; is the peer overloaded, or a firewall silent?"

    # How it starts and ends.

    def connection_made(self, channel: "asyncssh.SSHClientChannel[bytes]") -> None:
        """The channel is open; SFTP starts once the server has said so."""
        self._channel = channel
        channel.set_write_buffer_limits(_BUFFERED_BYTES)

    def session_started(self) -> None:
        """The server has taken the request for SFTP."""
        if self._channel is not None:
            self._channel.write(packets.hello())

    def eof_received(self) -> bool:
        """The server has said its last; what is under way has no answer any more."""
        self._die("the peer ended the SFTP session" + self._unless_begun(_NO_SFTP))
        return False

    def _unless_begun(self, remedy: str) -> str:
        """What to do, where SFTP has never been spoken on this channel."""
        return "" if self.version.done() else remedy

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is gone."""
        self._die(str(exc or "") or "the connection ended")

    def _die(self, why: str) -> None:
        if self._dead is not None:
            return
        self._dead = why
        self._out.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._idle is not None:
            self._idle.set()
        left, self._under_way = self._under_way, OrderedDict()
        for asked in left.values():
            _fail(asked.future, asyncssh.SFTPConnectionLost(why))
        _fail(self.version, asyncssh.SFTPConnectionLost(why))

    async def idle(self) -> None:
        """Return once nothing is under way: files that were let go are closed by then.  Not bounded here."""
        if self._under_way and self.usable:
            self._idle = asyncio.Event()
            await self._idle.wait()

    def hang_up(self) -> None:
        """End the channel once what was asked has left; everything under way fails."""
        self._flush()
        if self.outgoing is not None:
            self.outgoing.end()
        self._die("the session was ended")
        if self._channel is not None:
            self._channel.close()


def _fail(future: "asyncio.Future[T]", error: Exception) -> None:
    """Give `error` to whoever waits; nobody need."""
    if not future.done():
        future.set_exception(error)
        future.exception()


async def open_pipe(connection: asyncssh.SSHClientConnection, deadline_s: float) -> tuple[Pipe, frozenset[str]]:
    """Start SFTP on a connection: the pipe, and what the server announced.  Raises asyncssh.Error."""
    leave_out_ignores(connection)
    channel, session = await connection.create_session(lambda: Pipe(deadline_s), subsystem="sftp", encoding=None)
    pipe = cast(Pipe, session)
    take_in(connection, channel)
    pipe.outgoing = send_through(connection, channel)
    return pipe, await pipe.version
