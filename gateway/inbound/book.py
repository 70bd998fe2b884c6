"""The book of what partners do: noted from any thread without waiting, written into the ledger in bites.

No session waits for the ledger.  While that can't be written, so much waits in memory; what comes then is lost to the
ledger, not to the log, and a row says how much it was.  Beginnings are left out first: an upload's end says more.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice

import structlog

from gateway.core.errors import GatewayError
from gateway.ledger import Ledger, partner_files
from gateway.ledger.partner_files import Act, Came, Kind
from gateway.transfer.bounded import to_the_end

log = structlog.get_logger(__name__)

MOST = 20_000
_BITE = 500
_REST_S = 0.05  # between two commits: what a quick upload does becomes one row
_AGAIN_S = 5.0
_LOST = Act(partner="", address="", over="", kind=Kind.LOST, path="")


class Book:
    """One for the gateway.  `run` writes until it is cancelled, `close` what is left."""

    def __init__(self, ledger: Ledger, most: int = MOST) -> None:
        self._ledger = ledger
        self._most = most
        self._lock = threading.Lock()
        self._waiting: deque[Act] = deque()
        self._lost: Act | None = None
        self._loop = asyncio.get_running_loop()
        self._came = asyncio.Event()

    def note(self, act: Act) -> None:
        """Take an act in, at this moment unless it has its own; never blocks, never raises."""
        now = self._ledger.now_ns()
        began, ended = (now, None) if act.state is Came.UNDER_WAY else (act.started_at, act.ended_at or now)
        with self._lock:
            if len(self._waiting) < (self._most * 3 // 4 if act.state is Came.UNDER_WAY else self._most):
                self._waiting.append(replace(act, started_at=began, ended_at=ended))
            elif act.state is not Came.UNDER_WAY:
                self._lose(now)
        if not self._came.is_set():
            with suppress(RuntimeError):  # the loop is over
                self._loop.call_soon_threadsafe(self._came.set)

    def _lose(self, now: int) -> None:
        lost = self._lost
        if lost is None:
            log.error("what partners do is not noted in the ledger, which can't be written; see this log for it")
            lost = replace(_LOST, size=0, started_at=now)
        self._lost = replace(lost, size=(lost.size or 0) + 1, ended_at=now)

    async def under_way(self) -> tuple[Act, ...]:
        """Uploads that had begun when a gateway was killed."""
        return await self._ledger.read(partner_files.under_way)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._came.wait()
            self._came.clear()
            while bite := self._bite():
                try:
                    await to_the_end(self._write(bite))  # a bite that is cancelled half-way would be written twice
                    await asyncio.sleep(_REST_S)
                except GatewayError:
                    await asyncio.sleep(_AGAIN_S)

    async def close(self) -> None:
        """Write what is left, if that can be."""
        try:
            while bite := self._bite():
                await to_the_end(self._write(bite))
        except GatewayError as problem:
            log.error("what partners did last is in this log only", acts=len(self._waiting), error=str(problem))

    def _bite(self) -> Sequence[Act]:
        with self._lock:
            found = list(islice(self._waiting, _BITE))
            if self._lost is not None and len(found) < _BITE:
                found.append(self._lost)
            return found

    async def _write(self, bite: Sequence[Act]) -> None:
        """As what is new: the room that the ledger keeps in reserve is for what is under way."""
        try:
            await self._ledger.take(partial(partner_files.note, acts=bite))
        except GatewayError:
            raise
        except Exception:  # one that can't be noted must not keep all others from it
            if len(bite) > 1:
                for act in bite:
                    await self._write([act])
                return
            log.exception("what a partner did can't be noted in the ledger", act=bite[0])
        self._done(bite)

    def _done(self, bite: Sequence[Act]) -> None:
        with self._lock:
            for act in bite:
                if act.kind is not Kind.LOST:
                    self._waiting.popleft()
                elif self._lost is act:
                    self._lost = None
                elif self._lost is not None:  # more were lost meanwhile
                    self._lost = replace(self._lost, size=(self._lost.size or 0) - (act.size or 0))
