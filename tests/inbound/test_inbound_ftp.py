"""The embedded FTP server: TLS demanded, landing, what a cut is, limits, clean start and stop."""

import asyncio
import contextlib
import ftplib
import io
import os
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from gateway.config.schema import InboundSettings
from gateway.core.errors import NeedsOperator
from gateway.inbound import InboundServers
from tests.inbound.running import NAME, PASSWORD, Running, running, until
from tests.peers.processes import free_port

TIMEOUT_S = 60


@contextlib.contextmanager
def plain(server: Running) -> Iterator[ftplib.FTP]:
    with ftplib.FTP(timeout=TIMEOUT_S, encoding="utf-8") as client:
        client.connect("127.0.0.1", server.ftp_port)
        client.login(NAME, PASSWORD)
        yield client


@contextlib.contextmanager
def secure(server: Running) -> Iterator[ftplib.FTP_TLS]:
    context = ssl.create_default_context(cafile=str(server.ca))
    with ftplib.FTP_TLS(timeout=TIMEOUT_S, encoding="utf-8", context=context) as client:
        client.connect("127.0.0.1", server.ftp_port)
        client.login(NAME, PASSWORD)
        client.prot_p()
        yield client


def store(client: ftplib.FTP, name: str, data: bytes) -> str:
    return client.storbinary(f"STOR {name}", io.BytesIO(data))


def half(client: ftplib.FTP, command: str) -> socket.socket:
    """An upload whose half is sent and stays open."""
    client.voidcmd("TYPE I")
    data = client.transfercmd(command)
    data.sendall(b"half")
    return data


def reset(data: socket.socket) -> None:
    """Close with an RST in place of a FIN."""
    data.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    data.close()


async def off(work: object) -> None:
    """Run a blocking client in a thread of its own."""
    await asyncio.to_thread(work)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "command", ["MLSD", "MLST", "LIST", "NLST", "SIZE", "MDTM", "RETR", "CWD", "DELE", "RNFR", "RMD"]
)
@pytest.mark.parametrize("name", ["gone", "gone/deeper", "file/deeper", "dangling"])
async def test_what_is_not_there_is_answered_with_550(ftp: Running, command: str, name: str) -> None:
    (ftp.root / "file").write_bytes(b"")
    (ftp.root / "dangling").symlink_to("nowhere")
    if name == "dangling" and command in ("MLST", "LIST", "NLST", "DELE", "RNFR"):
        return  # these are about the link itself

    def work() -> None:
        with plain(ftp) as client:
            client.voidcmd("TYPE I")
            with pytest.raises(ftplib.error_perm, match=r"^550 "):
                client.sendcmd(f"{command} {name}")

    await off(work)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("NLST *.csv", ["a.csv", "b.csv", "odd[1].csv"]),
        ("NLST sub/[xy].cs?", ["sub/x.csv"]),
        ("NLST -1 sub", ["x.csv"]),
        ("NLST .*", [".c.csv"]),
        ("NLST *.txt", []),
        ("NLST odd[1].csv", ["odd[1].csv"]),
        ("LIST -la", [".c.csv", "a.csv", "b.csv", "odd[1].csv", "sub"]),
        ("LIST -l sub", ["x.csv"]),
        ("LIST -l a*", ["a.csv"]),
        ("LIST ../../*", ["a.csv", "b.csv", "odd[1].csv", "sub"]),
    ],
)
async def test_listings_take_wildcards_and_overlook_options_of_ls(ftp: Running, asked: str, names: list[str]) -> None:
    for name in ("a.csv", "b.csv", ".c.csv", "odd[1].csv", "sub/x.csv"):
        (ftp.root / name).parent.mkdir(exist_ok=True)
        (ftp.root / name).write_bytes(b"x")

    def work() -> None:
        lines: list[str] = []
        with plain(ftp) as client:
            client.retrlines(asked, lines.append)
        assert sorted(line.rpartition(" ")[2] for line in lines) == names

    await off(work)


async def test_names_that_are_no_utf_8_are_kept_as_they_come(ftp: Running) -> None:
    """Two of them are two files: with a sign in place of what can't be read one would replace the other."""

    def work() -> None:
        with ftplib.FTP(timeout=TIMEOUT_S, encoding="latin-1") as client:
            client.connect("127.0.0.1", ftp.ftp_port)
            client.login(NAME, PASSWORD)
            client.mkd("Köln")
            client.cwd("Köln")
            store(client, "ä.csv", b"1")
            store(client, "ö.csv", b"2")
            assert sorted(client.nlst()) == ["ä.csv", "ö.csv"]
            got: list[bytes] = []
            client.retrbinary("RETR ö.csv", got.append)
            assert (got, client.pwd()) == ([b"2"], "/Köln")

    await off(work)
    assert sorted(os.listdir(bytes(ftp.root / os.fsdecode(b"K\xf6ln")))) == [b"\xe4.csv", b"\xf6.csv"]
    await until(lambda: len(ftp.landed) == 2)


async def test_a_wildcard_in_a_folder_that_is_not_there_is_answered_with_550(ftp: Running) -> None:
    def work() -> None:
        with plain(ftp) as client, pytest.raises(ftplib.error_perm, match="550"):
            client.retrlines("NLST none/*.csv")

    await off(work)


async def test_a_machine_listing_of_a_file_is_answered_with_501_as_rfc_3659_says(ftp: Running) -> None:
    (ftp.root / "file").write_bytes(b"")

    def work() -> None:
        with plain(ftp) as client, pytest.raises(ftplib.error_perm, match=r"^501 "):
            client.sendcmd("MLSD file")

    await off(work)


async def test_an_upload_shows_and_is_reported_only_at_its_end(ftp: Running) -> None:
    def work() -> None:
        with plain(ftp) as client:
            data = half(client, "STOR ä b.csv")
            assert [name for name in os.listdir(ftp.root) if not name.startswith(".")] == []
            data.close()
            assert client.voidresp().startswith("226")
            assert (ftp.root / "ä b.csv").read_bytes() == b"half"
            assert client.nlst() == ["ä b.csv"]

    await off(work)
    assert ftp.names == ["ä b.csv"]


async def test_the_file_is_there_before_the_answer(ftps: Running) -> None:
    def work() -> None:
        with secure(ftps) as client:
            for number in range(20):
                assert store(client, f"f{number}", b"x" * 5000).startswith("226")
                assert (ftps.root / f"f{number}").stat().st_size == 5000

    await off(work)
    assert len(ftps.landed) == 20


async def test_an_upload_replaces_the_older_file_at_once(ftp: Running) -> None:
    (ftp.root / "a").write_bytes(b"old")

    def work() -> None:
        with plain(ftp) as client:
            data = half(client, "STOR a")
            assert (ftp.root / "a").read_bytes() == b"old"
            data.close()
            client.voidresp()

    await off(work)
    assert (ftp.root / "a").read_bytes() == b"half"


async def test_a_reset_data_connection_is_a_cut_not_an_end(ftp: Running) -> None:
    def work() -> None:
        with plain(ftp) as client:
            data = half(client, "STOR a")
            while ftp.hidden[0].stat().st_size < 4:
                pass  # what has not been read is thrown away by the reset
            reset(data)
            with pytest.raises(ftplib.error_temp, match="426"):
                client.voidresp()

    await off(work)
    assert os.listdir(ftp.root) == []
    assert ftp.landed == []


async def test_a_data_connection_reset_at_once_gets_an_answer_too(ftp: Running) -> None:
    def work() -> None:
        with plain(ftp) as client:
            client.voidcmd("TYPE I")
            for _ in range(20):
                reset(client.transfercmd("STOR a"))
                with pytest.raises(ftplib.error_temp, match="426"):
                    client.voidresp()

    await off(work)
    assert os.listdir(ftp.root) == []
    assert ftp.landed == []


async def test_a_client_that_dies_with_both_connections_leaves_nothing(ftp: Running) -> None:
    def work() -> None:
        client = ftplib.FTP(timeout=TIMEOUT_S)
        client.connect("127.0.0.1", ftp.ftp_port)
        client.login(NAME, PASSWORD)
        data = half(client, "STOR a")
        data.close()  # the order in which a killed process may end them
        client.close()

    await off(work)
    await until(lambda: not ftp.hidden)
    assert os.listdir(ftp.root) == []
    assert ftp.landed == []


async def test_a_control_connection_that_ends_a_moment_later_tells_a_cut(
    ftp: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.inbound.ftp_uploads._MOMENT_S", 60)

    def work() -> None:
        client = ftplib.FTP(timeout=TIMEOUT_S)
        client.connect("127.0.0.1", ftp.ftp_port)
        client.login(NAME, PASSWORD)
        half(client, "STOR a").close()
        with plain(ftp) as other:
            other.voidcmd("NOOP")  # by now the server has seen the end of the data
        client.close()

    await off(work)
    await until(lambda: not ftp.hidden)
    assert os.listdir(ftp.root) == []
    assert ftp.landed == []


async def test_fewer_bytes_than_announced_are_a_cut(ftp: Running) -> None:
    def work() -> None:
        with plain(ftp) as client:
            client.voidcmd("TYPE I")
            client.sendcmd("ALLO 5000")
            half(client, "STOR a").close()
            with pytest.raises(ftplib.error_temp, match="426"):
                client.voidresp()
            client.sendcmd("ALLO 4")
            half(client, "STOR b").close()
            assert client.voidresp().startswith("226")
            half(client, "STOR c").close()  # what was announced counts once
            assert client.voidresp().startswith("226")

    await off(work)
    assert ftp.names == ["b", "c"]


async def test_an_abort_leaves_nothing(ftp: Running) -> None:
    def work() -> None:
        with plain(ftp) as client:
            data = half(client, "STOR a")
            client.putcmd("ABOR")
            data.close()
            assert client.getmultiline()[:3] in ("426", "225", "226")

    await off(work)
    await until(lambda: not ftp.hidden)
    assert ftp.landed == []
    assert os.listdir(ftp.root) == []


async def test_without_a_close_notify_a_tls_upload_is_a_cut(ftps: Running) -> None:
    def work() -> None:
        with secure(ftps) as client:
            data = half(client, "STOR a")
            data.shutdown(socket.SHUT_WR)  # the TCP end without the TLS one
            with pytest.raises(ftplib.error_temp, match="426"):
                client.voidresp()
            data.close()

    await off(work)
    assert os.listdir(ftps.root) == []
    assert ftps.landed == []


async def test_a_tls_upload_with_a_close_notify_lands(ftps: Running) -> None:
    def work() -> None:
        with secure(ftps) as client:
            data = half(client, "STOR a")
            with contextlib.suppress(OSError):
                data.unwrap()  # type: ignore[attr-defined]
            data.close()
            assert client.voidresp().startswith("226")

    await off(work)
    assert ftps.names == ["a"]


async def test_login_and_data_are_refused_without_tls(ftps: Running) -> None:
    def work() -> None:
        with ftplib.FTP(timeout=TIMEOUT_S) as client:
            client.connect("127.0.0.1", ftps.ftp_port)
            with pytest.raises(ftplib.error_perm, match="TLS required on the control channel"):
                client.login(NAME, PASSWORD)
        with secure(ftps) as client:
            client.prot_c()
            with pytest.raises(ftplib.error_perm, match="TLS required on the data channel"):
                client.nlst()

    await off(work)


async def test_a_wrong_password_is_refused(ftp: Running) -> None:
    def work(name: str, password: str) -> None:
        with ftplib.FTP(timeout=TIMEOUT_S) as client:
            client.connect("127.0.0.1", ftp.ftp_port)
            with pytest.raises(ftplib.error_perm, match="530"):
                client.login(name, password)

    wrong = [(NAME, "wrong"), ("nobody", PASSWORD)]  # at once: each refusal takes the server three seconds
    await asyncio.gather(*(off(partial(work, *each)) for each in wrong))


async def test_append_resume_and_unique_names(ftp: Running) -> None:
    (ftp.root / "a").write_bytes(b"old ")
    (ftp.root / "r").write_bytes(b"0123xx")

    def work() -> None:
        with plain(ftp) as client:
            client.storbinary("APPE a", io.BytesIO(b"new"))
            client.storbinary("STOR r", io.BytesIO(b"456789"), rest=4)
            client.storbinary("STOU u", io.BytesIO(b"1"))
            client.storbinary("STOU u", io.BytesIO(b"2"))
            with pytest.raises(ftplib.error_perm):
                client.storbinary("STOR none", io.BytesIO(b"x"), rest=4)

    await off(work)
    assert (ftp.root / "a").read_bytes() == b"old new"
    assert (ftp.root / "r").read_bytes() == b"0123456789"
    assert (ftp.root / "u.2").read_bytes() == b"2"
    assert sorted(ftp.names) == ["a", "r", "u.1", "u.2"]


async def test_a_rename_reports_the_new_name(ftp: Running) -> None:
    def work() -> None:
        with plain(ftp) as client:
            store(client, "a.part", b"x")
            client.rename("a.part", "a.csv")

    await off(work)
    assert ftp.names == ["a.part", "a.csv"]


async def test_nothing_outside_the_room_can_be_seen_or_changed(ftp: Running, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (ftp.root / "out").symlink_to(tmp_path)
    before = Path.cwd()

    def work() -> None:
        with plain(ftp) as client:
            client.cwd("../../..")
            assert client.pwd() == "/"
            with pytest.raises(ftplib.error_perm):
                client.cwd("out")
            for path in ("out/secret", "../../secret", str(tmp_path / "secret")):
                with pytest.raises(ftplib.error_perm):
                    client.retrbinary(f"RETR {path}", bytes)
                with pytest.raises(ftplib.error_perm):
                    client.delete(path)
            with pytest.raises(ftplib.error_perm):
                store(client, "out/new", b"x")
            lines: list[str] = []
            client.retrlines("LIST", lines.append)
            assert str(tmp_path) not in "".join(lines)

    await off(work)
    assert sorted(os.listdir(tmp_path)) == ["id", "rooms", "secret"]
    assert Path.cwd() == before
    assert ftp.landed == []


async def test_changing_the_folder_leaves_the_process_where_it_is(ftp: Running) -> None:
    (ftp.root / "sub").mkdir()
    before = Path.cwd()

    def work() -> None:
        with plain(ftp) as client:
            client.cwd("sub")
            assert client.pwd() == "/sub"
            store(client, "a", b"x")

    await off(work)
    assert ftp.names == ["sub/a"]
    assert Path.cwd() == before


async def test_uploads_on_their_way_are_not_listed_nor_reached(ftp: Running) -> None:
    def work() -> None:
        with plain(ftp) as client, plain(ftp) as other:
            data = half(client, "STOR a")
            hidden = ftp.hidden[0].name
            assert [name for name, _ in other.mlsd() if name not in (".", "..")] == []
            with pytest.raises(ftplib.error_perm):
                other.delete(hidden)
            data.close()
            client.voidresp()

    await off(work)
    assert ftp.names == ["a"]


async def test_a_login_anew_gives_up_an_upload_that_waits_for_its_connection(ftp: Running) -> None:
    def work() -> None:
        with plain(ftp) as client:
            client.voidcmd("TYPE I")
            client.makepasv()
            client.sendcmd("STOR a")
            client.sendcmd("REIN")

    await off(work)
    await until(lambda: not ftp.hidden)
    assert os.listdir(ftp.root) == []


async def test_passive_ports_stay_in_their_range(tmp_path: Path, password_hash: str) -> None:
    low = free_port()
    section = {"listen": "127.0.0.1:0", "plain": True, "passive_ports": f"{low}-{low}"}
    async with running(tmp_path, password_hash, ftp=section) as made:

        def work() -> None:
            with plain(made) as client:
                assert client.makepasv() == ("127.0.0.1", low)

        await off(work)


async def test_more_connections_than_allowed_are_turned_away(tmp_path: Path, password_hash: str) -> None:
    section = {"listen": "127.0.0.1:0", "plain": True, "max_connections": 1}
    async with running(tmp_path, password_hash, ftp=section) as made:

        def work() -> None:
            with plain(made) as client:
                with pytest.raises(ftplib.error_temp, match="421"), ftplib.FTP(timeout=TIMEOUT_S) as second:
                    second.connect("127.0.0.1", made.ftp_port)
                assert store(client, "a", b"x").startswith("226")

        await off(work)


async def test_stopping_ends_the_thread_and_leaves_no_trace_of_uploads(tmp_path: Path, password_hash: str) -> None:
    async with running(tmp_path, password_hash, ftp={"listen": "127.0.0.1:0", "plain": True}) as made:
        client = ftplib.FTP(timeout=TIMEOUT_S)
        await asyncio.to_thread(client.connect, "127.0.0.1", made.ftp_port)
        await asyncio.to_thread(client.login, NAME, PASSWORD)
        data = await asyncio.to_thread(half, client, "STOR a")
        await made.servers.stop()
        assert os.listdir(made.root) == []
        assert [thread.name for thread in threading.enumerate() if thread.name.startswith("ftp-")] == []
        assert made.servers.ftp_address is None
        data.close()
        client.close()


async def test_a_port_that_is_taken_is_named_and_nothing_stays_behind(tmp_path: Path, password_hash: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        sections = {"sftp": {"listen": "127.0.0.1:0"}, "ftp": {"listen": f"127.0.0.1:{port}", "plain": True}}
        config = InboundSettings.model_validate(sections)
        servers = InboundServers(config, tmp_path, tmp_path / "state", print)
        with pytest.raises(
            NeedsOperator, match=rf"the FTP server can't listen on 127.0.0.1:{port}: .*; stop the program"
        ):
            await servers.start()
        assert servers.sftp_address is None


async def test_a_certificate_that_does_not_fit_its_key_is_refused(tmp_path: Path) -> None:
    from tests.peers.certificates import make_certificate

    one, other = make_certificate(tmp_path / "1"), make_certificate(tmp_path / "2")
    tls = {"certificate": f"file:{one.file}", "key": f"file:{other.file}"}
    config = InboundSettings.model_validate({"ftp": {"listen": "127.0.0.1:0", "tls": tls}})
    with pytest.raises(NeedsOperator, match=r"\[inbound.ftp\] tls: the certificate .* can't be used"):
        await InboundServers(config, tmp_path, tmp_path, print).start()
