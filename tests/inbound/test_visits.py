"""What the log says of partners: who came, who was refused, what was laid down, fetched, renamed, removed."""

import ftplib
import io
import time
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from structlog.testing import capture_logs

from gateway.inbound.visits import Refusals
from tests.inbound.running import NAME, PASSWORD, Running, running, until
from tests.inbound.test_inbound_ftp import half, off, plain, reset, secure, store

Line = MutableMapping[str, Any]


@pytest.fixture
def lines() -> Iterator[list[Line]]:
    with capture_logs() as logged:
        yield logged


def told(lines: list[Line], over: str, root: Path) -> list[tuple[Any, ...]]:
    """What was told of the partner, each as what, which file, the rest."""
    common = {"event", "log_level", "user", "address", "over"}
    for line in lines:
        assert line["user"] == NAME
        assert line["address"] == "127.0.0.1"
        assert line["over"] == over

    def shown(value: object) -> object:
        return value.replace(f"{root}/", "") if isinstance(value, str) else value

    return [(line["event"], *(shown(value) for key, value in line.items() if key not in common)) for line in lines]


DONE = [
    ("partner logged in", "password"),
    ("folder made by partner", "new"),
    ("upload landed", "new/a.part", 5),
    ("renamed by partner", "new/a.part", "new/a.csv"),
    ("download", "new/a.csv", 5),
    ("removed by partner", "new/a.csv"),
    ("removed by partner", "new"),
]


async def test_what_a_partner_does_over_sftp_is_told_line_by_line(sftp: Running, lines: list[Line]) -> None:
    async with sftp.sftp() as connection, connection.start_sftp_client() as client:
        await client.mkdir("new")
        async with client.open("new/a.part", "wb") as file:
            await file.write(b"12345")
        await client.rename("new/a.part", "new/a.csv")
        async with client.open("new/a.csv", "rb") as file:
            assert await file.read() == b"12345"
        await client.remove("new/a.csv")
        await client.rmdir("new")
    assert told(lines, "sftp", sftp.root) == DONE


@pytest.mark.parametrize("over", ["ftp", "ftps"])
async def test_what_a_partner_does_over_ftp_is_told_line_by_line(
    ftp: Running, ftps: Running, over: str, lines: list[Line]
) -> None:
    server, open_client = (ftp, plain) if over == "ftp" else (ftps, secure)

    def work() -> None:
        with open_client(server) as client:
            client.mkd("new")
            store(client, "new/a.part", b"12345")
            client.rename("new/a.part", "new/a.csv")
            back = io.BytesIO()
            client.retrbinary("RETR new/a.csv", back.write)
            assert back.getvalue() == b"12345"
            client.delete("new/a.csv")
            client.rmd("new")
            for refused in ("DELE gone", "RMD gone", "MKD gone/deeper"):
                with pytest.raises(ftplib.error_perm):
                    client.sendcmd(refused)
            client.quit()

    await off(work)
    assert told(lines, over, server.root) == DONE


async def test_an_upload_that_was_cut_is_told_with_what_came_of_it(
    sftp: Running, ftp: Running, lines: list[Line]
) -> None:
    async with sftp.sftp() as connection:
        client = await connection.start_sftp_client()
        await (await client.open("a.csv", "wb")).write(b"half")
        connection.abort()
    await until(lambda: len(lines) == 2)
    cut = ("upload not finished, nothing of it is kept", "a.csv", 4)
    assert told(lines, "sftp", sftp.root)[1] == cut
    lines.clear()

    def work() -> None:
        with plain(ftp) as client:
            data = half(client, "STOR a.csv")
            while not any(path.stat().st_size for path in ftp.hidden):
                time.sleep(0.01)
            reset(data)
            with pytest.raises(ftplib.error_temp):
                client.voidresp()

    await off(work)
    assert told(lines, "ftp", ftp.root)[1][:2] == cut[:2]


async def test_a_login_by_key_is_told_as_one_and_keys_offered_before_it_are_no_refusal(
    sftp: Running, tmp_path: Path, lines: list[Line]
) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519")
    async with sftp.sftp(password=None, client_keys=[other, str(sftp.key)]):
        pass
    assert told(lines, "sftp", sftp.root) == [("partner logged in", "key")]


async def test_a_refused_login_over_sftp_is_one_warning_a_connection(sftp: Running, lines: list[Line]) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        await sftp.sftp(username="nobody", client_keys=[str(sftp.key)])
    await until(lambda: bool(lines))
    assert lines == [
        {
            "event": "login refused",
            "log_level": "warning",
            "user": "nobody",
            "address": "127.0.0.1",
            "over": "sftp",
            "method": "key, password",
            "tries": 2,
        }
    ]


async def test_a_refused_login_over_ftp_is_a_warning_without_the_password(ftp: Running, lines: list[Line]) -> None:
    def work() -> None:
        with ftplib.FTP(timeout=60) as client:
            client.connect("127.0.0.1", ftp.ftp_port)
            with pytest.raises(ftplib.error_perm):
                client.login(NAME, "wrong " + PASSWORD)

    await off(work)
    await until(lambda: bool(lines))
    assert [(line["event"], line["log_level"], line["user"], line["over"]) for line in lines] == [
        ("login refused", "warning", NAME, "ftp")
    ]
    assert PASSWORD not in str(lines)


async def test_a_connection_that_never_tries_to_log_in_is_not_told(sftp: Running, lines: list[Line]) -> None:
    key = await asyncssh.get_server_host_key("127.0.0.1", sftp.sftp_port)
    assert key is not None
    async with sftp.sftp():
        pass
    assert [line["event"] for line in lines] == ["partner logged in"]


def test_guessing_passwords_cannot_fill_the_disk_and_what_was_not_shown_is_counted(lines: list[Line]) -> None:
    now_s = 0.0
    refusals = Refusals(lambda: now_s)
    for _ in range(5000):
        refusals.refused("x" * 100_000, "192.0.2.1", "sftp", "password")
    assert len(lines) == 21
    assert "only counted" in lines[-1]["event"]
    assert len(lines[0]["user"]) == 100
    now_s = 60.0
    refusals.refused("root", "192.0.2.1", "sftp", "password")
    assert [(line["event"], line.get("count")) for line in lines[21:]] == [
        ("refused logins that were not shown", 4980),
        ("login refused", None),
    ]
    refusals.tell_rest()
    assert len(lines) == 23


async def test_a_log_that_cannot_be_written_does_not_fail_an_upload(
    tmp_path: Path, password_hash: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gateway.inbound.visits.log.info", full, raising=False)
    async with running(tmp_path, password_hash, ftp={"listen": "127.0.0.1:0", "plain": True}) as server:

        def work() -> None:
            with plain(server) as client:
                assert store(client, "a.csv", b"12345").startswith("226")

        await off(work)
        assert server.names == ["a.csv"]
