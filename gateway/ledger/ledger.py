"""The ledger as the other floors see it: `write` is durable when it returns, `read` sees one state of things."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from gateway.core.clock import Clock
from gateway.core.errors import GatewayError
from gateway.core.moments import ns
from gateway.ledger.database import FILE_NAME, mark_of, reading_engine
from gateway.ledger.errors import LedgerFull, ledger_error
from gateway.ledger.migrate import migrate
from gateway.ledger.pulse import Pulse
from gateway.ledger.reserve import RESERVE_BYTES, Reserve
from gateway.ledger.writer import Writer

T = TypeVar("T")
READERS = 4


class Ledger:
    """What is intended and what is done.  Use it as an async context manager (`open_ledger`)."""

    def __init__(self, folder: Path, clock: Clock, *, reserve_bytes: int = RESERVE_BYTES) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME
        self.clock = clock
        self.mark = ""
        """What tells our names from those of another gateway's ledger; made once, with the file."""
        self.active: set[int] = set()
        """Deliveries that a task of this process works on right now."""
        self._reserve = Reserve(folder, reserve_bytes)
        self._writer = Writer(self.path, self._reserve)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="ledger-read")
        self._reading: Engine | None = None
        self._pulse: Pulse | None = None

    @property
    def trouble(self) -> GatewayError | None:
        """Why no new file is taken now; None while all is well."""
        if self._writer.trouble is not None:
            return self._writer.trouble
        if not self._reserve.kept:
            return self._full()
        return None

    def now_ns(self) -> int:
        """The wall clock as the tables keep it: nanoseconds since the epoch, UTC."""
        return ns(self.clock.now())

    def submit(self, work: Callable[[Connection], T]) -> "asyncio.Future[T]":
        """`write` for who awaits it later: the work goes on whatever becomes of the future."""
        return self._writer.submit(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in the writer's thread; returns after the COMMIT that makes it durable.

        Works share transactions: one that raises takes back only its own changes.  A work may be run again, after a
        full disk or where another one fails, so it touches nothing but the connection.  A cancelled awaiter does not
        stop its work.
        Raises what `work` raises, LedgerLocked, LedgerFull or LedgerBroken.
        """
        return await self.submit(work)

    async def take(self, work: Callable[[Connection], T]) -> T:
        """`write` for a work that takes on something new: refused while the ledger is short of space."""
        await self.may_take()
        return await self.write(work)

    async def may_take(self) -> None:
        """Raises LedgerFull while the ledger is short of space: nothing new is taken on."""
        if not self._reserve.kept and not await asyncio.to_thread(self._reserve.make):
            raise self.trouble or self._full()

    def _full(self) -> LedgerFull:
        room = f"too little room on its disk: {self._reserve.lacks()}"
        return LedgerFull(f"{self.path}: {room}; free some space; until then nothing new is taken")

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a reading connection in a thread; it sees one state of the ledger throughout."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def version(self) -> int:
        """Changes whenever anything was committed, by us or by another process; costs some microseconds."""
        assert self._pulse is not None, "the ledger is not open"
        return self._pulse.beat()

    def _read(self, work: Callable[[Connection], T]) -> T:
        assert self._reading is not None, "the ledger is not open"
        try:
            with self._reading.connect() as connection:
                return work(connection)
        except DBAPIError as exc:
            raise ledger_error(self.path, exc) or exc from exc

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._open)
        return self

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._migrate()
        self.mark = mark_of(self.path)
        self._reserve.make()
        self._reading = reading_engine(self.path)
        self._pulse = Pulse(self.path)
        self._writer.start()

    def _migrate(self) -> None:
        try:
            migrate(self.path)
        except LedgerFull:
            if not self._reserve.give_up():
                raise
            migrate(self.path)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.close()
        self._readers.shutdown()
        if self._reading is not None:
            self._reading.dispose()
        if self._pulse is not None:
            self._pulse.close()


def open_ledger(folder: Path, clock: Clock, *, reserve_bytes: int = RESERVE_BYTES) -> Ledger:
    """The ledger in the state folder `folder`: `async with open_ledger(folder, clock) as ledger`.

    Entering it makes or migrates the file.  Raises NeedsOperator if it is damaged, read-only or on a network file
    system, LedgerLocked if another program keeps it locked.
    """
    return Ledger(folder, clock, reserve_bytes=reserve_bytes)
