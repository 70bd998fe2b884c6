"""A whole engine over a temporary folder: scripts are checked, run and looked at as a user would.

The endpoint `far` is a folder of this machine; a test may add others.  The clock is the machine's own, or one that the
test turns.
"""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from sqlalchemy import RowMapping, select

from gateway.config.load import load
from gateway.core.clock import Clock, SystemClock, TurnedClock
from gateway.core.model import Entry, Severity
from gateway.endpoints.local import LocalEndpoint
from gateway.endpoints.place import Place
from gateway.endpoints.pool import Pool
from gateway.endpoints.session import Session
from gateway.language.check import check
from gateway.language.parse import parse_bytes
from gateway.ledger import Connection, deliveries, open_ledger, runs
from gateway.ledger.delivery_row import DeliveryRow
from gateway.ledger.sources import HeldSource, free, held
from gateway.ledger.tables import delivery, reaction
from gateway.runner.actions import instances_of
from gateway.runner.due import Due, RunResult, Trigger
from gateway.runner.instance import Instance
from gateway.runner.world import world_of
from gateway.service.engine import Engine, engine
from gateway.transfer.logins import LedgerLogins
from gateway.transfer.sources import Found, stamp_of
from tests.places import places_of
from tests.settled import settled, talks

T = TypeVar("T")
START = datetime(2026, 11, 3, 10, 0, tzinfo=UTC)


Before = Callable[[str, str], Awaitable[None]]


class Disturbed(LocalEndpoint):
    """A server that does what a test wants before each call."""

    def __init__(self, folder: str, before: Before) -> None:
        super().__init__(folder)
        self._before = before

    async def stat(self, path: str) -> Entry:
        await self._before("stat", path)
        return await super().stat(path)

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        await self._before("write", path)
        return await super().write(path, blocks, offset=offset, sync=sync)

    async def rename(self, source: str, target: str) -> None:
        await self._before("rename", target)
        await super().rename(source, target)

    async def remove(self, path: str) -> None:
        await self._before("remove", path)
        await super().remove(path)

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        await self._before("read", path)
        async for block in super().read(path, offset):
            yield block

    async def scan(self, folder: str) -> AsyncIterator[Entry]:
        await self._before("scan", folder)
        async for entry in super().scan(folder):
            yield entry


@dataclass(slots=True)
class Stage:
    """An engine under test; `far` is what the endpoint shows, `outbox` and `inbox` are its local folders."""

    root: Path
    engine: Engine
    clock: Clock
    instances: dict[str, Instance] = field(default_factory=dict)
    pools: list[Pool] = field(default_factory=list)

    def disturb(self, before: Before) -> None:
        """From now on the server of every endpoint asks `before(call, path)` first, which may wait or raise."""

        async def opened(place: Place) -> Session:
            await before("login", place.name)
            return Disturbed(place.folder, before)

        pool = Pool(places_of(self.engine.loaded), self.clock, LedgerLogins(self.engine.ledger), opened)
        self.pools.append(pool)
        self.engine.runner.renew(replace(self.engine.runner.services, pool=pool), self.instances)

    @property
    def far(self) -> Path:
        return self.root / "far"

    @property
    def outbox(self) -> Path:
        return self.root / "outbox"

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    def script(self, text: str, name: str = "job") -> Instance:
        """Check a script as `gateway check` does and let the runner know it; its first instance."""
        if "@endpoint" not in text:
            text = f"@endpoint far\n{text}"
        path = self.root / "actions" / f"{name}.act"
        path.write_text(text)
        data = path.read_bytes()
        parsed = parse_bytes(data, str(path))
        errors = [one for one in check(parsed, world_of(self.engine.loaded)) if one.severity is Severity.ERROR]
        assert not errors, errors
        made = list(instances_of(self.engine.loaded, parsed, hashlib.sha256(data).hexdigest()))
        self.instances |= {one.name: one for one in made}
        self.engine.runner.renew(self.engine.runner.services, self.instances)
        return made[0]

    async def run(
        self,
        text: str,
        *,
        name: str = "job",
        now: bool = True,
        trigger: Trigger = Trigger.HAND,
        judged: Mapping[int, Sequence[Path]] | None = None,
        approved: bool = False,
    ) -> RunResult:
        """Run a script to its end, without waiting for stability unless `now` is False."""
        due = Due(
            action=self.script(text, name).name,
            trigger=trigger,
            judged=None if judged is None else {n: tuple(map(found, paths)) for n, paths in judged.items()},
            skip_wait=now,
            approved=approved,
        )
        return await self.ending(self.engine.runner.run(due))

    async def ending(self, work: Awaitable[T], step_s: float = 1.0) -> T:
        """Await `work`; a turned clock goes on meanwhile, `step_s` at a time."""
        if not isinstance(self.clock, TurnedClock):
            return await asyncio.wait_for(work, 100)
        return await turning(self.clock, work, step_s)

    async def ledger(self, work: Callable[[Connection], T]) -> T:
        return await self.engine.ledger.read(work)

    async def deliveries(self) -> list[DeliveryRow]:
        """All of them, in the order in which they were intended."""
        rows = await self.ledger(lambda c: c.execute(select(delivery.c.id).order_by(delivery.c.id)).scalars().all())
        return [row for one in rows if (row := await self.delivery(one)) is not None]

    async def delivery(self, found: int) -> DeliveryRow | None:
        return await self.ledger(lambda connection: deliveries.get(connection, found))

    async def reactions(self) -> list[RowMapping]:
        """Every reaction row, oldest first."""
        return await self.ledger(lambda c: list(c.execute(select(reaction).order_by(reaction.c.id)).mappings()))

    async def ledger_free(self, action: str, name: str) -> None:
        """What `gateway retry` does: a source of the outbox is no longer held back."""
        path = str(self.outbox / name)
        await self.engine.ledger.write(lambda connection: free(connection, action, path))

    async def held(self) -> tuple[HeldSource, ...]:
        return await self.ledger(held)

    async def run_row(self, number: int) -> runs.RunRow:
        row = await self.ledger(lambda connection: runs.get(connection, number))
        assert row is not None
        return row


async def turning(clock: TurnedClock, work: Awaitable[T], step_s: float = 1.0) -> T:
    """Await `work` while the clock is turned in small steps; what happens on disk gets its real time.

    Where a peer may be at work that nobody sees, who sleeps for long may only be watching over it: the clock is turned
    for them once all is quiet.
    """
    task = asyncio.ensure_future(work)
    quiet = 0
    for _ in range(4000):
        await settled()
        unseen = clock.next_wake is None or talks()
        if unseen:
            await asyncio.wait({task}, timeout=0.004)
            await settled()
        if task.done():
            return await task
        wake_s = (clock.next_wake or clock.monotonic()) - clock.monotonic()
        quiet += 1
        if 0 < wake_s < _LONG_S or (wake_s and (quiet > _QUIET_ROUNDS or not unseen)):
            quiet = quiet if wake_s > step_s else 0
            await clock.turn(timedelta(seconds=min(step_s, max(0.001, wake_s))))
    task.cancel()
    raise AssertionError(f"still at it after {clock.monotonic()} s of the turned clock")


_LONG_S = 45.0
_QUIET_ROUNDS = 150


def found(path: Path) -> Found:
    """A file as the scheduler would hand it over."""
    return Found(str(path), path.name, stamp_of(path.stat()))


def write(path: Path, content: str | bytes = "content", *, age_s: float = 0.0) -> Path:
    """Make a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if age_s:
        then = path.stat().st_mtime - age_s
        os.utime(path, (then, then))
    return path


def tree(folder: Path) -> dict[str, str]:
    """Every file below `folder`, hidden ones included: relative path to content."""
    return {
        str(path.relative_to(folder)): path.read_text(errors="replace")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def configuration(
    root: Path, extra: str = "", *, allow: Sequence[str] = (), endpoint: str = "", gateway: str = ""
) -> Path:
    """A gateway.toml over `root`; `endpoint` and `gateway` are more lines for the endpoint `far` and for [gateway]."""
    for name in ("far", "outbox", "inbox", "actions"):
        (root / name).mkdir(exist_ok=True)
    path = root / "gateway.toml"
    path.write_text(
        f"""
[gateway]
state = "var"
actions = ["actions"]
timezone = "UTC"
{gateway}
[system]
allow = [{", ".join(f"'{one}'" for one in allow)}]
[endpoints.far]
url = "file://{root}/far"
outbox = "outbox"
inbox = "inbox"
{endpoint}
{extra}
"""
    )
    return path


_EMPTY_LEDGER: list[bytes] = []
"""An empty ledger's file: to copy it takes a tenth of the time that making one takes."""


async def _lay_down_ledger(state: Path) -> None:
    if (state / _LEDGER_NAME).exists():
        return
    if not _EMPTY_LEDGER:
        with tempfile.TemporaryDirectory() as folder:
            async with open_ledger(Path(folder), SystemClock(), reserve_bytes=0):
                pass
            _EMPTY_LEDGER.append((Path(folder) / _LEDGER_NAME).read_bytes())
    state.mkdir(exist_ok=True)
    (state / _LEDGER_NAME).write_bytes(_EMPTY_LEDGER[0])


_LEDGER_NAME = "ledger.sqlite"


@asynccontextmanager
async def stage(
    root: Path,
    extra: str = "",
    *,
    clock: Clock | None = None,
    allow: Sequence[str] = (),
    endpoint: str = "",
    gateway: str = "",
) -> AsyncIterator[Stage]:
    """An engine over `root`, which may hold what an earlier one left."""
    clock = clock or SystemClock()
    await _lay_down_ledger(root / "var")
    loaded = load(configuration(root, extra, allow=allow, endpoint=endpoint, gateway=gateway))
    async with engine(loaded, clock, "test") as built:
        made = Stage(root, built, clock)
        try:
            yield made
        finally:
            for pool in made.pools:
                await pool.close()
