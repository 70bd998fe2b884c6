"""A lane: one slot of an endpoint's budget that a command keeps while its files wait for their turn.

The session in it may be renewed after a fault; the slot is never given up meanwhile.  Were it, commands whose later
files hold slots and wait for an earlier one could wait for each other for ever.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from gateway.endpoints.base import Endpoint

_ABREAST = 128
"""Files at once on a session that answers many calls: their answers come from far, and share the ledger's commits."""


class Lane(Protocol):
    """A slot with a session in it."""

    @property
    def endpoint(self) -> Endpoint:
        """The session to work with."""
        ...

    @property
    def abreast(self) -> int:
        """How many files it carries at once; more than one through a `SharedLane`."""
        ...

    async def renew(self) -> None:
        """Put a new session into the slot.  Raises what a login raises; the slot stays ours."""
        ...

    async def repair(self) -> None:
        """Renew only if the session can't be used any more."""
        ...


class SessionLane:
    """A lane of the pool."""

    def __init__(self, wrapped: Endpoint, renew: Callable[[], Awaitable[Endpoint]], usable: Callable[[], bool]) -> None:
        self._wrapped = wrapped
        self._renew = renew
        self._usable = usable

    @property
    def endpoint(self) -> Endpoint:
        return self._wrapped

    @property
    def abreast(self) -> int:
        return _ABREAST if self._wrapped.features.concurrent else 1

    async def renew(self) -> None:
        self._wrapped = await self._renew()

    async def repair(self) -> None:
        if not self._usable():
            await self.renew()


class SharedLane:
    """A lane that several files use at once: a session that lives is never taken from under the others.

    What a live session was asked it has answered, or will before anything that is asked later: that is as good as
    a new one for looking.
    """

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    @property
    def endpoint(self) -> Endpoint:
        return self._lane.endpoint

    @property
    def abreast(self) -> int:
        return self._lane.abreast

    async def renew(self) -> None:
        await self._lane.repair()

    async def repair(self) -> None:
        await self._lane.repair()


class LocalLane:
    """This machine's disks: nothing to renew."""

    def __init__(self, local: Endpoint) -> None:
        self._local = local

    @property
    def endpoint(self) -> Endpoint:
        return self._local

    @property
    def abreast(self) -> int:
        return 1

    async def renew(self) -> None:
        return None

    async def repair(self) -> None:
        return None
