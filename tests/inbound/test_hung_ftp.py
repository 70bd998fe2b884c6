"""An FTP partner whose folder hangs: the others come and go, it is turned away in time, and the server stops."""

import asyncio
import contextlib
import ftplib
import io
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.config.schema import InboundSettings
from gateway.inbound import InboundServers, ftp_threads
from tests.inbound.running import PASSWORD, until
from tests.peers.hung_mount import hung_mount


@pytest.fixture
async def servers(tmp_path: Path, password_hash: str) -> AsyncIterator[InboundServers]:
    users = {name: {"password": password_hash, "root": str(tmp_path / name)} for name in ("well", "gone")}
    ftp = {"listen": "127.0.0.1:0", "plain": True, "max_connections": ftp_threads.MOST_HUNG + 1}
    made = InboundServers(
        InboundSettings.model_validate({"users": users, "ftp": ftp}), tmp_path, tmp_path / "state", lambda _: None
    )
    await made.start()
    yield made
    await made.stop()


@contextlib.contextmanager
def logged_in(servers: InboundServers, user: str) -> Iterator[ftplib.FTP]:
    assert servers.ftp_address is not None
    with ftplib.FTP(timeout=100) as client:
        client.connect("127.0.0.1", servers.ftp_address[1])
        client.login(user, PASSWORD)
        yield client


def upload(servers: InboundServers) -> None:
    with logged_in(servers, "well") as client:
        assert client.storbinary("STOR a.csv", io.BytesIO(b"a")).startswith("226")


def waits(servers: InboundServers) -> ftplib.FTP:
    """A session of `gone` that waits for the answer to its login."""
    assert servers.ftp_address is not None
    client = ftplib.FTP(timeout=100)
    client.connect("127.0.0.1", servers.ftp_address[1])
    client.sendcmd("USER gone")
    client.putcmd(f"PASS {PASSWORD}")
    return client


async def test_sessions_whose_folder_hangs_hold_up_no_other_and_the_next_is_turned_away(
    servers: InboundServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ftp_threads, "HANGS_S", 1.5)
    with contextlib.ExitStack() as stack, hung_mount(tmp_path / "gone"):
        for _ in range(ftp_threads.MOST_HUNG):
            stack.enter_context(await asyncio.to_thread(waits, servers))
        await asyncio.to_thread(upload, servers)
        assert servers._ftp is not None
        listener = servers._ftp._listener
        assert listener is not None
        await until(lambda: listener.hangs("gone"))
        with pytest.raises(ftplib.error_temp, match="421 Your folder does not answer"):
            await asyncio.to_thread(lambda: stack.enter_context(logged_in(servers, "gone")))
        with logged_in(servers, "well"):
            await asyncio.to_thread(upload, servers)  # those that hang take no place
        began_s = time.monotonic()
        await servers.stop()
        assert time.monotonic() - began_s < 60
