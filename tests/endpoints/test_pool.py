"""The pool: budgets per endpoint, logins that are not repeated in vain, sessions that die and are replaced."""

import asyncio
import socket
import threading
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.config.schema import Scheme
from gateway.core.clock import SystemClock, TurnedClock
from gateway.core.errors import GatewayError, HostKeyRefused, LinkLost, LoginRefused, NeedsOperator, PeerBusy, Refused
from gateway.endpoints.memory import MemoryEndpoint
from gateway.endpoints.place import Place
from gateway.endpoints.pool import ForgetfulMemory, NotYet, Pool
from gateway.endpoints.session import Session
from gateway.endpoints.trouble import pause_after
from tests.endpoints.test_conformance import names, put
from tests.loop_time import given_up, in_time
from tests.peers.hostile_tcp import black_hole
from tests.peers.openssh import SshPeer
from tests.peers.places import ssh_place
from tests.peers.proxy import line_to
from tests.peers.ssh_servers import asyncssh_sftp

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


class Doors:
    """Opens memory sessions, or refuses; counts what happens."""

    def __init__(self) -> None:
        self.opened: list[MemoryEndpoint] = []
        self.closed = 0
        self.tries = 0
        self.at_once = 0
        self.most_at_once = 0
        self.answers: list[GatewayError] = []
        self.gate: asyncio.Event | None = None

    async def open(self, place: Place) -> Session:
        self.tries += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await (self.gate.wait() if self.gate else asyncio.sleep(0))
            if self.answers:
                raise self.answers.pop(0)
            self.opened.append(_Counted(self))
            return self.opened[-1]
        finally:
            self.at_once -= 1


class _Counted(MemoryEndpoint):
    def __init__(self, doors: Doors) -> None:
        super().__init__()
        self._doors = doors

    async def close(self) -> None:
        self.usable = False
        self._doors.closed += 1


PLACE = Place(name="acme", scheme=Scheme.SFTP, host="sftp.example", port=22, user="u", password="p", sessions=2)


def pool_of(doors: Doors, memory: ForgetfulMemory | None = None, place: Place = PLACE) -> tuple[Pool, TurnedClock]:
    clock = TurnedClock(START)
    return Pool({place.name: place}, clock, memory, doors.open, jitter=lambda: 0.0), clock


async def use(pool: Pool, *, fresh: bool = False) -> None:
    async with pool.session("acme", fresh=fresh) as session:
        await names(session)


async def test_at_most_so_many_sessions_are_lent_at_once_and_the_next_waits() -> None:
    pool, _ = pool_of(Doors())
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(pool.session("acme"))
        third = asyncio.ensure_future(use(pool))
        await asyncio.sleep(0.01)
        assert not third.done()
    await asyncio.wait_for(third, 100)
    await pool.close()


async def test_an_idle_session_is_lent_again() -> None:
    doors = Doors()
    pool, _ = pool_of(doors)
    for _ in range(5):
        await use(pool)
    assert doors.tries == 1
    await pool.close()
    assert doors.closed == 1


async def test_the_first_login_is_alone_and_the_others_open_after_it() -> None:
    doors = Doors()
    doors.gate = asyncio.Event()
    pool, _ = pool_of(doors)
    tasks = [asyncio.ensure_future(use(pool)) for _ in range(2)]
    await asyncio.sleep(0.01)
    assert doors.tries == 1
    doors.gate.set()
    await asyncio.gather(*tasks)
    assert doors.most_at_once == 1
    await pool.close()


async def test_a_refused_login_is_tried_once_an_hour_whatever_is_asked_and_over_restarts() -> None:
    doors, memory = Doors(), ForgetfulMemory()
    doors.answers = [LoginRefused("acme: user 'u' was refused")]
    pool, _ = pool_of(doors, memory)
    answers = await asyncio.gather(*(use(pool) for _ in range(2)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [LoginRefused, LoginRefused]
    again, clock = pool_of(doors, memory)
    with pytest.raises(LoginRefused, match="not tried again before"):
        await use(again)
    assert doors.tries == 1
    await clock.turn(timedelta(minutes=61))
    await use(again)
    assert doors.tries == 2
    assert memory.troubles == {}


async def test_a_corrected_password_is_tried_at_once() -> None:
    doors, memory = Doors(), ForgetfulMemory()
    doors.answers = [LoginRefused("no")]
    pool, _ = pool_of(doors, memory)
    with pytest.raises(LoginRefused):
        await use(pool)
    corrected = Place(**{**_fields(PLACE), "password": "right"})
    await pool.update({"acme": corrected})
    await use(pool)
    assert doors.tries == 2


async def test_a_reload_lets_what_is_lent_go_on_and_closes_it_afterwards() -> None:
    doors = Doors()
    pool, _ = pool_of(doors)
    async with pool.session("acme") as session:
        await pool.update({"acme": Place(**{**_fields(PLACE), "folder": "/other"})})
        await names(session)
        assert doors.closed == 0
    assert doors.closed == 1
    await use(pool)
    assert doors.tries == 2
    await pool.close()


def _fields(place: Place) -> dict[str, Any]:
    return {name: getattr(place, name) for name in Place.__dataclass_fields__}


async def test_a_changed_host_key_is_not_tried_before_a_person_says_so() -> None:
    doors, memory = Doors(), ForgetfulMemory()
    doors.answers = [HostKeyRefused("acme: the host key has changed")]
    pool, clock = pool_of(doors, memory)
    with pytest.raises(HostKeyRefused):
        await use(pool)
    await clock.turn(timedelta(days=3))
    with pytest.raises(HostKeyRefused, match="has changed"):
        await use(pool)
    assert doors.tries == 1
    await pool.forget_trouble("acme")
    await use(pool)


async def test_a_certificate_that_is_not_trusted_is_looked_at_again_every_hour() -> None:
    doors = Doors()
    doors.answers = [HostKeyRefused("acme: certificate has expired")]
    pool, clock = pool_of(doors, place=Place(**{**_fields(PLACE), "scheme": Scheme.FTPS}))
    with pytest.raises(HostKeyRefused):
        await use(pool)
    with pytest.raises(HostKeyRefused, match="expired; not tried again before"):
        await use(pool)
    await clock.turn(timedelta(hours=1))
    await use(pool)
    assert doors.tries == 2


async def test_what_only_an_operator_can_change_stays_so_while_it_is_left_alone() -> None:
    doors = Doors()
    doors.answers = [NeedsOperator("acme: no common cipher")]
    pool, _ = pool_of(doors)
    with pytest.raises(NeedsOperator):
        await use(pool)
    with pytest.raises(NeedsOperator, match="no common cipher; not tried again before"):
        await use(pool)
    assert doors.tries == 1


async def test_an_endpoint_that_fails_is_left_alone_longer_and_longer_and_says_until_when() -> None:
    doors = Doors()
    pool, clock = pool_of(doors)
    for pause_s in (5, 10, 20, 40):
        doors.answers = [LinkLost("acme: connection refused")]
        with pytest.raises(LinkLost, match=r"^acme: connection refused$"):
            await use(pool)
        tries = doors.tries
        with pytest.raises(NotYet, match="connection refused") as caught:
            await use(pool)
        assert doors.tries == tries
        assert caught.value.next_at == clock.now() + timedelta(seconds=pause_s)
        await clock.turn(timedelta(seconds=pause_s))
    await use(pool)
    await pool.close()


def test_the_longest_pause_is_five_minutes() -> None:
    assert pause_after(1000) == timedelta(minutes=5)


@pytest.mark.parametrize("said", [PeerBusy("421 too many"), LinkLost("hung up without a word")], ids=["busy", "lost"])
async def test_too_many_sessions_means_fewer_of_them_not_a_failed_endpoint(said: GatewayError) -> None:
    doors, memory = Doors(), ForgetfulMemory()
    pool, _ = pool_of(doors, memory)
    async with pool.session("acme"):
        doors.answers = [said]
        second = asyncio.ensure_future(use(pool))
        await asyncio.sleep(0.01)
        assert not second.done()
    await asyncio.wait_for(second, 100)
    assert memory.troubles == {}
    await pool.close()


async def test_too_many_sessions_at_the_first_login_is_a_failure_to_try_later() -> None:
    doors = Doors()
    doors.answers = [PeerBusy("421 too many")]
    pool, _ = pool_of(doors)
    with pytest.raises(PeerBusy):
        await use(pool)
    with pytest.raises(NotYet):
        await use(pool)


async def test_a_fresh_session_has_just_logged_in() -> None:
    doors = Doors()
    pool, _ = pool_of(doors)
    await use(pool)
    await use(pool, fresh=True)
    assert doors.tries == 2
    await pool.close()


async def test_idle_sessions_are_closed_after_a_minute() -> None:
    doors = Doors()
    pool, clock = pool_of(doors)
    await use(pool)
    await clock.turn(timedelta(seconds=59))
    assert doors.closed == 0
    await clock.turn(timedelta(seconds=2))
    assert doors.closed == 1
    await use(pool)
    await pool.close()
    assert doors.closed == 2


async def test_a_slot_is_given_back_whatever_happens_in_it() -> None:
    doors = Doors()
    pool, _ = pool_of(doors)
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            async with pool.session("acme"):
                raise ZeroDivisionError
    doors.gate = asyncio.Event()
    for _ in range(5):
        opening = asyncio.ensure_future(use(pool, fresh=True))
        await asyncio.sleep(0.001)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
    doors.gate = None
    await asyncio.wait_for(asyncio.gather(use(pool), use(pool)), 100)
    await pool.close()


async def test_no_slot_is_lost_whenever_a_wait_is_cancelled() -> None:
    doors = Doors()
    pool, _ = pool_of(doors)
    for turns in range(12):
        async with AsyncExitStack() as stack:
            for _ in range(2):
                await stack.enter_async_context(pool.session("acme"))
            waiting = [asyncio.ensure_future(use(pool)) for _ in range(3)]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    async with asyncio.timeout(100), pool.session("acme"), pool.session("acme"):
        pass
    await pool.close()


async def test_who_waits_longest_is_served_first() -> None:
    pool, _ = pool_of(Doors(), place=Place(**{**_fields(PLACE), "sessions": 1}))
    served: list[int] = []

    async def wait(number: int) -> None:
        async with pool.session("acme"):
            served.append(number)
            await asyncio.sleep(0)

    async with pool.session("acme"):
        tasks = [asyncio.ensure_future(wait(number)) for number in range(5)]
        await asyncio.sleep(0.01)
    await asyncio.gather(*tasks)
    assert served == [0, 1, 2, 3, 4]
    await pool.close()


async def test_a_lane_keeps_its_slot_while_its_session_is_renewed() -> None:
    doors = Doors()
    pool, _ = pool_of(doors, place=Place(**{**_fields(PLACE), "sessions": 1}))
    async with pool.lane("acme") as lane:
        waiting = asyncio.ensure_future(use(pool))
        await lane.repair()
        assert doors.tries == 1
        await lane.renew()
        assert (doors.tries, doors.closed) == (2, 1)
        await names(lane.endpoint)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 100)
    await pool.close()


async def test_an_unknown_endpoint_is_refused_with_those_that_are_known() -> None:
    pool, _ = pool_of(Doors())
    with pytest.raises(Refused, match=r"acne.*known are acme"):
        async with pool.session("acne"):
            pass


async def test_an_endpoint_whose_settings_cannot_be_used_says_why_and_the_others_work() -> None:
    why = Refused("endpoint dead: file:keys/dead: no such file")
    pool = Pool({"acme": PLACE}, TurnedClock(START), None, Doors().open, broken={"dead": why})
    for _ in range(2):
        with pytest.raises(Refused, match="keys/dead"):
            async with pool.session("dead"):
                pass
    await use(pool)
    await pool.update({"acme": PLACE, "dead": Place(**{**_fields(PLACE), "name": "dead"})})
    async with pool.session("dead"):
        pass
    await pool.close()


async def test_a_session_that_fell_silent_while_idle_is_replaced_and_nobody_notices(tmp_path: Path) -> None:
    clock = TurnedClock(START)
    async with asyncssh_sftp(tmp_path) as peer, line_to(peer.port) as line:
        pool = Pool({"acme": _through(peer, line.port)}, clock)
        async with pool.session("acme") as session:
            await put(session, "f", b"1")
        line.freeze()
        await clock.turn(timedelta(seconds=30))
        await given_up(renamed(pool), 60)
        assert line.accepted == 2
        await pool.close()


async def test_a_session_that_dies_while_lent_is_replaced_for_looking_and_never_for_what_it_was_renaming(
    tmp_path: Path,
) -> None:
    async with asyncssh_sftp(tmp_path) as peer, line_to(peer.port) as line:
        pool = Pool({"acme": _through(peer, line.port)}, SystemClock())
        async with pool.session("acme") as session:
            await put(session, "f", b"1")
            line.cut()
            assert (await session.stat("f")).stamp.size_bytes == 1
            line.cut()
            assert await names(session) == ["f"]
            line.freeze()
            with pytest.raises(LinkLost):
                await given_up(session.rename("f", "g"), 60)
            assert line.accepted == 3
            await session.rename("f", "h")  # whoever waited for his turn meanwhile has sent nothing yet
            assert (line.accepted, await names(session)) == (4, ["h"])
        await pool.close()


async def renamed(pool: Pool) -> None:
    async with pool.session("acme") as session:
        await session.rename("f", "g")


def _through(peer: SshPeer, port: int) -> Place:
    key_line = ssh_place(peer, "/", call_timeout_s=60.0, keepalive_s=100.0)
    return Place(**{**_fields(key_line), "port": port})


async def test_eight_dead_partners_at_once_cost_nobody_elses_transfer(sshd: SshPeer, sshd_folder: Path) -> None:
    async with AsyncExitStack() as stack:
        places = {"live": ssh_place(sshd, sshd_folder, name="live")}
        for number in range(8):
            port = await stack.enter_async_context(black_hole())
            kind = Scheme.SFTP if number % 2 else Scheme.FTP
            facts = {**_fields(places["live"]), "name": f"dead{number}", "port": port, "scheme": kind}
            places[f"dead{number}"] = Place(**{**facts, "connect_timeout_s": 300.0, "password": "x"})
        pool = Pool(places, SystemClock())

        async def ask(name: str) -> None:
            async with pool.session(name) as session:
                await session.stat("")

        dead = [asyncio.ensure_future(ask(f"dead{number}")) for number in range(8) for _ in range(3)]
        await asyncio.sleep(0.05)
        async with pool.session("live") as session:
            await put(session, "f", b"x" * 1_000_000)
        assert not any(task.done() for task in dead)
        answers = await in_time(asyncio.gather(*dead, return_exceptions=True), 300)
        assert all(isinstance(answer, LinkLost) for answer in answers)
        await pool.close()


async def test_names_that_nobody_can_look_up_cost_nobody_elses_login(
    sshd: SshPeer, sshd_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, look_up = threading.Event(), socket.getaddrinfo

    def hangs(host: object, *more: Any, **named: Any) -> Any:
        if str(host).endswith(".example"):
            stuck.wait(200)
        return look_up(host, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    live = ssh_place(sshd, sshd_folder, name="live", host="localhost")
    lost = {f"lost{n}": Place(**{**_fields(live), "host": f"{n}.example", "name": f"lost{n}"}) for n in range(40)}
    pool = Pool({"live": live, **lost}, SystemClock())

    async def ask(name: str) -> None:
        async with pool.session(name) as session:
            await session.stat("")

    hanging = [asyncio.ensure_future(ask(name)) for name in lost]
    await asyncio.sleep(0.05)
    await asyncio.wait_for(ask("live"), 100)
    stuck.set()
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    await pool.close()


async def test_closing_the_pool_is_bounded_whatever_the_peers_do(tmp_path: Path) -> None:
    async with asyncssh_sftp(tmp_path) as peer, line_to(peer.port) as line:
        pool = Pool({"acme": _through(peer, line.port)}, SystemClock())
        async with pool.session("acme") as session:
            line.freeze()
            started = time.monotonic()
            await pool.close()
            assert time.monotonic() - started < 50
            with pytest.raises(GatewayError):
                await session.rename("a", "b")
