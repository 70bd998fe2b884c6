"""The circuit of one endpoint: when it opens, who may try, what closes it.

A failed login opens it at once, the next login that works closes it.  Calls of sessions that work open it when several
in a row fail for reasons of the endpoint; then a session that has carried a file closes it: peers that let us in and
then fail would otherwise look well with every login.
"""

from collections.abc import Callable
from dataclasses import replace

import structlog

from gateway.core.circuit import Circuit, circuit_at
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, HostKeyRefused, LoginRefused
from gateway.endpoints.login_memory import LoginMemory, Trouble
from gateway.endpoints.place import Place
from gateway.endpoints.trouble import LONGEST_PAUSE, NotYet, objection, trouble_after

log = structlog.get_logger(__name__)

FAILURES_IN_A_ROW = 5
_LONG_AGO_S = LONGEST_PAUSE.total_seconds()  # failures further apart are not a row
_OF_LOGINS = (NotYet, LoginRefused, HostKeyRefused)  # counted when they happened


class Breaker:
    """Counts failures, and says what may be tried.  `changed` is called when the circuit has opened or closed."""

    def __init__(
        self,
        place: Place,
        clock: Clock,
        memory: LoginMemory,
        jitter: Callable[[], float],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._place = place
        self._clock = clock
        self._memory = memory
        self._jitter = jitter
        self._changed = changed
        self._trouble: Trouble | None = None  # of calls; that of logins is asked for when somebody wants to log in
        self._in_a_row = 0
        self._last_s = 0.0
        self.seen = 0
        """How many failures were counted: a call that began before the last of them fails for the same reason."""

    @property
    def circuit(self) -> Circuit:
        """As the calls of sessions see it."""
        return Circuit.CLOSED if self._trouble is None else circuit_at(self._trouble.next_at, self._clock.now())

    def refuse_if_open(self) -> None:
        """Raises NotYet."""
        self._refuse(self._trouble)

    async def refuse_login(self) -> Trouble | None:
        """What is remembered of logins that failed.  Raises NotYet, LoginRefused, HostKeyRefused or NeedsOperator."""
        trouble = await self._memory.recall(self._place.name)
        self._refuse(trouble)
        return trouble

    def _refuse(self, trouble: Trouble | None) -> None:
        refusal = objection(trouble, self._place, self._clock.now())
        if refusal is not None:
            raise refusal

    async def login_failed(self, exc: GatewayError, before: Trouble | None) -> None:
        """Leave the endpoint alone."""
        trouble = trouble_after(exc, before, self._place, self._clock.now(), self._jitter())
        self.seen += 1
        if self._trouble is not None:
            self._trouble = trouble
        await self._memory.remember(self._place.name, trouble)

    async def login_worked(self, before: Trouble | None) -> None:
        """The logins' trouble is over, and what is known of the endpoint is of this server."""
        await self._memory.arrive(self._place.name, self._place.server)
        if before is not None and self._trouble is None:
            await self._memory.forget(self._place.name)

    async def call_failed(self, exc: GatewayError, seen: int) -> None:
        """Count it, if it is about the endpoint; `seen` is what it was when the call began."""
        if not exc.concerns_endpoint or isinstance(exc, _OF_LOGINS) or seen != self.seen:
            return
        self.seen += 1
        now_s = self._clock.monotonic()
        self._in_a_row = self._in_a_row + 1 if now_s - self._last_s < _LONG_AGO_S else 1
        self._last_s = now_s
        if self._in_a_row >= FAILURES_IN_A_ROW or self._trouble is not None:
            await self._open(exc)

    async def _open(self, exc: GatewayError) -> None:
        trouble = trouble_after(exc, self._trouble, self._place, self._clock.now(), self._jitter())
        self._trouble = replace(trouble, error=f"{exc} (failed {self._in_a_row} times in a row)")
        log.warning(
            "endpoint fails again and again, left alone",
            endpoint=self._place.name,
            failures=self._in_a_row,
            until=str(self._trouble.next_at),
            error=str(exc),
        )
        self._changed()
        await self._memory.remember(self._place.name, self._trouble)

    async def carried(self) -> None:
        """A file was carried to its end."""
        self._in_a_row = 0
        if self._trouble is not None:
            await self._recovered()

    async def answered(self) -> None:
        """A call that carries no file worked: that closes only a circuit under which none has failed for long."""
        trouble = self._trouble
        if trouble is None or trouble.next_at is None or self._clock.now() < trouble.next_at + LONGEST_PAUSE:
            return
        await self._recovered()

    async def _recovered(self) -> None:
        log.info("endpoint works again", endpoint=self._place.name)
        await self.close()

    async def close(self) -> None:
        """All is well, or a person says so."""
        self._trouble = None
        self._in_a_row = 0
        self._changed()
        await self._memory.forget(self._place.name)
