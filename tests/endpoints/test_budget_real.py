"""Budgets over real servers: time is turned, so what counts is how many bytes were let through by when."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from asyncssh.sftp import SFTPClientHandler

from gateway.core.clock import TurnedClock
from gateway.core.timetable import parse_timetable
from gateway.endpoints.base import Endpoint
from gateway.endpoints.opening import open_place
from gateway.endpoints.place import Place
from gateway.endpoints.pool import Pool
from gateway.endpoints.wire.packets import Ask
from gateway.endpoints.wire.pipe import Pipe
from tests.endpoints.turning import turned
from tests.loop_time import pass_time
from tests.peers.openssh import SshPeer
from tests.peers.places import ftp_place, ssh_place
from tests.peers.proxy import line_to
from tests.peers.vsftpd import FtpPeer

START = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
K, M = 1024, 1024 * 1024
ONE_M = parse_timetable("1M")
PIECE_S = 1 / 16
BURST_S = 1 / 4


class Source:
    """Blocks to send, and when each was asked for."""

    def __init__(self, clock: TurnedClock, size: int, start: asyncio.Barrier | None = None) -> None:
        self.clock = clock
        self.size = size
        self.block = 64 * K
        self.start = start or asyncio.Barrier(1)
        self.given: list[tuple[float, int]] = []

    async def blocks(self) -> AsyncIterator[bytes]:
        await self.start.wait()
        for _ in range(self.size // self.block):
            self.given.append((self.clock.monotonic(), self.block))
            yield b"x" * self.block

    def until(self, at: float) -> int:
        return sum(size for when, size in self.given if when <= at)


@pytest.mark.sshd
@pytest.mark.parametrize("pipeline", ["auto", "off"])
async def test_where_bytes_are_limited_little_is_read_ahead_of_whoever_takes_them(
    pipeline: Literal["auto", "off"], sshd: SshPeer, sshd_folder: Path
) -> None:
    (sshd_folder / "there").write_bytes(b"y" * (4 * M))
    asked: list[int] = []
    async with await open_place(ssh_place(sshd, sshd_folder, bandwidth=ONE_M, pipeline=pipeline)) as session:
        taken = 0
        with _reads_noted(asked):
            async for block in session.read("there"):
                taken += len(block)
                assert sum(asked) - taken <= 3 * 128 * K
                await session.stat("there")  # answered in turn: what was asked for before has come
    assert taken == 4 * M
    assert max(asked) == 128 * K


@contextmanager
def _reads_noted(asked: list[int]) -> Iterator[None]:
    """Both clients' requests to read, by what they ask for."""
    with pytest.MonkeyPatch.context() as patched:
        library, ours = SFTPClientHandler.read, Pipe.ask

        def read(self: SFTPClientHandler, handle: bytes, offset: int, length: int) -> Any:
            asked.append(length)
            return library(self, handle, offset, length)

        def ask(self: Pipe, kind: Ask, *body: Any, **more: Any) -> Any:
            if kind is Ask.READ:
                asked.append(int.from_bytes(body[1][8:], "big"))
            return ours(self, kind, *body, **more)

        patched.setattr(SFTPClientHandler, "read", read)
        patched.setattr(Pipe, "ask", ask)
        yield


async def get(session: Endpoint, name: str) -> int:
    return sum([len(block) async for block in session.read(name)])


@pytest.mark.sshd
async def test_two_sessions_that_upload_share_one_megabyte_a_second(sshd: SshPeer, sshd_folder: Path) -> None:
    clock = TurnedClock(START)
    pool = Pool({"acme": ssh_place(sshd, sshd_folder, bandwidth=ONE_M, sessions=2)}, clock)
    start = asyncio.Barrier(2)  # opening a file takes real time, of which the clock knows nothing
    sources = [Source(clock, 4 * M, start), Source(clock, 4 * M, start)]
    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(pool.session("acme")) for _ in sources]
        writes = [
            each.write(f"f{n}", source.blocks()) for n, (each, source) in enumerate(zip(sessions, sources, strict=True))
        ]

        async def both() -> list[int]:
            return await asyncio.gather(*writes)

        assert await turned(clock, both()) == [4 * M, 4 * M]
    assert 8 - BURST_S - PIECE_S <= clock.monotonic() <= 8 + PIECE_S
    for second in (2.0, 4.0, 6.0):
        first, other = (source.until(second) for source in sources)
        assert abs(first - other) <= M // 2
        assert first + other == pytest.approx((second + BURST_S) * M, abs=M // 3)
    assert [(sshd_folder / f"f{n}").stat().st_size for n in (0, 1)] == [4 * M, 4 * M]
    await pool.close()


@pytest.mark.sshd
async def test_an_upload_and_a_download_share_it_too(sshd: SshPeer, sshd_folder: Path) -> None:
    clock = TurnedClock(START)
    (sshd_folder / "there").write_bytes(b"y" * (3 * M))
    pool = Pool({"acme": ssh_place(sshd, sshd_folder, bandwidth=ONE_M, sessions=2)}, clock)
    async with pool.session("acme") as one, pool.session("acme") as two:

        async def both() -> list[int]:
            return [*await asyncio.gather(one.write("f", Source(clock, 3 * M).blocks()), get(two, "there"))]

        assert await turned(clock, both()) == [3 * M, 3 * M]
    assert 6 - BURST_S - PIECE_S <= clock.monotonic() <= 6 + PIECE_S
    await pool.close()


@pytest.mark.vsftpd
async def test_ftp_keeps_to_it_in_both_directions(plain_vsftpd: FtpPeer, tmp_path: Path) -> None:
    clock = TurnedClock(START)
    (plain_vsftpd.folder / tmp_path.name).mkdir()
    pool = Pool({"books": ftp_place(plain_vsftpd, f"{plain_vsftpd.path}/{tmp_path.name}", bandwidth=ONE_M)}, clock)

    async def there_and_back() -> int:
        await session.write("f", Source(clock, 2 * M).blocks())
        return await get(session, "f")

    async with pool.session("books") as session:  # giving it back starts a clock of its own
        assert await turned(clock, there_and_back()) == 2 * M
    assert 4 - BURST_S - PIECE_S <= clock.monotonic() <= 4 + PIECE_S
    await pool.close()


@pytest.mark.sshd
@pytest.mark.vsftpd
@pytest.mark.parametrize("kind", ["sftp", "ftp"])
async def test_no_call_runs_into_its_deadline_while_the_budget_makes_it_wait(
    kind: str, sshd: SshPeer, sshd_folder: Path, plain_vsftpd: FtpPeer, tmp_path: Path
) -> None:
    clock = TurnedClock(START)
    limits: dict[str, Any] = {"bandwidth": ONE_M, "call_timeout_s": 60.0}
    place: Place
    if kind == "sftp":
        place = ssh_place(sshd, sshd_folder, **limits)
    else:
        (plain_vsftpd.folder / tmp_path.name).mkdir()
        place = ftp_place(plain_vsftpd, f"{plain_vsftpd.path}/{tmp_path.name}", name="acme", **limits)
    pool = Pool({"acme": place}, clock)
    async with pool.session("acme") as session:
        writing = asyncio.ensure_future(session.write("f", Source(clock, 1 * M).blocks()))
        while clock.next_wake is None:
            await asyncio.sleep(0.001)
        if kind == "sftp":
            await session.stat("f")  # answered in turn: so is what was sent
        pass_time(100)  # but the clock stands still: the transfer waits for its turn
        await asyncio.wait({writing}, timeout=0.05)
        assert not writing.done()
        reading = asyncio.ensure_future(turned(clock, _written_and_read(session, writing)))
        assert await reading == 1 * M
    await pool.close()


async def _written_and_read(session: Endpoint, writing: "asyncio.Future[int]") -> int:
    await writing
    return await get(session, "f")


@pytest.mark.sshd
async def test_logins_at_a_real_server_keep_to_their_minute(sshd: SshPeer, sshd_folder: Path) -> None:
    clock = TurnedClock(START)
    async with line_to(sshd.port) as line:
        pool = Pool({"acme": ssh_place(sshd, sshd_folder, port=line.port, connects_per_minute=2)}, clock)
        await _look(pool)
        await _look(pool)
        third = asyncio.ensure_future(_look(pool))
        await clock.turn(timedelta(seconds=59))
        await asyncio.wait({third}, timeout=0.2)  # a login would have come far enough to be seen
        assert line.accepted == 2
        await clock.turn(timedelta(seconds=2))
        await third
        assert line.accepted == 3
        await pool.close()


async def _look(pool: Pool) -> None:
    async with pool.session("acme", fresh=True) as session:
        await session.stat("")
