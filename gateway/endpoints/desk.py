"""One endpoint's sessions: how many, which are idle, when the next login may be tried."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from gateway.core.circuit import Circuit
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, LinkLost, PeerBusy
from gateway.endpoints.breaker import Breaker
from gateway.endpoints.budget import Budget
from gateway.endpoints.login_memory import LoginMemory, Trouble
from gateway.endpoints.opening import Opener
from gateway.endpoints.place import Place
from gateway.endpoints.session import Session
from gateway.endpoints.trouble import NotYet

_IDLE_S = 60.0
_ASK_AFTER_S = 5.0  # a session idle for longer is asked for a sign of life before it is lent
_ASK_LIMIT_S = 5.0
_WHILE_TRIED = timedelta(seconds=5)
_FEWER_FOR_S = 300.0  # after "too many": so long no more sessions than the peer let us have


@dataclass(slots=True)
class _Idle:
    session: Session
    since: float


class Desk:
    """Lends the sessions of one endpoint, at most `place.sessions` at once; while its circuit is half-open, one."""

    def __init__(
        self,
        place: Place,
        clock: Clock,
        memory: LoginMemory,
        opener: Opener,
        budget: Budget,
        jitter: Callable[[], float],
    ) -> None:
        self.place = place
        self.budget = budget
        self.breaker = Breaker(place, clock, memory, jitter, self._wake)
        self._clock = clock
        self._open = opener
        self._closed = False
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closing: set[asyncio.Task[None]] = set()
        self._first = asyncio.Lock()  # the first login is alone
        self._proved = False
        self._lent: set[Session] = set()
        self._opening = 0
        self._idle: list[_Idle] = []
        self._fewer: tuple[int, float] | None = None  # at most so many, until then
        self._tries: Session | None = None  # the session that tries while the circuit is half-open
        self._reaper: asyncio.Task[None] | None = None

    def _limit(self) -> int:
        circuit = self.breaker.circuit
        if circuit is Circuit.OPEN:
            return self._busy() + 1  # whoever waits is told at once
        if circuit is Circuit.HALF_OPEN:
            return 1
        if self._fewer is None or self._clock.monotonic() >= self._fewer[1]:
            return self.place.sessions
        return min(self._fewer[0], self.place.sessions)

    def _busy(self) -> int:
        return len(self._lent) + self._opening

    async def take(self, fresh: bool) -> Session:
        """A session to work with: an idle one that lives, else a new one; waits its turn while all are lent."""
        while True:
            await self._slot()
            session = None
            try:
                session = await self._find(fresh)
            except (PeerBusy, LinkLost) as exc:
                if isinstance(exc, NotYet) or not self._has_others():
                    raise
                self._fewer = (len(self._lent), self._clock.monotonic() + _FEWER_FOR_S)
            finally:  # nothing is awaited from here on: a cancel can't lose the slot
                self._opening -= 1
                self._lent.update(() if session is None else (session,))
                self._wake()
            if session is not None:
                return session

    async def _slot(self) -> None:
        """Have one of the places, first come first served; it is counted in `_opening`."""
        if not self._waiting and self._busy() < self._limit():
            self._opening += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the place was ours already
                self._opening -= 1
            self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting and self._busy() < self._limit():
            turn = self._waiting.popleft()
            if not turn.done():
                self._opening += 1
                turn.set_result(None)

    async def _find(self, fresh: bool) -> Session:
        self.breaker.refuse_if_open()
        while self._idle and not fresh:
            found = self._idle.pop()
            alive = False
            try:
                alive = await self._alive(found)
            finally:
                if not alive:
                    self._drop(found.session)
            if alive:
                return self._tried(found.session)
        if fresh and self._idle and self._busy() + len(self._idle) > self.place.sessions:
            self._drop(self._idle.pop(0).session)
        return await self._login()

    def _drop(self, session: Session) -> None:
        """Close it on the side; closing is bounded and never raises."""
        task = asyncio.ensure_future(session.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _alive(self, idle: _Idle) -> bool:
        if not idle.session.usable:
            return False
        if self._clock.monotonic() - idle.since < _ASK_AFTER_S:
            return True
        try:
            async with asyncio.timeout(min(_ASK_LIMIT_S, self.place.call_timeout_s)):
                await idle.session.ping()
        except (LinkLost, PeerBusy, TimeoutError):
            return False
        except GatewayError:
            pass  # it has answered: some servers know no path by its full name
        return idle.session.usable

    async def _login(self, instead_of: Session | None = None) -> Session:
        if self._proved and self.breaker.circuit is Circuit.CLOSED:
            return await self._try(instead_of)
        async with self._first:
            session = await self._try(instead_of)
            self._proved = True
            return session

    async def _try(self, instead_of: Session | None) -> Session:
        before = await self._refused(instead_of)
        if await self.budget.login():
            before = await self._refused(instead_of)  # another login may have failed meanwhile
        try:
            session = await self._open(self.place)
        except GatewayError as exc:
            await self._failed(exc, before, instead_of)
            raise
        try:
            await self.breaker.login_worked(before)
        except BaseException:
            self._drop(session)
            raise
        return self._tried(session)

    async def _refused(self, instead_of: Session | None) -> Trouble | None:
        """Raises why no login is tried now."""
        trouble = await self.breaker.refuse_login()
        trying = self._tries if self._tries in self._lent else None
        if self.breaker.circuit is Circuit.HALF_OPEN and trying is not None and trying is not instead_of:
            soon = self._clock.now() + _WHILE_TRIED
            raise NotYet(f"{self.place.name}: has failed again and again; one session tries it, wait for that", soon)
        return trouble

    def _tried(self, session: Session) -> Session:
        if self.breaker.circuit is Circuit.HALF_OPEN:
            self._tries = session
        return session

    def _has_others(self, instead_of: Session | None = None) -> bool:
        """True if a session works: then the peer does, and only wants fewer of us, whether it says so or hangs up."""
        return any(session.usable for session in self._lent if session is not instead_of)

    async def _failed(self, exc: GatewayError, before: Trouble | None, instead_of: Session | None) -> None:
        if isinstance(exc, PeerBusy | LinkLost) and self._has_others(instead_of):
            return
        self._proved = False
        await self.breaker.login_failed(exc, before)

    async def replace(self, session: Session) -> Session:
        """A new session in the place of a lent one whose link is lost."""
        await session.close()
        new = await self._login(instead_of=session)
        self._lent.discard(session)
        self._lent.add(new)
        return new

    async def give_back(self, session: Session) -> None:
        """End the loan; what can't be used again is closed before another takes its place."""
        keep = session.usable and not self._closed
        try:
            if not keep:
                await session.close()
        finally:
            self._lent.discard(session)
            if keep:
                self._idle.append(_Idle(session, self._clock.monotonic()))
                self._reaper = self._reaper or asyncio.ensure_future(self._reap())
            self._wake()

    async def _reap(self) -> None:
        """Close what has been idle for long; ends when nothing is idle."""
        while self._idle:
            oldest = min(idle.since for idle in self._idle)
            await self._clock.sleep(max(0.01, oldest + _IDLE_S - self._clock.monotonic()))
            old = [idle for idle in self._idle if self._clock.monotonic() - idle.since >= _IDLE_S]
            self._idle = [idle for idle in self._idle if idle not in old]
            await asyncio.gather(*(idle.session.close() for idle in old))
        self._reaper = None

    async def retire(self) -> None:
        """Close what is idle; what is lent is closed when it comes back."""
        self._closed = True
        if self._reaper is not None:
            self._reaper.cancel()
            await asyncio.gather(self._reaper, return_exceptions=True)
        idle, self._idle = self._idle, []
        await asyncio.gather(*(one.session.close() for one in idle), *self._closing, return_exceptions=True)

    async def close(self) -> None:
        """End every session, lent ones included."""
        lent = [session.close() for session in self._lent]
        await asyncio.gather(self.retire(), *lent, return_exceptions=True)
