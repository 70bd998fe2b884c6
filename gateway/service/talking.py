"""Where a command does its work: in the gateway that serves, by a request, or else here (DESIGN §1)."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.ledger import Ledger, open_ledger
from gateway.ledger.errors import AlreadyServed
from gateway.ledger.instances import Holder
from gateway.service.asking import AskFailed, ask
from gateway.service.reading import SERVE, served_by

if TYPE_CHECKING:
    from gateway.service.desk import Handler
    from gateway.service.engine import Engine

JOB_WORK = "job start"
"""A command that works on runs of jobs where nobody serves; it answers what is asked of jobs meanwhile."""

_LOOK_EVERY_S = 0.2
_PATIENCE_S = 60.0

Answer = Mapping[str, Any]


class Talk(Protocol):
    """Takes a request of any kind that the gateway knows, and answers it."""

    @property
    def ledger(self) -> Ledger:
        """To follow what was asked for."""
        ...

    @property
    def served_by(self) -> Holder | None:
        """The process that serves; None where the work is done here."""
        ...

    async def ask(self, kind: str, arguments: Mapping[str, Any], *, limit_s: float | None = 60.0) -> Answer:
        """Raises the GatewayError that came of it."""
        ...


class Beside:
    """Asks the process that serves."""

    def __init__(self, ledger: Ledger, clock: Clock, served_by: Holder) -> None:
        self.ledger = ledger
        self.served_by: Holder | None = served_by
        self._clock = clock

    async def ask(self, kind: str, arguments: Mapping[str, Any], *, limit_s: float | None = 60.0) -> Answer:
        """A request row, and its answer."""
        return await ask(self.ledger, self._clock, kind, arguments, limit_s=limit_s)


class Here:
    """Does it in this process."""

    def __init__(self, built: "Engine", handlers: "Mapping[str, Handler]") -> None:
        self.engine = built
        self.ledger = built.ledger
        self.served_by: Holder | None = None
        self._handlers = handlers

    async def ask(self, kind: str, arguments: Mapping[str, Any], *, limit_s: float | None = 60.0) -> Answer:  # noqa: ARG002
        """The same function that the gateway would call."""
        if kind not in self._handlers:
            raise AskFailed(f"no gateway serves, and only one that serves can answer {kind!r}; start `gateway serve`")
        return await self._handlers[kind](arguments)


@asynccontextmanager
async def talk(
    loaded: Loaded,
    clock: Clock,
    what: str,
    *,
    patience_s: float = _PATIENCE_S,
    waiting: Callable[[Holder], None] | None = None,
    beside: Collection[str] = (SERVE,),
) -> AsyncIterator[Talk]:
    """Ask the gateway that serves this state folder; where none does, be it for the time of the block.

    `beside` are the commands that can answer.  While another one has the folder we wait, `waiting` hears for whom.
    Raises AlreadyServed after `patience_s`.
    """
    async with AsyncExitStack() as stack:
        yield await _entered(stack, loaded, clock, what, patience_s, waiting, beside)


async def _entered(
    stack: AsyncExitStack,
    loaded: Loaded,
    clock: Clock,
    what: str,
    patience_s: float,
    waiting: Callable[[Holder], None] | None,
    beside: Collection[str],
) -> Talk:
    end_s, told = clock.monotonic() + patience_s, False
    while True:
        found = await served_by(loaded)
        if found is not None and found.what in beside:
            ledger = await stack.enter_async_context(open_ledger(loaded.state, clock))
            return Beside(ledger, clock, found)
        if found is None or clock.monotonic() >= end_s:
            try:
                return await _here(stack, loaded, clock, what)
            except AlreadyServed:
                if clock.monotonic() >= end_s:
                    raise
        elif waiting is not None and not told:
            waiting(found)
            told = True
        await clock.sleep(_LOOK_EVERY_S)


async def _here(stack: AsyncExitStack, loaded: Loaded, clock: Clock, what: str) -> Here:
    """With an engine, which takes long to import: who asks another process needs none."""
    from gateway.service.alone import Alone
    from gateway.service.engine import engine
    from gateway.service.handlers import handlers

    built = await stack.enter_async_context(engine(loaded, clock, what))
    return Here(built, handlers(Alone(built)))
