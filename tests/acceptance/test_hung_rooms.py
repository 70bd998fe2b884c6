"""Partners at the embedded SFTP server whose folder hangs: the others come and go, and the gateway stops and starts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from gateway.inbound.accounts import hash_password
from tests.acceptance.harness import Gateway, until
from tests.acceptance.test_hung_mounts import hanging
from tests.peers.hung_mount import hung_mount
from tests.peers.processes import free_port

PASSWORD = "loopback"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def gone(gateway: Gateway, tmp_path: Path, port: int) -> Path:
    """The folder of a partner `gone`, beside one `well`."""
    gateway.set("inbound.sftp", listen=f"127.0.0.1:{port}")
    for name in ("gone", "well"):
        (tmp_path / name).mkdir()
        gateway.set(f"inbound.users.{name}", root=str(tmp_path / name), password=hash_password(PASSWORD))
    return tmp_path / "gone"


def let_in(port: int, name: str) -> Any:
    return asyncssh.connect(
        "127.0.0.1", port, username=name, password=PASSWORD, client_keys=None, known_hosts=None, config=None
    )


@asynccontextmanager
async def asking(port: int, times: int = 1) -> AsyncIterator[None]:
    """So many sessions of `gone` that wait for an answer."""

    connections = [await let_in(port, "gone") for _ in range(times)]

    async def list_all(connection: asyncssh.SSHClientConnection) -> None:
        await (await connection.start_sftp_client()).listdir("/")

    waiting = [asyncio.create_task(list_all(connection)) for connection in connections]
    try:
        yield
    finally:
        for connection in connections:
            connection.abort()
        for task in waiting:
            task.cancel()


async def hangs(gateway: Gateway, threads: int = 1) -> None:
    await asyncio.to_thread(until, lambda: hanging(gateway) >= threads, gateway.told, 20)


async def uploads(port: int, room: Path) -> None:
    """The partner of `room` lays a file there."""
    async with (
        asyncio.timeout(100),
        let_in(port, room.name) as connection,
        connection.start_sftp_client() as client,
        client.open("a.csv", "wb") as file,
    ):
        await file.write(b"a")
    assert (room / "a.csv").read_bytes() == b"a"


async def test_a_session_in_a_folder_that_hangs_holds_up_nothing_else(gateway: Gateway, gone: Path, port: int) -> None:
    gateway.start()
    with hung_mount(gone):
        async with asking(port):
            await hangs(gateway)
            status = await asyncio.to_thread(gateway.run, "status", limit_s=20)
            assert status.returncode == 0, status.stderr
            await uploads(port, gone.with_name("well"))


async def test_a_gateway_stops_while_a_session_hangs(gateway: Gateway, gone: Path, port: int) -> None:
    gateway.start()
    with hung_mount(gone):
        async with asking(port):
            await hangs(gateway)
            assert await asyncio.to_thread(gateway.stop, 30) == 0


async def test_many_sessions_that_hang_leave_threads_for_the_others(gateway: Gateway, gone: Path, port: int) -> None:
    gateway.start()
    with hung_mount(gone):
        async with asking(port, 20):
            await hangs(gateway, 8)
            await uploads(port, gone.with_name("well"))
            gateway.kill()
