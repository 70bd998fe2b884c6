"""One history: a writer, a gateway that dies and comes back, a peer, and what must hold at every moment."""

import asyncio
import itertools
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar, cast

from sqlalchemy import text

from gateway.core.clock import SystemClock
from gateway.core.errors import GatewayError, SourceChanged
from gateway.endpoints.base import Features
from gateway.endpoints.memory import MemoryEndpoint
from gateway.language.nodes import Taken
from gateway.language.settings import Order
from gateway.ledger import Connection, Ledger, deliveries
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.runner.order import Turns
from gateway.transfer.aboard import Aboard, Lent
from gateway.transfer.deliver import deliver, resume_delivery
from gateway.transfer.intent import Delivered, Held, Hooks, Intent, Outcome
from gateway.transfer.sweep import sweep
from gateway.transfer.together import Together
from tests.chaos.bulk import OneByOne
from tests.chaos.fate import Fate, Kill
from tests.chaos.peer import Session, Shop

T = TypeVar("T")
_NAMES = itertools.count(1)
_AT_ONCE = 50
COUNT = int(os.environ.get("GATEWAY_HISTORIES", "150"))
FIRST = int(os.environ.get("SEED", "0")) * 1_000_000
"""How many histories of each kind are played, and the seed of the first."""


class Broken(AssertionError):
    """The promise was broken."""


class MortalLedger:
    """The real ledger as one process sees it: its commits may be the last thing it does."""

    def __init__(self, ledger: Ledger, fate: Fate) -> None:
        self._ledger = ledger
        self._fate = fate
        self.active: set[int] = set()
        self.mark = ledger.mark
        self.now_ns = ledger.now_ns

    async def write(self, work: Callable[[Connection], T]) -> T:
        self._fate.told.append(f"write {getattr(work, 'keywords', {}).get('target', '')}")
        return await self._fate.ledger_call(lambda: self._ledger.write(work))

    def submit(self, work: Callable[[Connection], T]) -> "asyncio.Future[T]":
        return asyncio.ensure_future(self.write(work))

    async def may_take(self) -> None:
        await self._ledger.may_take()

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self._ledger.write(work)


@dataclass
class History:
    """What one seed makes of a delivery."""

    seed: int
    ledger: Ledger
    features: Features
    mode: Taken = Taken.REPLACE
    faults: int = 3
    together: bool = False
    """New files set out as many do; what leaves the others goes on by itself."""
    takes: bool = True
    replaces_source: bool = True
    repeat: int = 1
    """How often the content is repeated, to make it large."""
    damages: bool = False
    """Somebody meddles with partials between two attempts."""
    arrives: float = 0.2
    """The chance of what is late, between two calls."""
    rng: random.Random = field(init=False)
    here: Shop = field(init=False)
    there: Shop = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.here, self.there = Shop(), Shop()
        self.budget = [self.faults]
        self.moves = [2]
        number = next(_NAMES)
        self.action, self.source, self.final = f"a{number}", "/out/a.csv", "in/a.csv"
        self.place = f"peer{number}"
        self.written: list[bytes] = []
        self.overwritten: set[bytes] = set()
        self.delete_failed = False
        self.told: list[str] = []
        self.taken: list[bytes] = []
        self.old = f"old {self.seed}".encode() if self.rng.random() < 0.4 else None
        self.there.store.folders["/in"] = 2
        if self.old is not None:
            self.there.store.put("/in/a.csv", self.old)
        self.write_source()

    def write_source(self) -> None:
        """The writer lays a new version down, by rename, as it should."""
        present = self.here.store.files.get(self.source)
        if present is not None:
            self.overwritten.add(bytes(present.data))
        content = f"version {len(self.written)} of {self.seed}".encode() * self.repeat
        self.written.append(content)
        self.told.append(f"WRITTEN {content!r}")
        self.here.store.put(self.source, content)

    def world(self) -> None:
        """What others do between any two calls of the gateway, and what they must never see."""
        self.check_visible()
        if self.there.late and self.rng.random() < self.arrives:
            self.told.append("ARRIVED LATE")
            self.there.arrive_late()
        if self.takes and not self.there.cut and self.rng.random() < 0.1:
            self.take_away()
        if self.replaces_source and self.moves[0] and self.rng.random() < 0.02:
            self.moves[0] -= 1
            self.write_source()

    def take_away(self) -> None:
        """The recipient takes what it sees."""
        for path in self.there.visible():
            self.told.append(f"TAKEN {path}")
            self.taken.append(bytes(self.there.store.files.pop(path).data))

    def check_visible(self) -> None:
        """No half file under a final name, and none twice."""
        whole = {*self.written, self.old}
        for path, content in self.there.visible().items():
            if self.mode is not Taken.APPEND and content not in whole:
                raise self.broken(f"{path} shows {content!r}")
        for content, times in self.there.shown.items():
            if times > 1 and content in self.written:
                raise self.broken(f"{content!r} was delivered {times} times")

    def broken(self, what: str) -> Broken:
        """What is wrong, and how it came to it."""
        return Broken("\n".join([f"seed {self.seed}: {what}", *self.told[-60:]]))

    async def play(self) -> None:
        """Processes come and go until nothing is left to do; then the books are compared."""
        owner = 0
        for _life in range(60):
            fate = Fate(self.rng, self.budget, self.world, told=self.told)
            self.told.append("-- a process --")
            owner = await self.ledger.write(partial(_next_process, before=owner))
            try:
                if await self.live(fate, owner):
                    await sweep(self.ledger, self.place, MemoryEndpoint(self.there.store))
                    self.check_end()
                    return
            except Kill:
                pass
        raise self.broken("it never comes to an end")

    async def live(self, fate: Fate, owner: int) -> bool:
        """One process: settle what is open, then send what is there; True when all is done."""
        ledger = MortalLedger(self.ledger, fate)
        for _attempt in range(20):
            if await self.attempt(fate, owner, ledger):
                return True
        return False

    async def attempt(self, fate: Fate, owner: int, ledger: MortalLedger) -> bool:
        open_now = await self.ledger.write(partial(_open_ids, action=self.action))
        ends = (Session(self.here, _LOCAL, fate, remote=False), Session(self.there, self.features, fate))
        common: dict[str, Any] = {"ledger": cast(Ledger, ledger), "clock": SystemClock(), "owner": owner}
        if self.damages:
            await self.damage(open_now)
        if open_now:
            work = resume_delivery(open_now[0], *ends, **common, by_operator=False)
        elif self.source in self.here.store.files:
            send = self.send_together if self.together else deliver
            work = send(await self.intent(), *ends, **common)
        else:
            return True
        return await self.outcome(fate, asyncio.ensure_future(work))

    async def send_together(self, intent: Intent, source: Session, target: Session, **common: Any) -> Outcome:
        there: list[DeliveryRow] = []
        left: list[Aboard] = []
        lent = Lent(
            source=source,
            target=target,
            takes=OneByOne(source),
            lays=OneByOne(target),
            ledger=common["ledger"],
            owner=common["owner"],
            hooks=Hooks(),
            turns=partial(Turns(Order.FREE, 1).together, in_line=False),
            left=left.append,
            delivered=lambda row, _: there.append(row),
        )
        await Together(lent, [Aboard(1, intent)]).carry()
        if there:
            self.told.append("ARRIVED TOGETHER")
            return Delivered(there[0])
        found = left[0].delivery
        self.told.append(f"LEFT {found}")
        go_on = partial(deliver, intent) if found is None else partial(resume_delivery, found)
        return await go_on(source, target, **common)

    async def damage(self, open_now: list[int]) -> None:
        """A partial that is verified is out of bounds: nobody can tell what happens to it after the last look."""
        for found in open_now:
            row = await self.ledger.write(partial(deliveries.get, found=found))
            path = f"/{row.partial}" if row is not None and row.state is State.INTENDED else ""
            if path in self.there.store.files and self.moves[0] and self.rng.random() < 0.2:
                self.moves[0] -= 1
                self.told.append(f"DAMAGED {path}")
                self.there.damage(path, self.rng)

    async def outcome(self, fate: Fate, task: "asyncio.Task[Any]") -> bool:
        fate.task = task
        try:
            outcome = await task
        except asyncio.CancelledError:
            return False
        except GatewayError as exc:
            self.told.append(f"{type(exc).__name__}: {exc}")
            if isinstance(exc, SourceChanged):
                await self.fail_intended()
            return False
        finally:
            fate.task = None
        self.delete_failed |= isinstance(outcome, Delivered) and outcome.delete_failed is not None
        if isinstance(outcome, Held) and self.mode is not Taken.HOLD:
            raise self.broken(f"held without need: {outcome.reason}")
        if isinstance(outcome, Held):
            self.take_away()
        return False

    async def fail_intended(self) -> None:
        """The runner's part: a source that changed ends its delivery, and is judged anew."""
        for row in await self.ledger.write(partial(deliveries.open_deliveries, action=self.action)):
            if row.state is State.INTENDED and row.id:
                work = partial(deliveries.fail, found=row.id, error="changed", error_class="SourceChanged", at=1)
                await self.ledger.write(work)

    async def intent(self) -> Intent:
        stamp = (await MemoryEndpoint(self.here.store).stat(self.source)).stamp
        return Intent(
            action=self.action,
            command=1,
            verb="PUT",
            endpoint=self.place,
            place=self.place,
            source=self.source,
            stamp=stamp,
            final=self.final,
            mode=self.mode,
            remove_source=True,
        )

    def check_end(self) -> None:
        """Nothing lost, nothing twice, nothing left lying about."""
        while self.there.late:
            self.there.arrive_late()
        self.check_visible()
        if self.mode is Taken.APPEND:
            self.check_appended()
            return
        kept = self.claimed()
        for content in self.written:
            if not self.there.shown[content] and content not in self.overwritten | kept:
                raise self.broken(f"{content!r} is lost")
        for content in self.stays():
            if content not in self.taken and content not in self.there.visible().values():
                raise self.broken(f"{content!r} was delivered, and is gone without anybody's taking it")
        left = [path for shop in (self.here, self.there) for path in shop.store.files if "/." in path]
        # A version that was claimed by mistake while a newer one took its name waits for a person, who is told.
        told = self.delete_failed or "write delete_failed" in self.told  # a cancel may have come with the answer
        if told and len(left) == 1 and left[0].endswith(".claim") and kept.isdisjoint(self.there.shown):
            return
        if left:
            raise self.broken(f"{left} left behind")

    def stays(self) -> list[bytes]:
        """What was delivered and nothing of ours replaces."""
        shown = list(self.there.shown)
        return shown[-1:] if self.mode is Taken.REPLACE else shown

    def claimed(self) -> set[bytes]:
        """Versions that were claimed by mistake and could not be put back: they wait for a person."""
        return {bytes(file.data) for path, file in self.here.store.files.items() if path.endswith(".claim")}

    def check_appended(self) -> None:
        """Behind the old content stand whole versions, each once, in the order they were written."""
        rest = self.there.visible().get("/in/a.csv", b"").removeprefix(self.old or b"")
        for content in self.written:
            if rest.startswith(content):
                rest = rest.removeprefix(content)
            elif content not in self.overwritten | self.claimed():
                raise self.broken(f"{content!r} is lost")
        if rest:
            raise self.broken(f"{rest!r} should not be there")


async def side_by_side(histories: list[History], at_once: int = _AT_ONCE) -> None:
    """Play histories, so many at a time that they share commits; the first broken promise ends them all."""
    left = list(histories)

    async def player() -> None:
        while left:
            await left.pop().play()

    players = [asyncio.ensure_future(player()) for _ in range(at_once)]
    try:
        await asyncio.gather(*players)
    finally:
        left.clear()
        for one in players:
            one.cancel()
        await asyncio.gather(*players, return_exceptions=True)


_LOCAL = MemoryEndpoint().features
# Plain statements: a history makes dozens, and they are not what is tried here.
_OPEN = text(
    "SELECT id FROM delivery WHERE action = :action"
    " AND state IN ('intended', 'placing', 'swapping', 'delivered', 'held')"
)
_END = text("UPDATE instance SET ended_at = 1 WHERE id = :before")
_BEGIN = text("INSERT INTO instance (pid, boot, what, started_at) VALUES (1, '', 'test', 1) RETURNING id")


def _open_ids(connection: Connection, action: str) -> list[int]:
    return list(connection.execute(_OPEN, {"action": action}).scalars())


def _next_process(connection: Connection, before: int) -> int:
    connection.execute(_END, {"before": before})
    return int(connection.execute(_BEGIN).scalar_one())
