"""FTP peers that misbehave: each call ends in time, with the right error, and a message that helps."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.config.schema import Scheme
from gateway.core.errors import (
    AlreadyThere,
    HostKeyRefused,
    LinkLost,
    LoginRefused,
    NeedsOperator,
    NoSpace,
    NotThere,
    PathRefused,
    PeerBusy,
)
from gateway.core.model import Kind
from gateway.endpoints.ftp import FtpEndpoint, open_ftp
from gateway.endpoints.ftp_streams import FromThread
from tests.endpoints.test_conformance import blocks_of, get, names, put
from tests.peers import hostile_ftp as hostile
from tests.peers.certificates import make_certificate
from tests.peers.ftp_servers import pyftpd
from tests.peers.hostile_tcp import black_hole, trickler
from tests.peers.places import ftp_place
from tests.peers.processes import free_port
from tests.peers.vsftpd import FtpPeer

SHORT_S = 0.6
LATE_S = 100.0
"""When who waits for nothing still waits; much later than any deadline here, for a machine that is busy."""


@asynccontextmanager
async def session(work: Path, handler: Any, **more: Any) -> AsyncIterator[tuple[FtpEndpoint, Path]]:
    with pyftpd(work, handler=handler) as peer:
        async with await open_ftp(ftp_place(peer, **({"call_timeout_s": LATE_S} | more))) as endpoint:
            yield endpoint, peer.folder


async def ends_in_time(work: Any) -> LinkLost:
    started = time.monotonic()
    with pytest.raises(LinkLost) as caught:
        await work
    assert time.monotonic() - started < LATE_S
    return caught.value


@pytest.mark.parametrize("peer", [black_hole, trickler])
@pytest.mark.parametrize("tls", ["explicit", "implicit"])
async def test_a_peer_that_never_says_hello_is_given_up_in_time(peer: Any, tls: str) -> None:
    async with peer() as port:
        place = ftp_place(
            FtpPeer(port, Path("/"), "/"), connect_timeout_s=SHORT_S, tls=tls, scheme=Scheme.FTPS, call_timeout_s=60.0
        )
        started = time.monotonic()
        with pytest.raises(LinkLost, match=f"127.0.0.1:{port}"):
            await open_ftp(place)
        assert time.monotonic() - started < LATE_S


async def test_nobody_listening_names_the_address(tmp_path: Path) -> None:
    with pyftpd(tmp_path) as peer:
        place = replace(ftp_place(peer), port=free_port())
    with pytest.raises(LinkLost, match=f"books.*{place.port}.*is the server running"):
        await open_ftp(place)


async def test_a_private_address_for_the_data_connection_is_ignored(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.WrongAddress) as (endpoint, _):
        await put(endpoint, "f", b"1")
        assert await get(endpoint, "f") == b"1"


async def test_too_many_users_is_busy_not_a_wrong_password(tmp_path: Path) -> None:
    with pyftpd(tmp_path, handler=hostile.TooManyUsers) as peer, pytest.raises(PeerBusy, match="too many users"):
        await open_ftp(ftp_place(peer))


async def test_421_at_the_door_is_busy(tmp_path: Path) -> None:
    with pyftpd(tmp_path, handler=hostile.BusyAtTheDoor) as peer, pytest.raises(PeerBusy, match="421"):
        await open_ftp(ftp_place(peer))


@pytest.mark.parametrize("server", ["pyftpd_server", "plain_vsftpd", "tls_vsftpd"])
async def test_a_wrong_password_is_refused_by_name(request: pytest.FixtureRequest, server: str) -> None:
    peer: FtpPeer = request.getfixturevalue(server)
    with pytest.raises(LoginRefused, match=rf"books \(127.0.0.1:{peer.port}\): user '{peer.user}' was refused: 530"):
        await open_ftp(ftp_place(peer, password="wrong"))


async def test_an_old_server_with_list_alone_is_read(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.ListOnly) as (endpoint, folder):
        (folder / "two words.txt").write_bytes(b"12345")
        (folder / "sub").mkdir()
        found = {entry.name: entry async for entry in endpoint.scan("")}
        assert {name: entry.kind for name, entry in found.items()} == {
            "two words.txt": Kind.FILE,
            "sub": Kind.FOLDER,
        }
        assert found["two words.txt"].stamp.size_bytes == 5
        assert found["two words.txt"].stamp.mtime_ns is None
        assert endpoint.features.hides_dot_names
        assert (await endpoint.stat("two words.txt")).stamp.size_bytes == 5


async def test_without_size_the_listing_tells(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.NoSize) as (endpoint, folder):
        (folder / "f").write_bytes(b"12345")
        assert (await endpoint.stat("f")).stamp.size_bytes == 5
        for name in ("g", ".g.1-0.claim"):
            with pytest.raises(NotThere):
                await endpoint.stat(name)


async def test_a_size_that_is_never_answered_ends_in_time_and_the_session_is_over(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.NeverAnswersSize, call_timeout_s=SHORT_S) as (endpoint, _):
        await ends_in_time(endpoint.stat("f"))
        assert not endpoint.usable


@pytest.mark.parametrize("handler", [hostile.NoRoom, hostile.RunsOutOfRoom])
async def test_a_full_disk_is_told_as_one(tmp_path: Path, handler: Any) -> None:
    async with session(tmp_path, handler) as (endpoint, _):
        with pytest.raises(NoSpace, match="make room"):
            await put(endpoint, "f", os.urandom(20_000_000))


async def test_a_lost_last_word_is_settled_by_size(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.ForgetsTheLastWord, call_timeout_s=2.0) as (endpoint, folder):
        data = os.urandom(500_000)
        assert await put(endpoint, "f", data) == len(data)
        assert (folder / "f").read_bytes() == data
        assert not endpoint.usable


async def test_a_lost_last_word_of_a_download_is_settled_by_size(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.ForgetsTheLastWord, call_timeout_s=2.0) as (endpoint, folder):
        (folder / "f").write_bytes(b"12345" * 100_000)
        assert await get(endpoint, "f") == b"12345" * 100_000


async def test_a_file_of_which_the_end_was_lost_is_never_taken_for_whole(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.LosesTheEnd) as (endpoint, _):
        with pytest.raises(LinkLost):
            await put(endpoint, "f", os.urandom(20_000_000))


async def test_a_download_that_trickles_is_given_up_in_time(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.Trickles, call_timeout_s=SHORT_S) as (endpoint, folder):
        (folder / "f").write_bytes(bytes(1000))
        assert "call_timeout" in str(await ends_in_time(get(endpoint, "f"))) or not endpoint.usable


async def test_a_server_that_stops_taking_bytes_is_given_up_in_time_and_the_source_waits_meanwhile(
    tmp_path: Path,
) -> None:
    given: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            given.append(1)
            yield bytes(1024 * 1024)

    async with session(tmp_path, hostile.StopsTaking, call_timeout_s=SHORT_S) as (endpoint, _):
        await ends_in_time(endpoint.write("f", endless()))
        assert not endpoint.usable
    assert len(given) < 20  # what the system's own buffers hold, and a few


async def test_a_server_that_refuses_to_replace_says_already_there_and_loses_the_feature(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.RefusesReplace) as (endpoint, _):
        await put(endpoint, "old", b"old")
        await put(endpoint, "new", b"new")
        assert endpoint.features.atomic_replace
        with pytest.raises(AlreadyThere):
            await endpoint.rename("new", "old")
        assert not endpoint.features.atomic_replace
        assert await get(endpoint, "old") == b"old"


async def test_where_the_folder_cannot_be_seen_a_file_is_not_called_gone(plain_vsftpd: FtpPeer) -> None:
    async with await open_ftp(ftp_place(plain_vsftpd)) as endpoint:
        with pytest.raises(PathRefused, match="no difference"):
            await endpoint.stat("no-such-folder/f")
        with pytest.raises(NotThere):
            await endpoint.stat("no-such-file")


async def test_a_slow_reader_holds_the_sender_back(plain_vsftpd: FtpPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    handed_over: list[int] = []
    put_block = FromThread.put
    monkeypatch.setattr(FromThread, "put", lambda pipe, block: (put_block(pipe, block), handed_over.append(1))[0])
    (plain_vsftpd.folder / "large").write_bytes(bytes(30_000_000))
    async with await open_ftp(ftp_place(plain_vsftpd)) as endpoint:
        reading = endpoint.read("large")
        await anext(reading)
        await asyncio.sleep(0.3)
        assert 1 <= len(handed_over) <= 6
        await reading.aclose()  # type: ignore[attr-defined]
        assert not endpoint.usable


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    other = make_certificate(tmp_path / "other")
    with pyftpd(tmp_path, tls=True) as peer, pytest.raises(HostKeyRefused, match=r"self-signed.*ca = "):
        await open_ftp(ftp_place(peer, ca=other.text))


async def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    with (
        pyftpd(tmp_path, tls=True, name="elsewhere.example") as peer,
        pytest.raises(HostKeyRefused, match=r"IP address mismatch.*into the URL of endpoint books"),
    ):
        await open_ftp(ftp_place(peer))


async def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    with (
        pyftpd(tmp_path, tls=True, days=-2) as peer,
        pytest.raises(HostKeyRefused, match=r"expired.*the peer has to renew it"),
    ):
        await open_ftp(ftp_place(peer))


async def test_a_server_without_tls_is_never_spoken_to_in_plain_text(tmp_path: Path) -> None:
    with pyftpd(tmp_path) as peer, pytest.raises(NeedsOperator, match=r"AUTH: 500.*offers no TLS"):
        await open_ftp(ftp_place(peer, scheme=Scheme.FTPS))


async def test_raw_commands_give_the_reply_whatever_its_code(pyftpd_server: FtpPeer) -> None:
    async with await open_ftp(ftp_place(pyftpd_server)) as endpoint:
        assert (await endpoint.raw("NOOP")).startswith("200")
        assert (await endpoint.raw("XYZZY")).startswith("500")
        await endpoint.raw("TYPE A")
        await put(endpoint, "raw-binary", b"a\nb")
        assert await get(endpoint, "raw-binary") == b"a\nb"
        with pytest.raises(PathRefused):
            await endpoint.raw("NOOP\r\nDELE x")


async def test_the_login_folder_is_where_a_tilde_starts(plain_vsftpd: FtpPeer) -> None:
    async with await open_ftp(ftp_place(plain_vsftpd, "~")) as endpoint:
        await put(endpoint, "tilde", b"1")
        assert (plain_vsftpd.folder / "tilde").read_bytes() == b"1"
        assert (await endpoint.stat("~/tilde")).stamp.size_bytes == 1


async def test_hung_servers_hold_up_nobody_else(tmp_path: Path, plain_vsftpd: FtpPeer) -> None:
    async with black_hole() as port:
        dead = ftp_place(FtpPeer(port, Path("/"), "/"), connect_timeout_s=300.0)
        hanging = [asyncio.ensure_future(open_ftp(dead)) for _ in range(40)]
        await asyncio.sleep(0.1)
        async with asyncio.timeout(LATE_S):
            async with await open_ftp(ftp_place(plain_vsftpd)) as endpoint:
                await put(endpoint, "beside-hung", b"1")
                assert "beside-hung" in await names(endpoint)
        for one in hanging:
            one.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_a_cancelled_upload_ends_its_session_at_once(plain_vsftpd: FtpPeer) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        await asyncio.Event().wait()

    async with await open_ftp(ftp_place(plain_vsftpd)) as endpoint:
        writing = asyncio.ensure_future(endpoint.write("half", slow()))
        await asyncio.sleep(0.1)
        writing.cancel()
        async with asyncio.timeout(LATE_S):
            await asyncio.gather(writing, return_exceptions=True)
        assert not endpoint.usable


async def test_blocks_of_any_size_arrive_in_order(tls_vsftpd: FtpPeer) -> None:
    data = os.urandom(3_000_001)
    async with await open_ftp(ftp_place(tls_vsftpd)) as endpoint:
        for size in (777, 1_000_000, 3_000_001):
            assert await endpoint.write("sizes", blocks_of(data, size)) == len(data)
            assert (tls_vsftpd.folder / "sizes").read_bytes() == data
