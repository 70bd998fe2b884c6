"""The circuit of an endpoint: opens after repeated failures, one session tries, a carried file closes it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest

from gateway.config.schema import Scheme
from gateway.core.circuit import Circuit, circuit_at
from gateway.core.clock import TurnedClock
from gateway.core.errors import GatewayError, LinkLost, LoginRefused, NoSpace, NotThere, PathRefused
from gateway.core.model import Entry
from gateway.endpoints.base import Endpoint
from gateway.endpoints.breaker import FAILURES_IN_A_ROW
from gateway.endpoints.memory import MemoryEndpoint, MemoryStore
from gateway.endpoints.place import Place
from gateway.endpoints.pool import ForgetfulMemory, NotYet, Pool
from gateway.endpoints.session import Session
from gateway.endpoints.trouble import pause_after

START = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
PLACE = Place(name="acme", scheme=Scheme.SFTP, host="sftp.example", sessions=3, connects_per_minute=0)
LOST = LinkLost("acme: connection reset")


class Peer:
    """Lets everybody in.  What fails next stands in `faults`; without any all is well."""

    def __init__(self, place: Place = PLACE) -> None:
        self.clock = TurnedClock(START)
        self.memory = ForgetfulMemory()
        self.store = MemoryStore(self.clock.now)
        self.logins = 0
        self.refusals: list[GatewayError] = []
        self.faults: list[GatewayError] = []
        self.hangs: asyncio.Event | None = None
        self.pool = self.another_pool(place)

    def another_pool(self, place: Place = PLACE) -> Pool:
        return Pool({place.name: place}, self.clock, self.memory, self.open, jitter=lambda: 0.0)

    async def open(self, place: Place) -> Session:
        self.logins += 1
        if self.refusals:
            raise self.refusals.pop(0)
        return _Faulty(self)

    async def fail(self, times: int = FAILURES_IN_A_ROW, error: GatewayError = LOST) -> None:
        for _ in range(times):
            self.faults = [error]
            with pytest.raises(type(error)):
                await put(self.pool)
        self.faults = []

    async def pass_time(self, seconds: float) -> None:
        await self.clock.turn(timedelta(seconds=seconds))

    def word(self) -> Circuit | None:
        trouble = self.memory.troubles.get("acme")
        return None if trouble is None else circuit_at(trouble.next_at, self.clock.now())


class _Faulty(MemoryEndpoint):
    def __init__(self, peer: Peer) -> None:
        super().__init__(peer.store)
        self._peer = peer

    def _fault(self) -> None:
        if self._peer.faults:
            error = self._peer.faults.pop(0)
            self.usable = not isinstance(error, LinkLost)
            raise error

    async def stat(self, path: str) -> Entry:
        if not self.usable:
            raise LinkLost("the link is gone")
        return await super().stat(path)

    async def remove(self, path: str) -> None:
        if not self.usable:
            raise LinkLost("the link is gone")
        await super().remove(path)

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        if self._peer.hangs is not None:
            await self._peer.hangs.wait()
        self._fault()
        return await super().write(path, blocks, offset=offset, sync=sync)

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        self._fault()
        async for block in super().read(path, offset):
            yield block


async def some() -> AsyncIterator[bytes]:
    yield b"some bytes"


async def put(pool: Pool) -> None:
    async with pool.session("acme") as session:
        await session.write("f", some())


async def look(pool: Pool) -> None:
    async with pool.session("acme") as session:
        [entry async for entry in session.scan("")]


async def test_transfers_that_fail_again_and_again_open_the_circuit_though_every_login_works() -> None:
    peer = Peer()
    await peer.fail(FAILURES_IN_A_ROW - 1)
    assert peer.word() is None
    await peer.fail(1)
    assert peer.word() is Circuit.OPEN
    before = peer.logins
    with pytest.raises(NotYet, match=r"not tried before .* connection reset \(failed 5 times in a row\)") as caught:
        await put(peer.pool)
    assert (peer.logins, caught.value.next_at) == (before, START + timedelta(seconds=5))


async def put_fresh(pool: Pool) -> None:
    async with pool.session("acme", fresh=True) as session:
        await session.write("f", some())


async def test_a_failure_long_after_it_has_opened_opens_it_again() -> None:
    peer = Peer()
    await peer.fail()
    await peer.pass_time(600)
    await peer.fail(1)
    assert peer.word() is Circuit.OPEN
    assert peer.memory.troubles["acme"].next_at == START + timedelta(seconds=610)


async def test_whoever_waits_for_a_session_when_it_opens_is_told_at_once() -> None:
    peer = Peer()
    async with AsyncExitStack() as stack:
        lent = [await stack.enter_async_context(peer.pool.session("acme")) for _ in range(3)]
        waiting = [asyncio.ensure_future(put(peer.pool)) for _ in range(5)]
        await _lose(peer, lent[0], FAILURES_IN_A_ROW)
        answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 100)
        assert all(isinstance(answer, NotYet) for answer in answers)


async def test_a_file_that_is_carried_between_them_ends_the_row() -> None:
    peer = Peer()
    for _ in range(3):
        await peer.fail(FAILURES_IN_A_ROW - 1)
        await put(peer.pool)
    assert peer.word() is None


async def test_failures_that_lie_far_apart_are_no_row() -> None:
    peer = Peer()
    for _ in range(FAILURES_IN_A_ROW * 2):
        await peer.fail(1)
        await peer.pass_time(301)
    assert peer.word() is None


async def test_a_full_disk_opens_it_with_sessions_that_stay_usable() -> None:
    peer = Peer()
    await peer.fail(error=NoSpace("acme: the disk is full"))
    assert peer.word() is Circuit.OPEN
    assert peer.logins == 1
    with pytest.raises(NotYet):
        await put(peer.pool)
    await peer.pass_time(5)
    peer.refusals = [LinkLost("acme: connection refused")]
    with pytest.raises(LinkLost):
        await put_fresh(peer.pool)
    with pytest.raises(NotYet):  # the session that is left over is not lent either
        await put(peer.pool)


@pytest.mark.parametrize("error", [PathRefused("no"), NotThere("no")])
async def test_what_is_about_one_file_opens_nothing(error: GatewayError) -> None:
    peer = Peer()
    await peer.fail(FAILURES_IN_A_ROW * 2, error)
    assert peer.word() is None


async def test_a_source_that_fails_is_not_the_endpoints_fault() -> None:
    peer = Peer()

    async def broken() -> AsyncIterator[bytes]:
        yield b"some"
        raise LinkLost("the disk here gives no answer")

    for _ in range(FAILURES_IN_A_ROW * 2):
        with pytest.raises(LinkLost, match="the disk here"):
            async with peer.pool.session("acme") as session:
                await session.write("f", broken())
    assert peer.word() is None


async def test_one_lost_link_is_one_failure_whatever_was_under_way_and_is_cleaned_up_after_it() -> None:
    peer = Peer()
    for _ in range(FAILURES_IN_A_ROW - 1):
        peer.faults = [LOST] * 20
        async with peer.pool.session("acme") as session:
            answers = await asyncio.gather(*(session.write("f", some()) for _ in range(20)), return_exceptions=True)
            assert all(isinstance(answer, LinkLost) for answer in answers)
            for _ in range(10):
                with pytest.raises(LinkLost):
                    await session.remove("f")
    assert peer.word() is None
    await peer.fail(1)
    assert peer.word() is Circuit.OPEN


async def test_files_that_hold_a_dead_session_while_another_has_renewed_it_are_not_counted() -> None:
    peer = Peer()
    async with peer.pool.lane("acme") as lane:
        peer.faults = [LOST]
        before = lane.endpoint
        with pytest.raises(LinkLost):
            await before.write("f", some())
        await lane.renew()
        for _ in range(3 * FAILURES_IN_A_ROW):
            with pytest.raises(LinkLost):
                await before.remove("f")
    assert peer.word() is None
    await peer.pool.close()


async def test_reading_counts_as_writing_does() -> None:
    peer = Peer()
    await put(peer.pool)
    for _ in range(FAILURES_IN_A_ROW):
        peer.faults = [LOST]
        with pytest.raises(LinkLost):
            await get(peer.pool)
    assert peer.word() is Circuit.OPEN
    await peer.pass_time(5)
    await get(peer.pool)
    assert peer.word() is None


async def get(pool: Pool) -> None:
    async with pool.session("acme") as session:
        assert [block async for block in session.read("f")] == [b"some bytes"]


async def test_laying_a_file_down_counts_as_writing_does() -> None:
    peer = Peer()
    for _ in range(FAILURES_IN_A_ROW):
        peer.faults = [LOST]
        with pytest.raises(LinkLost):
            await lay(peer.pool)
    assert peer.word() is Circuit.OPEN
    await peer.pass_time(5)
    await lay(peer.pool)
    assert peer.word() is None


async def lay(pool: Pool) -> None:
    async with pool.session("acme") as session:
        await session.lay("f", some())


async def test_after_its_time_one_session_tries_and_the_others_wait_for_what_becomes_of_it() -> None:
    peer = Peer()
    await peer.fail()
    before = peer.logins
    await peer.pass_time(5)
    assert peer.word() is Circuit.HALF_OPEN
    peer.hangs = asyncio.Event()
    tasks = [asyncio.ensure_future(put(peer.pool)) for _ in range(5)]
    await asyncio.sleep(0.01)
    assert peer.logins - before == 1
    peer.hangs.set()
    await asyncio.gather(*tasks)
    assert peer.word() is None
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(peer.pool.session("acme"))


async def test_a_try_that_fails_opens_it_again_for_longer_and_tells_those_who_waited() -> None:
    peer = Peer()
    await peer.fail()
    for pause_s in (5, 10, 20, 40):
        await peer.pass_time(pause_s)
        peer.hangs, peer.faults = asyncio.Event(), [LOST]
        tasks = [asyncio.ensure_future(put(peer.pool)) for _ in range(4)]
        await asyncio.sleep(0.01)
        peer.hangs.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert sorted(type(answer).__name__ for answer in answers) == ["LinkLost", "NotYet", "NotYet", "NotYet"]
        assert peer.memory.troubles["acme"].next_at == peer.clock.now() + timedelta(seconds=pause_s * 2)
    assert peer.memory.troubles["acme"].since == START


async def test_a_login_alone_does_not_close_what_transfers_opened() -> None:
    peer = Peer()
    await peer.fail()
    await peer.pass_time(5)
    await look(peer.pool)
    assert peer.word() is Circuit.HALF_OPEN
    await peer.fail(1)
    assert peer.word() is Circuit.OPEN
    assert peer.memory.troubles["acme"].failures == 2


async def test_looks_that_work_for_long_close_it_where_nothing_is_to_be_carried() -> None:
    peer = Peer()
    await peer.fail()
    await peer.pass_time(5 + 299)
    await look(peer.pool)
    assert peer.word() is Circuit.HALF_OPEN
    await peer.pass_time(1)
    await look(peer.pool)
    assert peer.word() is None


async def test_a_login_that_is_refused_meanwhile_counts_as_ever() -> None:
    peer = Peer()
    await peer.fail()
    await peer.pass_time(5)
    peer.refusals = [LoginRefused("acme: who are you?")]
    with pytest.raises(LoginRefused):
        await put(peer.pool)
    with pytest.raises(LoginRefused, match="not tried again before"):
        await put(peer.pool)
    await peer.pass_time(3600)
    await put(peer.pool)
    assert peer.word() is None


async def test_lanes_that_were_lent_before_try_one_at_a_time_too() -> None:
    peer = Peer()
    async with AsyncExitStack() as stack:
        lanes = [await stack.enter_async_context(peer.pool.lane("acme")) for _ in range(3)]
        peer.faults = [LOST] * 3
        for lane in lanes:
            with pytest.raises(LinkLost):
                await lane.endpoint.write("f", some())
        await _lose(peer, lanes[0].endpoint, FAILURES_IN_A_ROW - 3)
        with pytest.raises(NotYet):
            await lanes[0].renew()
        await peer.pass_time(5)
        await lanes[1].repair()
        with pytest.raises(NotYet, match="one session tries"):
            await lanes[0].renew()
        await lanes[1].endpoint.write("f", some())
        await lanes[0].renew()
        await lanes[0].endpoint.write("f", some())
    assert peer.word() is None


async def _lose(peer: Peer, session: Endpoint, times: int) -> None:
    """More failures, on sessions of their own."""
    for _ in range(times):
        peer.faults = [LOST]
        await session.stat("")  # Steady renews the session
        with pytest.raises(LinkLost):
            await session.write("f", some())


async def test_what_is_lent_may_go_on_and_closes_it_with_a_file_that_comes_through() -> None:
    peer = Peer()
    async with peer.pool.session("acme") as session:
        await peer.fail()
        assert peer.word() is Circuit.OPEN
        await session.write("f", some())
        assert peer.word() is None
    await put(peer.pool)


async def test_a_person_may_let_it_be_tried_at_once() -> None:
    peer = Peer()
    await peer.fail()
    await peer.pool.forget_trouble("acme")
    assert peer.word() is None
    await put(peer.pool)


async def test_a_restart_does_not_shorten_the_wait() -> None:
    peer = Peer()
    await peer.fail()
    again = peer.another_pool()
    with pytest.raises(NotYet):
        await put(again)
    await peer.pass_time(5)
    await put(again)
    assert peer.word() is None


async def test_one_failed_login_is_one_failed_login_however_many_wait() -> None:
    peer = Peer()
    peer.refusals = [LinkLost("connection refused")] * 9
    answers = await asyncio.gather(*(put(peer.pool) for _ in range(9)), return_exceptions=True)
    assert all(isinstance(answer, LinkLost) for answer in answers)
    assert peer.logins == 1
    assert peer.memory.troubles["acme"].failures == 1


def test_endpoints_that_failed_together_do_not_come_back_together() -> None:
    pauses = [pause_after(1000, jitter) for jitter in (0.0, 0.5, 1.0)]
    assert pauses == [timedelta(seconds=300), timedelta(seconds=337.5), timedelta(seconds=375)]
    assert pause_after(1, 1.0) == timedelta(seconds=6.25)


async def test_the_jitter_of_a_pool_is_used() -> None:
    peer = Peer()
    pool = Pool({"acme": PLACE}, peer.clock, peer.memory, peer.open, jitter=lambda: 1.0)
    peer.refusals = [LinkLost("connection refused")]
    with pytest.raises(LinkLost):
        await put(pool)
    assert peer.memory.troubles["acme"].next_at == START + timedelta(seconds=6.25)


@pytest.mark.parametrize(
    ("next_at", "word"),
    [(START, Circuit.HALF_OPEN), (START + timedelta(seconds=1), Circuit.OPEN), (None, Circuit.OPEN)],
)
def test_a_trouble_has_a_word(next_at: datetime | None, word: Circuit) -> None:
    assert circuit_at(next_at, START) is word
