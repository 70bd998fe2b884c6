"""Names of several addresses: the first that answers is taken, and one that is silent costs its share alone."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from gateway.config.schema import Scheme
from gateway.core.errors import LinkLost
from gateway.endpoints.dialing import dialed, dialed_now
from gateway.endpoints.opening import open_place
from gateway.endpoints.place import Place
from gateway.endpoints.trust import fetch_host_key
from tests.endpoints.test_conformance import names
from tests.peers.ftp_servers import pyftpd
from tests.peers.places import ftp_place, ssh_place
from tests.peers.processes import free_port
from tests.peers.ssh_servers import asyncssh_sftp

HOST = "two.example"
ELSEWHERE = "127.0.0.2"
LONGEST_S = 4.0
REFUSED = r"\[Errno 111\] Connection refused"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


@pytest.fixture(autouse=True)
def two_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """`two.example` is 127.0.0.2, and then 127.0.0.1; nobody knows `nobody.example`."""
    look_up = socket.getaddrinfo

    def both(host: str, port: int, *more: int, **options: int) -> list[object]:
        if host == "nobody.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
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
    with dialed_now(HOST, server.getsockname()[1], 24.0) as line:
        assert (given, line.gettimeout()) == ([8.0, 8.0], 24.0)  # and as much is left for the login


@pytest.mark.parametrize("scheme", [Scheme.SFTP, Scheme.FTP, Scheme.FTPS])
async def test_each_kind_of_endpoint_says_what_was_found_at_which_address(scheme: Scheme) -> None:
    port = free_port()
    for host, found in {
        "127.0.0.1": REFUSED,
        HOST: rf"{REFUSED} at {ELSEWHERE} and 127.0.0.1",
        "nobody.example": r"\[Errno -2\] Name or service not known",
        "two..dots": "no name of a server: .*",
    }.items():
        place = Place(name="acme", scheme=scheme, host=host, port=port, user="u", password="p", host_keys=(KEY,))
        said = rf"acme \({host}:{port}\): {found}; is the server running, and host and port right\?"
        for ask in (open_place, fetch_host_key) if scheme is Scheme.SFTP else (open_place,):
            with pytest.raises(LinkLost, match=f"^{said}$"):
                await ask(place)


async def test_where_all_addresses_fail_each_is_named_with_what_was_found_there() -> None:
    port = free_port()
    said = f"no answer within 0.3 s at {ELSEWHERE}, {REFUSED} at 127.0.0.1"
    with silent(port):
        with pytest.raises(OSError, match=f"^{said}$"):
            await dialed(HOST, port, 0.9)
        with pytest.raises(OSError, match=f"^{said}$"):
            dialed_now(HOST, port, 0.9)


async def test_an_address_that_refuses_is_passed_over_by_logins_and_by_trust(tmp_path: Path) -> None:
    async with asyncssh_sftp(tmp_path / "ssh") as peer:
        place = ssh_place(peer, "/", host=HOST)
        assert (await fetch_host_key(place)).known
        async with await open_place(place) as endpoint:
            assert await names(endpoint) == []
    with pyftpd(tmp_path / "ftp") as ftp:
        async with await open_place(ftp_place(ftp, host=HOST)) as endpoint:
            assert await names(endpoint) == []
