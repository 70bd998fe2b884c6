"""Our own servers against clients that vanish, stall, hurry and race (cases 75 to 80)."""

import asyncio
import ftplib
import io
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from argon2 import PasswordHasher

from gateway.config.schema import InboundSettings
from gateway.inbound import InboundServers
from tests.inbound.running import NAME, Running, running, until
from tests.inbound.running import PASSWORD as PASS
from tests.peers.certificates import make_certificate

TIMEOUT_S = 60
PLAIN = {"listen": "127.0.0.1:0", "plain": True}


@pytest.fixture(scope="module")
def password_hash() -> str:
    """A cheap one: clients log in often."""
    return "argon2:" + PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASS)


@pytest.fixture
async def both(tmp_path: Path, password_hash: str) -> AsyncIterator[Running]:
    """Plain FTP and SFTP on one room."""
    async with running(tmp_path, password_hash, ftp=PLAIN, sftp={"listen": "127.0.0.1:0"}) as made:
        yield made


@pytest.fixture
async def ftps(tmp_path: Path, password_hash: str) -> AsyncIterator[Running]:
    certificate = make_certificate(tmp_path / "certificate")
    (tmp_path / "ca.pem").write_text(certificate.text)
    tls = {"certificate": f"file:{certificate.file}", "key": f"file:{certificate.file}"}
    async with running(tmp_path, password_hash, ftp={"listen": "127.0.0.1:0", "tls": tls}) as made:
        yield made


def client(server: Running) -> ftplib.FTP:
    """A plain one that is logged in, in binary."""
    made = ftplib.FTP(timeout=TIMEOUT_S, encoding="utf-8")
    try:
        made.connect("127.0.0.1", server.ftp_port)
        made.login(NAME, PASS)
        made.voidcmd("TYPE I")
    except ftplib.all_errors:
        made.close()
        raise
    return made


def let_in(server: Running, limit_s: float = 60.0) -> ftplib.FTP:
    """The same, once there is room and the machine is quick enough for the server's patience."""
    end_s = time.monotonic() + limit_s
    while True:
        try:
            return client(server)
        except ftplib.all_errors:
            if time.monotonic() > end_s:
                raise
            time.sleep(0.02)


def secure(server: Running) -> ftplib.FTP_TLS:
    made = ftplib.FTP_TLS(timeout=TIMEOUT_S, context=ssl.create_default_context(cafile=str(server.ca)))
    made.connect("127.0.0.1", server.ftp_port)
    made.login(NAME, PASS)
    made.prot_p()
    return made


async def off(work: Callable[[], Any]) -> Any:
    """Run a blocking client in a thread of its own."""
    return await asyncio.to_thread(work)


def visible(server: Running) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in server.root.iterdir() if not path.name.startswith(".")}


async def test_f76_tls_clients_that_vanish_or_stall_cost_no_time_and_no_upload(ftps: Running) -> None:
    held: list[Any] = []

    def stall_in_the_handshake() -> None:
        raw = socket.create_connection(("127.0.0.1", ftps.ftp_port), TIMEOUT_S)
        held.append(raw)
        raw.recv(1000)
        raw.sendall(b"AUTH TLS\r\n")
        raw.recv(1000)
        raw.sendall(b"\x16\x03\x01\x02\x00\x01")  # the start of a ClientHello

    def vanish_in_the_upload() -> None:
        made = secure(ftps)
        made.voidcmd("TYPE I")
        data = made.transfercmd("STOR lost.bin")
        data.sendall(b"x" * 1000)
        assert made.sock is not None
        held.extend((data, made.sock, made))
        socket.socket.shutdown(data, socket.SHUT_RDWR)  # the TCP end alone
        socket.socket.shutdown(made.sock, socket.SHUT_RDWR)

    def half_close() -> None:
        made = secure(ftps)
        assert made.sock is not None
        socket.socket.shutdown(made.sock, socket.SHUT_WR)
        held.append(made)

    def honest() -> None:
        with secure(ftps) as made:
            made.storbinary("STOR good.bin", io.BytesIO(b"good"))

    for each in (stall_in_the_handshake, vanish_in_the_upload, half_close) * 6:
        await off(each)
    await until(lambda: not ftps.hidden)
    before = time.process_time()
    await asyncio.sleep(1)
    spent_s = time.process_time() - before
    await off(honest)
    for one in held:
        one.close()
    assert spent_s < 0.3
    await until(lambda: ftps.names == ["good.bin"])
    assert visible(ftps) == {"good.bin": b"good"}


async def test_f77_quit_in_the_middle_of_an_upload_lets_it_end(both: Running) -> None:
    def work() -> None:
        made = client(both)
        data = made.transfercmd("STOR a")
        data.sendall(b"first ")
        made.putcmd("QUIT")
        assert made.getresp().startswith("221")
        data.sendall(b"second")
        data.close()
        assert made.getresp().startswith("226")
        made.close()

    await off(work)
    await until(lambda: both.names == ["a"])
    assert visible(both) == {"a": b"first second"}


async def test_f77_passive_ports_that_nobody_connects_to_are_given_back(both: Running) -> None:
    def work() -> None:
        with client(both) as made:
            made.makepasv()
            before = len(os.listdir("/proc/self/fd"))
            for _ in range(50):
                made.makepasv()
            assert len(os.listdir("/proc/self/fd")) <= before + 1
            made.storbinary("STOR a", io.BytesIO(b"x"))

    await off(work)
    await until(lambda: both.names == ["a"])


@pytest.mark.parametrize("line", [b"N", b"NOOP\r\n"], ids=["letter by letter", "line by line"])
async def test_f77_a_client_that_never_logs_in_is_sent_away_whatever_it_says(
    tmp_path: Path, password_hash: str, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    monkeypatch.setattr("gateway.inbound.ftp_session._LOGIN_TIMEOUT_S", 1.0)
    async with running(tmp_path, password_hash, ftp={**PLAIN, "max_connections": 1}) as made:

        def knock() -> float:
            started = time.monotonic()
            with socket.create_connection(("127.0.0.1", made.ftp_port), TIMEOUT_S) as raw:
                raw.settimeout(0.05)
                while time.monotonic() - started < 40:
                    try:
                        raw.sendall(line)
                        if raw.recv(1000) == b"":
                            break
                    except TimeoutError:
                        continue
                    except OSError:
                        break
                    time.sleep(0.05)
            return time.monotonic() - started

        assert await off(knock) < 30

        def honest() -> None:
            with let_in(made) as mine:
                time.sleep(1.2)
                mine.storbinary("STOR a", io.BytesIO(b"x"))

        await off(honest)
        await until(lambda: made.names == ["a"])  # who has logged in may take their time


async def test_f77_idle_connections_up_to_the_limit_leave_room_again_once_they_go(
    tmp_path: Path, password_hash: str
) -> None:
    async with running(tmp_path, password_hash, ftp={**PLAIN, "max_connections": 20}) as made:

        def crowd() -> None:
            idle = [client(made) for _ in range(20)]
            with pytest.raises(ftplib.error_temp, match="421"):
                client(made)
            idle[0].storbinary("STOR a", io.BytesIO(b"x"))
            for one in idle:
                one.close()

        await off(crowd)
        await off(lambda: let_in(made).close())
        await until(lambda: made.names == ["a"])


async def test_f78_of_two_who_upload_one_name_the_last_to_end_wins_and_both_were_whole(both: Running) -> None:
    def start() -> tuple[ftplib.FTP, socket.socket]:
        made = client(both)
        data = made.transfercmd("STOR a")
        data.sendall(b"ftp-" * 1000)
        return made, data

    def end(made: ftplib.FTP, data: socket.socket) -> None:
        data.close()
        assert made.voidresp().startswith("226")
        made.close()

    made, data = await off(start)
    async with both.sftp() as connection, connection.start_sftp_client() as files:
        async with files.open("a", "wb") as upload:
            await upload.write(b"sftp-" * 1000)
            assert visible(both) == {}
        assert visible(both) == {"a": b"sftp-" * 1000}
    await off(lambda: end(made, data))
    assert visible(both) == {"a": b"ftp-" * 1000}
    await until(lambda: both.names == ["a", "a"])


async def test_f78_a_name_removed_or_renamed_during_its_upload_changes_nothing_of_the_upload(both: Running) -> None:
    (both.root / "a").write_bytes(b"old")

    async with both.sftp() as connection, connection.start_sftp_client() as files:
        async with files.open("a", "wb") as upload:
            await upload.write(b"new")
            await files.rename("a", "b")
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await files.remove("a")
        assert visible(both) == {"a": b"new", "b": b"old"}
    assert both.names == ["b", "a"]


async def test_f79_going_on_with_an_upload_that_was_delivered_meanwhile_is_refused(both: Running) -> None:
    def work() -> None:
        with client(both) as made:
            made.storbinary("STOR a", io.BytesIO(b"0123"))
            (both.root / "a").unlink()  # it was sent on and removed
            with pytest.raises(ftplib.error_perm):
                made.storbinary("STOR a", io.BytesIO(b"4567"), rest=4)
            assert visible(both) == {}
            (both.root / "a").write_bytes(b"01")
            with pytest.raises(ftplib.error_perm):
                made.storbinary("STOR a", io.BytesIO(b"4567"), rest=4)
            made.storbinary("APPE b", io.BytesIO(b"new"))

    await off(work)
    await until(lambda: both.names == ["a", "b"])
    assert visible(both) == {"a": b"01", "b": b"new"}


async def test_f79_going_on_over_sftp_behind_the_end_of_what_is_there_leaves_no_hole(both: Running) -> None:
    async with both.sftp() as connection, connection.start_sftp_client() as files:
        with pytest.raises(asyncssh.SFTPError):
            async with files.open("a", "r+b") as upload:
                await upload.write(b"4567", 4)
    assert (visible(both), both.names) == ({}, [])


async def test_f80_who_is_told_of_an_upload_can_cost_no_client_its_answer(tmp_path: Path, password_hash: str) -> None:
    def breaks(path: str) -> None:
        told.append(path)
        raise RuntimeError("the one who is told has failed")

    told: list[str] = []
    user = {"password": password_hash, "root": "room"}
    settings = {"ftp": PLAIN, "sftp": {"listen": "127.0.0.1:0"}, "users": {NAME: user}}
    servers = InboundServers(InboundSettings.model_validate(settings), tmp_path, tmp_path / "state", breaks)
    await servers.start()
    made = Running(servers, (tmp_path / "room").resolve(), tmp_path, tmp_path)

    def work() -> None:
        with client(made) as mine:
            for name in ("a", "b"):
                assert mine.storbinary(f"STOR {name}", io.BytesIO(b"x")).startswith("226")

    try:
        await off(work)
        async with made.sftp() as connection, connection.start_sftp_client() as files:
            for name in ("c", "d"):
                async with files.open(name, "wb") as upload:
                    await upload.write(b"x")
        await until(lambda: sorted(map(os.path.basename, told)) == ["a", "b", "c", "d"])
    finally:
        await servers.stop()
    assert sorted(visible(made)) == ["a", "b", "c", "d"]
