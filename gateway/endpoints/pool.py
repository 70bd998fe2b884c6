"""The sessions of all endpoints, shared by all actions: each endpoint has its own budget and its own troubles."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial

from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, Refused
from gateway.endpoints.base import Endpoint
from gateway.endpoints.budget import Budget
from gateway.endpoints.desk import Desk
from gateway.endpoints.disks import Disks
from gateway.endpoints.guarded import Guarded
from gateway.endpoints.lane import Lane, SessionLane
from gateway.endpoints.login_memory import ForgetfulMemory, LoginMemory, Trouble
from gateway.endpoints.opening import Opener, open_place
from gateway.endpoints.place import Place
from gateway.endpoints.session import Session
from gateway.endpoints.steady import Steady
from gateway.endpoints.throttle import Throttled
from gateway.endpoints.trouble import NotYet
from gateway.endpoints.wrap import Logged

__all__ = ["ForgetfulMemory", "LoginMemory", "NotYet", "Pool", "Trouble"]

_CLOSE_S = 5.0

Reread = Callable[[str], Awaitable[Place | GatewayError | None]]
"""An endpoint as its secrets are now, or why they can't be read; None where nothing has changed."""


class Pool:
    """Lends sessions by the endpoint's name.

    At most `sessions` of an endpoint are open at once.  The first login is alone; further sessions open after it.
    A refused login is tried once an hour, a changed host key not before `gateway trust`, any other failure after a
    pause that grows; meanwhile `session` raises at once and says when the next try is.  So it does while an endpoint
    is left alone whose sessions fail again and again; then one session tries, until it has carried a file.

    `jitter` gives numbers from 0 to 1 that keep endpoints from coming back together.  `reread` is asked before each
    loan: a secret that was mended or changed where it is kept counts from then on.
    """

    def __init__(
        self,
        places: Mapping[str, Place],
        clock: Clock,
        memory: LoginMemory | None = None,
        opener: Opener | None = None,
        *,
        broken: Mapping[str, GatewayError] | None = None,
        reread: Reread | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._memory = memory or ForgetfulMemory()
        self._disks = Disks()
        self._opener = opener or partial(open_place, disks=self._disks)
        self._jitter = jitter
        self._budgets: dict[str, Budget] = {}
        self._desks = {name: self._desk(place) for name, place in places.items()}
        self._broken = dict(broken or {})
        self._reread = reread

    def _desk(self, place: Place) -> Desk:
        budget = self._budgets.setdefault(place.name, Budget(place, self._clock))
        budget.change(place)
        return Desk(place, self._clock, self._memory, self._opener, budget, self._jitter)

    def place(self, name: str) -> Place:
        """The endpoint's settings.  Raises Refused if no endpoint has that name, or why it can't be used."""
        return self._at(name).place

    def _at(self, name: str) -> Desk:
        if (why := self._broken.get(name)) is not None:
            raise type(why)(str(why))  # a new one: raised again and again, the same would gather tracebacks
        if name not in self._desks:
            raise Refused(f"{name}: no endpoint has this name; known are {', '.join(sorted(self._desks)) or 'none'}")
        return self._desks[name]

    @asynccontextmanager
    async def lane(self, name: str, *, fresh: bool = False) -> AsyncIterator[Lane]:
        """Lend a slot with a session in it, which may be renewed; waits while all slots are lent.

        `fresh`: the session has just logged in.  Raises NotYet (a LinkLost with `next_at`), LoginRefused or
        HostKeyRefused at once while the endpoint is left alone, else what a login raises.
        """
        await self.look_again(name)
        desk = self._at(name)
        loan = _Loan(desk, await desk.take(fresh), self._clock)
        try:
            yield SessionLane(loan.wrapped(), loan.renew, lambda: loan.session.usable)
        finally:
            await asyncio.shield(desk.give_back(loan.session))

    @asynccontextmanager
    async def session(self, name: str, *, fresh: bool = False) -> AsyncIterator[Endpoint]:
        """Lend a session, as `lane` does."""
        async with self.lane(name, fresh=fresh) as lane:
            yield lane.endpoint

    async def forget_trouble(self, name: str) -> None:
        """Let the next call try at once: a person said so (`gateway retry`, `gateway trust`)."""
        await (self._desks[name].breaker.close() if name in self._desks else self._memory.forget(name))

    async def look_again(self, name: str) -> bool:
        """Take the endpoint's secrets as they are kept now; True if that has made it usable.

        Where they can't be read, what works goes on with those it has: somebody may be writing the new ones.
        """
        found = await self._reread(name) if self._reread is not None else None
        if isinstance(found, GatewayError) and name in self._broken:
            self._broken[name] = found
        if not isinstance(found, Place):
            return False
        was_broken = self._broken.pop(name, None) is not None
        before = self._desks.get(name)
        if before is None or before.place != found:
            self._desks[name] = self._desk(found)
            await self._bounded(desk.retire() for desk in (before,) if desk is not None)
        return was_broken

    @property
    def broken(self) -> tuple[str, ...]:
        """The endpoints that can't be used as they are configured."""
        return tuple(self._broken)

    async def update(self, places: Mapping[str, Place], broken: Mapping[str, GatewayError] | None = None) -> None:
        """Take over a reloaded configuration.  What is lent goes on with the settings it was opened with.

        `broken` are endpoints whose settings can't be used (a missing key file), with the error that says why.
        """
        self._broken = dict(broken or {})
        gone = [desk for name, desk in self._desks.items() if places.get(name) != desk.place]
        kept = {name: desk for name, desk in self._desks.items() if places.get(name) == desk.place}
        self._desks = {name: kept.get(name) or self._desk(place) for name, place in places.items()}
        await self._bounded(desk.retire() for desk in gone)

    async def close(self) -> None:
        """End every session; bounded."""
        await self._bounded(desk.close() for desk in self._desks.values())
        self._disks.close()

    async def _bounded(self, work: Iterable[Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(_CLOSE_S):
                await asyncio.gather(*work)
        except TimeoutError:
            pass  # whoever doesn't answer a good-bye is left


class _Loan:
    """The session that is lent now: Steady or its borrower may change it, the slot stays.

    Several files may use it at once: the first that finds it dead renews it, the others join the new one.
    """

    def __init__(self, desk: Desk, session: Session, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._renewing = asyncio.Lock()
        self.session = session

    def wrapped(self) -> Endpoint:
        """What every borrower gets: within the budget, told to the circuit, logged, and steady over a lost link."""
        desk = self._desk
        steady = Steady(self.session, self._after, self._clock)
        paid = Throttled(steady, desk.budget) if desk.budget.limits_bytes else steady
        return Logged(Guarded(paid, desk.breaker, lambda: steady.usable), desk.place.name, self._clock)

    async def renew(self) -> Endpoint:
        await self._after(self.session)
        return self.wrapped()

    async def _after(self, seen: Session) -> Session:
        """A session that came after `seen`."""
        async with self._renewing:
            if self.session is seen:
                self.session = await self._desk.replace(self.session)
        return self.session
