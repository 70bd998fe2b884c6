"""vsftpd as strict administrators set it up: what it forbids is told by its name, never taken for another answer."""

import ftplib
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from pyftpdlib.handlers import FTPHandler

from gateway.config.schema import Scheme
from gateway.core.errors import LinkLost, LoginRefused, NeedsOperator, NoSpace, NotThere, PathRefused
from gateway.endpoints.ftp import open_ftp
from gateway.endpoints.ftp_errors import ftp_error
from tests.acceptance.small_disk import small_disk
from tests.conftest import needed
from tests.endpoints.test_conformance import put
from tests.peers import hostile_ftp as hostile
from tests.peers.ftp_servers import pyftpd
from tests.peers.places import ftp_place
from tests.peers.processes import free_port
from tests.peers.vsftpd import FtpPeer, vsftpd

pytestmark = pytest.mark.vsftpd


def strict(work: Path, **more: Any) -> AbstractContextManager[FtpPeer]:
    return needed(lambda: vsftpd(work, **more))


async def test_a_file_whose_size_is_not_told_is_there_all_the_same(tmp_path: Path) -> None:
    with strict(tmp_path, extra="cmds_denied=SIZE,MDTM\n") as peer:
        async with await open_ftp(ftp_place(peer)) as endpoint:
            for name in ("f", ".f.1-1.part"):
                await put(endpoint, name, b"12345")
                assert (await endpoint.stat(name)).stamp.size_bytes == 5
            for name in ("g", ".g.1-1.part"):
                with pytest.raises(NotThere):
                    await endpoint.stat(name)


@pytest.mark.parametrize("kind", [hostile.ListOnly, FTPHandler], ids=["LIST", "MLSD"])
async def test_a_name_that_no_listing_would_show_is_not_called_gone(tmp_path: Path, kind: type[FTPHandler]) -> None:
    class HidesDots(kind):  # type: ignore[misc, valid-type]
        def ftp_MLST(self, path: str) -> None:
            self.respond("550 Permission denied.")

        def ftp_MLSD(self, path: str) -> None:
            self.push_dtp_data(b"type=file;size=5;modify=20260101000000; f\r\n", cmd="MLSD")

        def ftp_SIZE(self, path: str) -> None:
            self.respond("550 Permission denied.")

        def ftp_LIST(self, path: str) -> None:
            self.push_dtp_data(b"-rw-r--r--  1 a  b  5 Jan 01  2026 f\r\n", cmd="LIST")

    with pyftpd(tmp_path, handler=HidesDots) as peer:
        async with await open_ftp(ftp_place(peer)) as endpoint:
            with pytest.raises(NotThere):
                await endpoint.stat("g")
            with pytest.raises(PathRefused, match=r"dot.*`partial`"):
                await endpoint.stat(".g.1-1.part")


async def test_a_disk_of_vsftpd_that_is_full_is_told_as_one(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk", "1m") as disk,
        strict(tmp_path, extra=f"anon_root={disk.folder}\n") as peer,
    ):
        async with await open_ftp(ftp_place(peer, disk.folder)) as endpoint:
            with pytest.raises(NoSpace, match=r"451 Failure writing.*make room"):
                await put(endpoint, "f", bytes(4_000_000))


async def test_passive_connections_that_are_forbidden_are_no_refusal_of_a_file(tmp_path: Path) -> None:
    with strict(tmp_path, extra="pasv_enable=NO\n") as peer:
        async with await open_ftp(ftp_place(peer)) as endpoint:
            with pytest.raises(LinkLost, match=r"PASV: 550 Permission denied.*EPSV: 550.*passive mode"):
                await put(endpoint, "f", b"12345")


async def test_a_data_connection_that_fails_is_told_with_its_address_and_what_helps(tmp_path: Path) -> None:
    port = free_port()

    class Blocked(FTPHandler):  # type: ignore[misc]
        def ftp_PASV(self, line: str) -> None:
            self.respond(f"227 Entering passive mode (127,0,0,1,{port >> 8},{port & 255}).")

    with pyftpd(tmp_path, handler=Blocked) as peer:
        async with await open_ftp(ftp_place(peer)) as endpoint:
            said = rf"no data connection to 127\.0\.0\.1:{port} \(\[Errno 111\] Connection refused\): .*passive ports"
            with pytest.raises(LinkLost, match=said):
                await put(endpoint, "f", b"12345")


@pytest.mark.parametrize("command", ["PBSZ", "PROT"])
async def test_a_server_that_encrypts_no_files_is_told_as_one(tmp_path: Path, command: str) -> None:
    with strict(tmp_path, tls=True, extra=f"cmds_denied={command}\n") as peer:
        with pytest.raises(NeedsOperator, match=f"{command}: 550.*encrypts no files") as caught:
            await open_ftp(ftp_place(peer))
        assert not isinstance(caught.value, PathRefused | LoginRefused)


async def test_a_server_that_knows_no_tls_does_not_refuse_the_password(tmp_path: Path) -> None:
    with strict(tmp_path) as peer:
        with pytest.raises(NeedsOperator, match=r"AUTH: 530.*offers no TLS") as caught:
            await open_ftp(ftp_place(peer, scheme=Scheme.FTPS))
        assert not isinstance(caught.value, LoginRefused)


async def test_a_server_that_demands_tls_says_which_url_it_wants(tmp_path: Path) -> None:
    with strict(tmp_path, tls=True) as peer:
        with pytest.raises(NeedsOperator, match=r"530.*must use encryption.*ftps://") as caught:
            await open_ftp(ftp_place(peer, scheme=Scheme.FTP))
        assert not isinstance(caught.value, LoginRefused)


async def test_a_login_command_that_is_forbidden_is_named(tmp_path: Path) -> None:
    with strict(tmp_path, extra="cmds_denied=TYPE\n") as peer, pytest.raises(NeedsOperator, match="TYPE: 550"):
        await open_ftp(ftp_place(peer))


def test_an_answer_that_is_not_known_is_not_called_a_command_that_is_not() -> None:
    told = [
        str(ftp_error(ftplib.error_perm(said), "f")) for said in ("551 Error on output file.", "502 Not implemented.")
    ]
    assert ["doesn't know this command" in each for each in told] == [False, True]
