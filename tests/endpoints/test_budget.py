"""Bytes a second and logins a minute: kept by all transfers of an endpoint together, by a clock that is turned."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.config.schema import Scheme
from gateway.core.clock import TurnedClock
from gateway.core.errors import GatewayError, LinkLost, LoginRefused
from gateway.core.timetable import parse_timetable
from gateway.endpoints.base import Endpoint
from gateway.endpoints.budget import Budget
from gateway.endpoints.memory import MemoryEndpoint
from gateway.endpoints.place import Place
from gateway.endpoints.pool import Pool
from gateway.endpoints.session import Session
from gateway.endpoints.throttle import Throttled
from gateway.transfer.bounded import progressing
from tests.endpoints.turning import turned

START = datetime(2026, 11, 2, 7, 59, 50, tzinfo=UTC)  # a Monday
K, M = 1024, 1024 * 1024


def place(bandwidth: str = "off", **more: Any) -> Place:
    facts: dict[str, Any] = {"name": "acme", "scheme": Scheme.SFTP, "host": "sftp.example", "sessions": 4, **more}
    return Place(bandwidth=parse_timetable(bandwidth), **facts)


def budget(bandwidth: str, **more: Any) -> tuple[Budget, TurnedClock]:
    clock = TurnedClock(START)
    return Budget(place(bandwidth, **more), clock), clock


async def blocks(count: int, size: int = 256 * K) -> AsyncIterator[bytes]:
    for number in range(count):
        yield bytes([number % 251]) * size


async def put(peer: Endpoint, name: str, count: int, size: int = 256 * K) -> int:
    return await peer.write(name, blocks(count, size))


class Witness(MemoryEndpoint):
    """Notes when how many bytes came."""

    def __init__(self, clock: TurnedClock) -> None:
        super().__init__()
        self.clock = clock
        self.came: list[tuple[float, str, int]] = []

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        async def seen() -> AsyncIterator[bytes]:
            async for block in blocks:
                self.came.append((self.clock.monotonic(), path, len(block)))
                yield block

        return await super().write(path, seen(), offset=offset, sync=sync)

    def most_within(self, seconds: float) -> int:
        """The most bytes in any stretch of time of that length."""
        return max(sum(size for at, _, size in self.came if start <= at < start + seconds) for start, _, _ in self.came)

    def total(self, path: str, until: float) -> int:
        return sum(size for at, name, size in self.came if name == path and at <= until)


async def test_a_transfer_takes_the_time_that_its_bytes_cost() -> None:
    limits, clock = budget("1M")
    peer = Throttled(MemoryEndpoint(), limits)
    assert await turned(clock, put(peer, "f", 20)) == 5 * M
    assert 4.7 <= clock.monotonic() <= 5.0


async def test_both_directions_go_on_one_account() -> None:
    limits, clock = budget("1M")
    inner = MemoryEndpoint()
    await put(inner, "there", 8)
    peer = Throttled(inner, limits)

    async def get() -> int:
        return sum([len(block) async for block in peer.read("there")])

    async def both() -> list[int]:
        return [*await asyncio.gather(put(peer, "f", 8), get())]

    assert await turned(clock, both()) == [2 * M, 2 * M]
    assert 3.7 <= clock.monotonic() <= 4.0


async def test_what_is_appended_counts_too() -> None:
    limits, clock = budget("1M")
    peer = Throttled(MemoryEndpoint(), limits)
    await turned(clock, peer.append("f", blocks(8)))
    assert 1.7 <= clock.monotonic() <= 2.0


async def test_what_is_laid_down_in_one_go_counts_too() -> None:
    limits, clock = budget("1M")
    laid = await turned(clock, Throttled(MemoryEndpoint(), limits).lay("f", blocks(8)))
    assert laid.size_bytes == 2 * M
    assert 1.7 <= clock.monotonic() <= 2.0


async def test_no_more_than_a_quarter_of_a_second_goes_at_once_even_after_a_long_rest() -> None:
    limits, clock = budget("1M")
    inner = Witness(clock)
    await clock.turn(timedelta(hours=1))
    await turned(clock, put(Throttled(inner, limits), "f", 12, 1 * M))
    assert inner.most_within(0.001) <= M // 4
    assert inner.most_within(1.0) <= M + M // 4
    assert max(size for _, _, size in inner.came) <= M // 8


async def test_transfers_of_the_endpoint_get_equal_shares() -> None:
    limits, clock = budget("1M")
    inner = Witness(clock)

    async def three() -> None:
        await asyncio.gather(*(put(Throttled(inner, limits), name, 12, 1 * M) for name in "abc"))

    await turned(clock, three())
    shares = [inner.total(name, until=18.0) for name in "abc"]
    assert max(shares) - min(shares) <= M // 4  # what goes at once in the beginning
    assert sum(shares) == pytest.approx(18 * M, rel=0.05)


async def test_a_small_file_does_not_stand_behind_a_large_one() -> None:
    limits, clock = budget("1M")
    peer = Throttled(MemoryEndpoint(), limits)

    async def small() -> float:
        await clock.sleep(5.0)
        await put(peer, "small", 1, 4 * K)
        return clock.monotonic()

    async def both() -> float:
        return (await asyncio.gather(put(peer, "large", 60), small()))[1]

    assert await turned(clock, both()) <= 5.2


async def test_without_a_limit_no_time_passes_and_blocks_pass_whole() -> None:
    limits, clock = budget("off")
    inner = Witness(clock)
    await put(Throttled(inner, limits), "f", 50, 1 * M)
    assert clock.monotonic() == 0.0
    assert {size for _, _, size in inner.came} == {1 * M}


@pytest.mark.parametrize(("text", "seconds"), [("08:00,512k 08:01,off", 70.0), ("08:00,off", 10.0)])
async def test_a_change_of_the_timetable_takes_effect_during_a_transfer(text: str, seconds: float) -> None:
    """From ten seconds to eight on 1M; then half of it for a minute and all there is, or all there is at once."""
    limits, clock = budget(f"00:00,1M {text}")
    await turned(clock, put(Throttled(MemoryEndpoint(), limits), "f", 1000))
    assert clock.monotonic() == pytest.approx(seconds, abs=1.1)


async def test_a_slow_limit_is_left_within_a_second_of_its_end() -> None:
    limits, clock = budget("00:00,1k 08:00,off")
    await turned(clock, put(Throttled(MemoryEndpoint(), limits), "f", 1000))
    assert clock.monotonic() == pytest.approx(10.0, abs=1.1)


async def test_the_clock_of_the_endpoints_zone_decides() -> None:
    limits, clock = budget("00:00,1M 09:00,off", zone=ZoneInfo("Europe/Vienna"))
    await turned(clock, put(Throttled(MemoryEndpoint(), limits), "f", 1000))
    assert clock.monotonic() == pytest.approx(10.0, abs=1.1)


async def test_a_wait_for_the_budget_is_not_taken_for_a_standstill() -> None:
    limits, clock = budget("1k")
    peer = Throttled(MemoryEndpoint(), limits)

    async def all_of_it() -> int:
        async with progressing(clock, timedelta(seconds=2), "f"):
            return sum(await asyncio.gather(*(put(peer, name, 1, 16 * K) for name in "abc")))

    assert await turned(clock, all_of_it()) == 48 * K
    assert clock.monotonic() > 40


async def test_a_peer_that_stands_still_is_noticed_under_a_budget_as_well() -> None:
    limits, clock = budget("1M")

    class Deaf(MemoryEndpoint):
        async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
            await anext(blocks)
            await asyncio.Event().wait()
            return 0

    async def stuck() -> None:
        async with progressing(clock, timedelta(seconds=2), "f"):
            await put(Throttled(Deaf(), limits), "f", 100)

    with pytest.raises(LinkLost, match="no progress for 2 s"):
        await turned(clock, stuck())
    assert clock.monotonic() < 3


async def test_a_cancelled_transfer_leaves_its_turn_to_the_others() -> None:
    limits, clock = budget("1M")
    peer = Throttled(MemoryEndpoint(), limits)

    async def some() -> int:
        dead = [asyncio.ensure_future(put(peer, name, 100)) for name in "abc"]
        live = asyncio.ensure_future(put(peer, "live", 8))
        await clock.sleep(1.0)
        for task in dead:
            task.cancel()
        await asyncio.gather(*dead, return_exceptions=True)
        return await live

    assert await turned(clock, some()) == 2 * M
    assert clock.monotonic() <= 3.0


class Doors:
    """Opens memory sessions, or refuses; notes when."""

    def __init__(self, clock: TurnedClock) -> None:
        self.clock = clock
        self.opened: list[float] = []
        self.answers: list[GatewayError] = []

    async def open(self, place: Place) -> Session:
        self.opened.append(self.clock.monotonic())
        if self.answers:
            raise self.answers.pop(0)
        return MemoryEndpoint()

    def most_in_a_minute(self) -> int:
        return max(sum(start <= at < start + 60.0 for at in self.opened) for start in self.opened)


def pool_of(doors: Doors, *places: Place) -> Pool:
    return Pool({one.name: one for one in places}, doors.clock, None, doors.open, jitter=lambda: 0.0)


async def use(pool: Pool, name: str = "acme") -> None:
    async with pool.session(name, fresh=True) as session:
        await session.mkdir("in")


async def test_no_minute_has_more_logins_than_it_may_and_further_ones_wait() -> None:
    doors = Doors(TurnedClock(START))
    pool = pool_of(doors, place(connects_per_minute=5, sessions=3))

    async def many() -> None:
        await asyncio.gather(*(use(pool) for _ in range(17)))

    await turned(doors.clock, many())
    assert len(doors.opened) == 17
    assert doors.most_in_a_minute() == 5
    assert doors.clock.monotonic() == pytest.approx(180.0, abs=2.0)
    await pool.close()


async def test_logins_are_not_counted_where_there_is_no_limit() -> None:
    doors = Doors(TurnedClock(START))
    pool = pool_of(doors, place(connects_per_minute=0))
    for _ in range(200):
        await use(pool)
    assert doors.clock.monotonic() == 0.0
    await pool.close()


async def test_a_login_that_fails_while_others_wait_for_their_minute_is_the_last_one() -> None:
    doors = Doors(TurnedClock(START))
    pool = pool_of(doors, place(connects_per_minute=1))
    await use(pool)
    doors.answers = [LoginRefused("no such user")]

    async def two() -> list[object]:
        return [*await asyncio.gather(use(pool), use(pool), return_exceptions=True)]

    answers = await turned(doors.clock, two())
    assert [isinstance(answer, LoginRefused) for answer in answers] == [True, True]
    assert len(doors.opened) == 2
    await pool.close()


async def test_one_endpoints_budget_is_no_others() -> None:
    doors = Doors(TurnedClock(START))
    pool = pool_of(doors, place("1k", connects_per_minute=1), place("1M", name="other", connects_per_minute=1))
    async with AsyncExitStack() as stack:
        slow, quick = [await stack.enter_async_context(pool.session(name)) for name in ("acme", "other")]
        loading = asyncio.ensure_future(put(slow, "f", 100))
        await turned(doors.clock, put(quick, "f", 8))
        assert doors.clock.monotonic() <= 2.0
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
    await pool.close()


async def test_a_reload_changes_the_limit_of_a_transfer_under_way_and_forgets_no_login() -> None:
    doors = Doors(TurnedClock(START))
    pool = pool_of(doors, place("1k", connects_per_minute=1))

    async def changed() -> None:
        async with pool.session("acme") as session:
            loading = asyncio.ensure_future(put(session, "f", 8))
            await doors.clock.sleep(5.0)
            await pool.update({"acme": place("1M", connects_per_minute=1)})
            await loading

    await turned(doors.clock, changed())
    assert doors.clock.monotonic() <= 8.0
    await turned(doors.clock, use(pool))
    assert doors.clock.monotonic() == pytest.approx(60.0, abs=1.0)
    await pool.close()


async def test_an_endpoint_without_a_limit_pays_for_none() -> None:
    doors = Doors(TurnedClock(START))
    pool = pool_of(doors, place("off"), place("1M", name="limited"))
    async with pool.session("acme") as session, pool.session("limited") as limited:
        assert not _wraps(session, Throttled)
        assert _wraps(limited, Throttled)
    await pool.close()


def _wraps(session: Endpoint, kind: type) -> bool:
    while (inner := getattr(session, "_inner", None)) is not None:
        if isinstance(session, kind):
            return True
        session = inner
    return False
