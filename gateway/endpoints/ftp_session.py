"""One FTP session as the event loop sees it: calls with deadlines, streams both ways, an end that never waits long."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from gateway.core.errors import GatewayError, LinkLost, PathRefused, Retryable
from gateway.endpoints.blocks import gathered
from gateway.endpoints.ftp_errors import FTP_ERRORS, ends_session, ftp_error, login_error
from gateway.endpoints.ftp_row import Call, Row
from gateway.endpoints.ftp_streams import FromThread, GaveUp, ToThread
from gateway.endpoints.ftp_wire import PIECE_BYTES, Control
from gateway.endpoints.own_thread import OwnThread
from gateway.endpoints.place import Place
from gateway.endpoints.session import within

T = TypeVar("T")

_CLOSE_S = 2.0
_LEAST_BYTES = 64 * 1024  # crossing to the thread costs
_LOST = LinkLost("the connection ended before its turn")
_NOT_TRIED = Retryable("not tried after one in front of it was refused")


class Unanswered(LinkLost):
    """All bytes were passed, then the control connection died: only a look can tell whether they arrived."""

    def __init__(self, message: str, moved_bytes: int) -> None:
        super().__init__(message)
        self.moved_bytes = moved_bytes


class FtpSession:
    """A control connection and the thread that serves it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.control = Control(place)
        self.usable = True
        self._ended = False
        self._thread = OwnThread(f"ftp-{place.name}")

    async def open(self) -> None:
        """Log in.  Raises HostKeyRefused, LoginRefused, PeerBusy, LinkLost or NeedsOperator."""
        what = f"{self.place.name} ({self.place.address}): connecting"
        try:
            async with within(self.place.connect_timeout_s, what):
                await self._thread.start(self.control.open)
        except BaseException as exc:
            self.abandon()
            if isinstance(exc, (*FTP_ERRORS, ValueError)):
                raise login_error(exc, self.place, self.control.asked) from exc
            raise

    async def call(self, what: str, work: Callable[[], T]) -> T:
        """What `work` answers within `call_timeout`; after an error without a reply the session is over."""
        return await self._answered(what, self._thread.start(work))

    async def _answered(self, what: str, answer: Awaitable[T]) -> T:
        try:
            async with within(self.place.call_timeout_s, f"{self.place.name}: {what}"):
                return await answer
        except FTP_ERRORS as exc:
            ours = ftp_error(exc, f"{self.place.name}: {what}")
            if ends_session(exc):
                self.abandon()
            raise ours from exc
        except ValueError as exc:  # a name that can't be sent
            raise PathRefused(f"{self.place.name}: {what!r}: {exc}") from exc
        except (LinkLost, asyncio.CancelledError):
            self.abandon()
            raise

    async def call_each(self, calls: Sequence[Call[T]], *, while_well: bool = False) -> list[T | GatewayError]:
        """`call` for many in one hop: each exchange has the time of a call, and each call an answer or its error.

        With `while_well` none is made after one that has failed.
        """
        row = Row(self.place.name, calls, while_well)
        self.control.begin()
        going = self._start(row.run, lambda: None)
        try:
            in_time = await self._ended_in_time(going)
        except BaseException:
            self.abandon()
            raise
        ended = going.exception() if in_time else None
        if row.lost or not in_time or ended is not None:
            self.abandon()
        if ended is not None and not isinstance(ended, FTP_ERRORS):
            raise ended
        if not in_time:
            return row.answers(LinkLost(f"no answer within {self.place.call_timeout_s:g} s; is the peer overloaded?"))
        return row.answers(_LOST if row.lost or ended is not None else _NOT_TRIED)

    async def _ended_in_time(self, going: "asyncio.Future[None]") -> bool:
        """False as soon as one exchange has taken too long."""
        while not going.done():
            left_s = self.control.began + self.place.call_timeout_s - time.monotonic()
            if left_s <= 0:
                return False
            await asyncio.wait({going}, timeout=left_s)
        return True

    async def upload(self, what: str, command: str, blocks: AsyncIterator[bytes], offset: int = 0) -> int:
        """Store what `blocks` gives; returns the bytes once the server has said that it has them.

        Raises Unanswered if the end was reached and the server's word is missing.
        """
        pipe = ToThread()
        stored = self._start(lambda: self.control.store(command, pipe.blocks(), offset), pipe.over)
        try:
            async for block in gathered(blocks, _LEAST_BYTES):
                async with within(self._time_for(block), f"{self.place.name}: {what}"):
                    if not await pipe.put(block):
                        break
            pipe.finish()
        except BaseException:
            pipe.give_up()
            self.abandon()
            raise
        moved = await self._answered(what, stored)
        await self._last_word(what, moved)
        return moved

    def _time_for(self, block: bytes) -> float:
        """How long may pass until there is room for `block`; the thread bounds each piece more closely."""
        return self.place.call_timeout_s * max(1, -(-len(block) // PIECE_BYTES))

    async def _last_word(self, what: str, moved_bytes: int) -> None:
        try:
            await self.call(what, self.control.voidresp)
        except LinkLost as exc:
            raise Unanswered(str(exc), moved_bytes) from exc

    async def download(self, what: str, command: str, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """The blocks of a transfer; its end is reached once the server has said so, else Unanswered."""
        pipe = FromThread()
        fetched = self._start(lambda: self._fetch(pipe, command, offset), pipe.over)
        moved, ended = 0, False
        try:
            while (block := await self._answered(what, pipe.get())) is not None:
                moved += len(block)
                yield block
            ended = True
        finally:
            if not ended:
                pipe.give_up()
                self.abandon()
        await self._answered(what, fetched)
        await self._last_word(what, moved)

    def _fetch(self, pipe: FromThread, command: str, offset: int) -> None:
        for block in self.control.retrieve(command, offset):
            pipe.put(block)

    def _start(self, work: Callable[[], T], at_end: Callable[[], None]) -> "asyncio.Future[T]":
        answer = self._thread.start(work)

        def ended(future: "asyncio.Future[Any]") -> None:
            at_end()
            if not future.cancelled():
                future.exception()  # seen: nobody may be left to await it

        answer.add_done_callback(ended)
        return answer

    def abandon(self) -> None:
        """End at once: whatever the thread waits for is cut, then it closes what it held and ends."""
        self.usable = False
        if not self._ended:
            self._ended = True
            self.control.hang_up()
            self._start(self.control.close, lambda: None)
            self._thread.end()

    async def close(self) -> None:
        """Say QUIT, wait a little, hang up."""
        if self.usable:
            self.usable = False
            try:
                async with asyncio.timeout(_CLOSE_S):
                    await self._thread.start(self.control.say_quit)
            except (*FTP_ERRORS, GatewayError, GaveUp):
                pass  # the good-bye was not answered
        self.abandon()
