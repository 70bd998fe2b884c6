"""The embedded SFTP server: logins, landing, confinement, limits."""

import asyncio
import os
from pathlib import Path

import asyncssh
import pytest

from tests.inbound.running import Running, running, until


async def test_a_password_and_a_key_let_the_account_in(sftp: Running) -> None:
    async with sftp.sftp() as connection, connection.start_sftp_client() as client:
        assert await client.realpath(".") == "/"
    by_key = sftp.sftp(password=None, client_keys=[str(sftp.key)])
    async with by_key as connection, connection.start_sftp_client() as client:
        assert await client.listdir("/") == [".", ".."]


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"username": "nobody"}])
async def test_anybody_else_is_refused(sftp: Running, wrong: dict[str, str]) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        await sftp.sftp(**wrong)


async def test_there_is_no_shell_no_command_and_no_tunnel(sftp: Running) -> None:
    async with sftp.sftp() as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.run("id", check=True)
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", sftp.sftp_port)


async def test_an_upload_shows_and_is_reported_only_at_its_close(sftp: Running) -> None:
    async with sftp.sftp() as connection, connection.start_sftp_client() as client:
        file = await client.open("a.csv", "wb")
        await file.write(b"half")
        assert await client.listdir("/") == [".", ".."]
        assert sftp.landed == []
        assert len(sftp.hidden) == 1
        await file.close()
        assert sorted(await client.listdir("/")) == [".", "..", "a.csv"]
    assert sftp.names == ["a.csv"]
    assert (sftp.root / "a.csv").read_bytes() == b"half"


async def test_a_connection_cut_before_the_close_leaves_nothing(sftp: Running) -> None:
    async with sftp.sftp() as connection:
        client = await connection.start_sftp_client()
        file = await client.open("a.csv", "wb")
        await file.write(b"half")
        connection.abort()
    await until(lambda: not sftp.hidden)
    assert os.listdir(sftp.root) == []
    assert sftp.landed == []


async def test_a_session_that_ends_in_order_but_without_the_close_leaves_nothing(sftp: Running) -> None:
    async with sftp.sftp() as connection:
        client = await connection.start_sftp_client()
        file = await client.open("a.csv", "wb")
        await file.write(b"half")
        client.exit()
        await client.wait_closed()
        await until(lambda: not sftp.hidden)
    assert os.listdir(sftp.root) == []
    assert sftp.landed == []


async def test_a_cut_upload_leaves_the_older_file_whole(sftp: Running) -> None:
    (sftp.root / "a.csv").write_bytes(b"old")
    async with sftp.sftp() as connection:
        client = await connection.start_sftp_client()
        await (await client.open("a.csv", "wb")).write(b"new and longer")
        connection.abort()
    await until(lambda: not sftp.hidden)
    assert (sftp.root / "a.csv").read_bytes() == b"old"


async def test_stopping_the_server_ends_uploads_without_a_trace(tmp_path: Path, password_hash: str) -> None:
    async with running(tmp_path, password_hash, sftp={"listen": "127.0.0.1:0"}) as made:
        connection = await made.sftp()
        client = await connection.start_sftp_client()
        await (await client.open("a.csv", "wb")).write(b"half")
        await made.servers.stop()
        assert os.listdir(made.root) == []
        assert made.servers.sftp_address is None
        await connection.wait_closed()


async def test_a_rename_reports_the_new_name(sftp: Running) -> None:
    async with sftp.sftp() as connection, connection.start_sftp_client() as client:
        async with client.open("a.filepart", "wb") as file:
            await file.write(b"x")
        await client.rename("a.filepart", "a.csv")
        async with client.open("b.tmp", "wb") as file:
            await file.write(b"y")
        with pytest.raises(asyncssh.SFTPError):
            await client.rename("b.tmp", "a.csv")
        await client.posix_rename("b.tmp", "a.csv")
    assert sftp.names == ["a.filepart", "a.csv", "b.tmp", "a.csv"]
    assert (sftp.root / "a.csv").read_bytes() == b"y"
    assert os.listdir(sftp.root) == ["a.csv"]


async def test_a_rename_is_answered_as_done_even_if_somebody_takes_the_file_at_once(
    sftp: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def taken(old: Path, new: Path) -> None:
        replace(old, new)
        new.unlink()

    async with sftp.sftp() as connection, connection.start_sftp_client() as client:
        async with client.open("a.part", "wb") as file:
            await file.write(b"x")
        monkeypatch.setattr(os, "replace", taken)
        await client.posix_rename("a.part", "a.csv")
    assert sftp.names == ["a.part", "a.csv"]


async def test_times_and_permissions_set_on_the_handle_survive_the_landing(sftp: Running) -> None:
    async with sftp.sftp() as connection, connection.start_sftp_client() as client, client.open("a", "wb") as file:
        await file.write(b"x")
        await file.setstat(asyncssh.SFTPAttrs(permissions=0o600, atime=1_000_000_000, mtime=1_000_000_001))
        await file.fsync()
    found = (sftp.root / "a").stat()
    assert (found.st_mode & 0o777, found.st_mtime) == (0o600, 1_000_000_001)


async def test_appending_and_reading_back_work(sftp: Running) -> None:
    (sftp.root / "a").write_bytes(b"old ")
    async with sftp.sftp() as connection, connection.start_sftp_client() as client:
        async with client.open("a", "ab") as file:
            await file.write(b"new")
        async with client.open("a", "rb") as file:
            assert await file.read() == b"old new"


async def test_nothing_outside_the_room_can_be_seen_or_changed(sftp: Running, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (sftp.root / "out").symlink_to(tmp_path)
    async with sftp.sftp() as connection, connection.start_sftp_client() as client:
        for path in ("/../../secret", "../../secret", "out/secret", f"{tmp_path}/secret"):
            with pytest.raises((asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied)):
                await client.open(path, "rb")
            with pytest.raises((asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied)):
                await client.stat(path)
        for work in (
            client.listdir("out"),
            client.mkdir("out/new"),
            client.remove("out/secret"),
            client.rename("out/secret", "here"),
            client.readlink("out"),
            client.symlink("/etc", "mine"),
            client.link("out", "mine"),
            client.open("out/new", "wb"),
        ):
            with pytest.raises((asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied)):
                await work
    assert sorted(os.listdir(tmp_path)) == ["id", "rooms", "secret", "state"]
    assert sftp.landed == []


async def test_uploads_on_their_way_are_nobodys_business(sftp: Running) -> None:
    async with sftp.sftp() as connection, connection.start_sftp_client() as client:
        file = await client.open("a", "wb")
        hidden = sftp.hidden[0].name
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await client.remove(hidden)
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await client.open(hidden, "rb")
        await file.close()


async def test_a_fifo_holds_nobody_up(sftp: Running) -> None:
    os.mkfifo(sftp.root / "fifo")
    async with asyncio.timeout(100), sftp.sftp() as connection, connection.start_sftp_client() as client:
        for mode in ("rb", "wb"):
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await client.open("fifo", mode)


async def test_a_long_listing_is_whole(sftp: Running) -> None:
    for number in range(1203):
        (sftp.root / f"f{number}").touch()
    async with sftp.sftp() as connection, connection.start_sftp_client() as client:
        assert len(await client.listdir("/")) == 1203 + 2


async def test_the_host_key_is_made_once_and_kept(tmp_path: Path, password_hash: str) -> None:
    keys = []
    for _ in range(2):
        async with running(tmp_path, password_hash, sftp={"listen": "127.0.0.1:0"}) as made:
            found = await asyncssh.get_server_host_key("127.0.0.1", made.sftp_port, config=None)
            assert found is not None
            keys.append(found.export_public_key())
    assert keys[0] == keys[1]
    assert (tmp_path / "state" / "inbound_host_key").stat().st_mode & 0o777 == 0o600


async def test_more_connections_than_allowed_are_turned_away(tmp_path: Path, password_hash: str) -> None:
    section = {"listen": "127.0.0.1:0", "max_connections": 1}
    async with running(tmp_path, password_hash, sftp=section) as made:
        async with made.sftp():
            with pytest.raises((asyncssh.DisconnectError, OSError)):
                await made.sftp()
        await until(lambda: not made.servers._sftp.connections)  # type: ignore[union-attr]
        async with made.sftp():
            pass


async def test_a_client_that_says_nothing_is_sent_away(tmp_path: Path, password_hash: str) -> None:
    section = {"listen": "127.0.0.1:0", "idle_timeout": "1s"}
    async with running(tmp_path, password_hash, sftp=section) as made:
        async with asyncio.timeout(100):
            try:
                await (await made.sftp()).wait_closed()
            except asyncssh.DisconnectError as ended:  # a busy machine lets its second pass before it has logged in
                if "Idle" not in ended.reason:
                    raise


async def test_what_a_kill_left_behind_is_gone_after_the_start(tmp_path: Path, password_hash: str) -> None:
    room = tmp_path / "rooms/partner/sub"
    room.mkdir(parents=True)
    (room / ".a.csv.0123456789ab.landing").write_bytes(b"half")
    (room / "b").write_bytes(b"whole")
    async with running(tmp_path, password_hash, sftp={"listen": "127.0.0.1:0"}):
        assert os.listdir(room) == ["b"]
