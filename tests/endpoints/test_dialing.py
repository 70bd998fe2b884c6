"""Names of several addresses: the first that answers is taken, and one that is silent costs its share alone."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from gateway.endpoints.dialing import dialed, dialed_now
from gateway.endpoints.opening import open_place
from gateway.endpoints.trust import fetch_host_key
from tests.endpoints.test_conformance import names
from tests.peers.ftp_servers import pyftpd
from tests.peers.places import ftp_place, ssh_place
from tests.peers.ssh_servers import asyncssh_sftp

HOST = "two.example"
ELSEWHERE = "127.0.0.2"
LONGEST_S = 4.0


@pytest.fixture(autouse=True)
def two_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """`two.example` is 127.0.0.2, and then 127.0.0.1."""
    look_up = socket.getaddrinfo

    def both(host: str, port: int, *more: int, **options: int) -> list[object]:
        known = [ELSEWHERE, "127.0.0.1"] if host == HOST else [host]
        return [info for one in known for info in look_up(one, port, *more, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", both)


@contextmanager
def silent(port: int) -> Iterator[None]:
    """Nobody answers at the first address: as many wait there as its kernel lets."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind((ELSEWHERE, port))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect((ELSEWHERE, port))
        yield


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """It answers at the second address."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


async def test_an_address_that_is_silent_leaves_time_for_the_next_one(server: socket.socket) -> None:
    port = server.getsockname()[1]
    with silent(port):
        async with asyncio.timeout(LONGEST_S):
            line = await dialed(HOST, port, LONGEST_S)
        with line:
            assert line.getpeername() == ("127.0.0.1", port)


def test_it_has_its_share_where_a_thread_waits_too(server: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    connect, given = socket.create_connection, []

    def noted(address: tuple[str, int], seconds: float) -> socket.socket:
        given.append(seconds)
        return connect(address, seconds)

    monkeypatch.setattr(socket, "create_connection", noted)
    with dialed_now(HOST, server.getsockname()[1], 20.0) as line:
        assert (given, line.gettimeout()) == ([10.0], 20.0)


async def test_an_address_that_refuses_is_passed_over_by_logins_and_by_trust(tmp_path: Path) -> None:
    async with asyncssh_sftp(tmp_path / "ssh") as peer:
        place = ssh_place(peer, "/", host=HOST)
        assert (await fetch_host_key(place)).known
        async with await open_place(place) as endpoint:
            assert await names(endpoint) == []
    with pyftpd(tmp_path / "ftp") as ftp:
        async with await open_place(ftp_place(ftp, host=HOST)) as endpoint:
            assert await names(endpoint) == []
