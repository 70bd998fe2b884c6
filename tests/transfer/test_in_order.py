"""Order kept where renames are sent without waiting for answers: a link that is cut changes nothing of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from gateway.config.schema import Scheme
from gateway.core.clock import SystemClock
from gateway.endpoints.base import Endpoint
from gateway.endpoints.memory import MemoryEndpoint, MemoryStore
from gateway.endpoints.place import Place
from gateway.endpoints.pool import Pool
from gateway.endpoints.session import Session
from gateway.language.settings import Order
from gateway.ledger import Ledger, instances, open_ledger
from gateway.runner.order import InTurn, Turns
from gateway.transfer.deliver import deliver
from gateway.transfer.intent import Caller, Intent

COUNT = 12
LATE = COUNT + 1


class Peer:
    """Sessions on one store, each after a login that takes its time; knows in which order renames were sent."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.store.folders["/in"] = 2
        self.sessions: list[_Session] = []
        self.sent: list[int] = []
        self.sent_one = asyncio.Event()

    async def open(self, place: Place) -> Session:
        await asyncio.sleep(0.05)
        self.sessions.append(_Session(self))
        return self.sessions[-1]

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Endpoint]:
        """As a lane lends it."""
        place = Place(name="acme", scheme=Scheme.SFTP, host="sftp.example", port=22, user="u", password="p")
        pool = Pool({"acme": place}, SystemClock(), None, self.open)
        async with pool.session("acme") as session:
            yield session
        await pool.close()


class _Session(MemoryEndpoint):
    def __init__(self, peer: Peer) -> None:
        super().__init__(peer.store, features=replace(MemoryEndpoint().features, ordered_renames=True))
        self._peer = peer

    async def rename(self, source: str, target: str) -> None:
        self._peer.sent.append(int(target.rpartition("/")[2]))
        self._peer.sent_one.set()
        await asyncio.sleep(0.001)
        await super().rename(source, target)


class _Turn:
    """The turn of one file; `waiting` knows who wants to rename."""

    def __init__(self, turn: InTurn | None, number: int, waiting: set[int], comes: asyncio.Event) -> None:
        assert turn is not None
        self._turn, self._number, self._waiting, self._comes = turn, number, waiting, comes

    async def before_placing(self) -> None:
        if self._number == LATE:
            await self._comes.wait()
        await self._turn.before_placing()

    async def before_rename(self) -> None:
        self._waiting.add(self._number)
        await self._turn.before_rename()

    def rename_sent(self) -> None:
        self._turn.rename_sent()


@asynccontextmanager
async def book(tmp_path: Path) -> AsyncIterator[tuple[Ledger, int]]:
    async with (
        open_ledger(tmp_path / "state", SystemClock(), reserve_bytes=0) as ledger,
        instances.own(ledger, "serve") as owner,
    ):
        yield ledger, owner


async def test_files_that_wait_for_a_login_keep_their_order_and_none_overtakes_them(tmp_path: Path) -> None:
    peer, source, turns = Peer(), MemoryEndpoint(MemoryStore()), Turns(Order.KEPT, LATE)
    waiting = set[int]()
    async with book(tmp_path) as (ledger, owner), peer.lent() as target:

        async def file(number: int) -> None:
            source.store.put(f"/{number}", b"1")
            intent = Intent(
                action="orders", command=1, verb="PUT", endpoint="acme", place="acme", source=f"/{number}",
                stamp=(await source.stat(f"/{number}")).stamp, final=f"in/{number}",
            )  # fmt: skip
            turn = _Turn(turns.in_line(number), number, waiting, peer.sent_one)
            send = partial(deliver, intent, source, target, ledger=ledger, clock=SystemClock(), owner=owner)
            await send(caller=Caller(in_line=turn))
            turns.over(number)

        going = asyncio.gather(*(file(number) for number in range(2, LATE + 1)))
        first = turns.in_line(1)
        assert first is not None
        await first.before_placing()
        async with asyncio.timeout(100):
            while len(waiting) < COUNT - 1:
                await asyncio.sleep(0.001)
            peer.sessions[0].usable = False
            first.rename_sent()
            await going
    assert peer.sent == list(range(2, LATE + 1))
    assert len(peer.sessions) == 2
