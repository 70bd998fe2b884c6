"""Our own SFTP requests: packets taken apart, answers in any order, ends that leave nobody waiting."""

import asyncio
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import GatewayError, LinkLost, PathRefused
from gateway.endpoints.sftp_pipelined import PipelinedEndpoint, open_pipelined
from gateway.endpoints.wire import packets, stream
from gateway.endpoints.wire.packets import Ask, Reader, Told
from gateway.endpoints.wire.pipe import Pipe
from tests.endpoints.test_conformance import blocks_of, get, put
from tests.loop_time import pass_time
from tests.peers import hostile_sftp as hostile
from tests.peers.openssh import SshPeer
from tests.peers.places import ssh_place
from tests.peers.ssh_servers import asyncssh_sftp


class Channel:
    """Takes what a pipe sends."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def set_write_buffer_limits(self, high: int) -> None:
        self.high = high

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.closed = True


def piped(deadline_s: float = 30.0) -> tuple[Pipe, Channel]:
    pipe, channel = Pipe(deadline_s), Channel()
    pipe.connection_made(channel)  # type: ignore[arg-type]
    return pipe, channel


def answer(kind: int, request: int, body: bytes) -> bytes:
    return struct.pack(">IBI", 5 + len(body), kind, request) + body


def status(request: int, code: int = 0, words: bytes = b"") -> bytes:
    return answer(Told.STATUS, request, struct.pack(">I", code) + packets.blob(words) + packets.blob(b""))


async def test_what_is_asked_in_one_turn_leaves_in_one_write() -> None:
    pipe, channel = piped()
    for name in ("a", "b", "c"):
        pipe.ask(Ask.REMOVE, packets.text(name))
    assert channel.written == []
    await asyncio.sleep(0)
    assert len(channel.written) == 1
    assert [channel.written[0].count(packets.text(name)) for name in "abc"] == [1, 1, 1]


async def test_answers_find_those_who_asked_whatever_their_order_and_however_they_are_cut() -> None:
    pipe, _ = piped()
    asked = [pipe.ask(Ask.READ, expects=Told.DATA) for _ in range(20)]
    told = b"".join(answer(Told.DATA, n + 1, packets.blob(b"%d" % n)) for n in (7, *range(7), *range(8, 20)))
    for at in range(0, len(told), 5):
        pipe.data_received(told[at : at + 5])
    assert [Reader(await one).blob() for one in asked] == [b"%d" % n for n in range(20)]


async def test_while_the_channel_is_full_requests_wait_here() -> None:
    pipe, channel = piped()
    pipe.pause_writing()
    pipe.ask(Ask.REMOVE, packets.text("a"))
    await asyncio.sleep(0)
    assert channel.written == []
    pipe.resume_writing()
    assert len(channel.written) == 1


async def test_the_end_of_the_channel_fails_all_that_is_under_way_and_all_that_comes_later() -> None:
    pipe, _ = piped()
    asked = [pipe.ask(Ask.REMOVE, packets.text("a")) for _ in range(3)]
    pipe.connection_lost(None)
    for one in (*asked, pipe.ask(Ask.REMOVE, packets.text("b"))):
        with pytest.raises(asyncssh.SFTPConnectionLost):
            await one
    assert not pipe.usable


async def test_a_request_without_an_answer_is_overdue_and_others_that_were_answered_are_not() -> None:
    pipe, _ = piped(0.2)
    never, answered = pipe.ask(Ask.REMOVE, packets.text("a")), pipe.ask(Ask.REMOVE, packets.text("b"))
    pipe.data_received(status(2))
    assert await answered == b""
    with pytest.raises(asyncssh.SFTPConnectionLost, match=r"no answer within 0\.2 s"):
        await asyncio.wait_for(never, 100)
    assert not pipe.usable


async def test_answers_that_keep_coming_give_those_behind_them_their_time() -> None:
    pipe, _ = piped(60.0)
    asked = [pipe.ask(Ask.REMOVE, packets.text("a")) for _ in range(4)]
    for n in range(4):
        pass_time(45)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        pipe.data_received(status(n + 1))
    assert [await one for one in asked] == [b""] * 4
    assert pipe.usable


async def test_an_early_answer_to_what_should_come_later_counts_for_nothing() -> None:
    pipe, _ = piped()
    closed = pipe.ask(Ask.CLOSE, packets.blob(b"h"))
    seen = pipe.ask(Ask.LSTAT, packets.text("f"), expects=Told.ATTRS, after=closed)
    pipe.data_received(answer(Told.ATTRS, 2, packets.NO_ATTRS) + status(1))
    assert await closed == b""
    with pytest.raises(asyncssh.SFTPFailure):
        await seen


async def test_what_a_cancelled_open_has_opened_is_closed() -> None:
    pipe, channel = piped()
    opening = pipe.ask(Ask.OPEN, packets.text("f"), expects=Told.HANDLE)
    await asyncio.sleep(0)
    opening.cancel()
    pipe.data_received(answer(Told.HANDLE, 1, packets.blob(b"handle")))
    await asyncio.sleep(0)
    assert channel.written[-1] == packets.head(Ask.CLOSE, 2, 10) + packets.blob(b"handle")


@pytest.mark.parametrize(
    "told",
    [
        b"Welcome to our server!\r\n",
        struct.pack(">IBI", 2**31, Told.DATA, 1),
        status(99),
    ],
    ids=["words", "endless", "nobody asked"],
)
async def test_what_is_no_sftp_ends_the_channel_and_leaves_nobody_waiting(told: bytes) -> None:
    pipe, channel = piped()
    asked = pipe.ask(Ask.REMOVE, packets.text("a"))
    pipe.data_received(told)
    with pytest.raises(asyncssh.SFTPConnectionLost, match="speaks no SFTP"):
        await asyncio.wait_for(asked, 100)
    assert channel.closed


async def test_an_answer_that_is_cut_short_fails_who_asked() -> None:
    pipe, _ = piped()
    asked = pipe.ask(Ask.REMOVE, packets.text("a"))
    pipe.data_received(answer(Told.STATUS, 1, b""))
    with pytest.raises(asyncssh.SFTPBadMessage):
        await asyncio.wait_for(asked, 100)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_as_attributes_or_refused(body: bytes) -> None:
    with suppress(asyncssh.SFTPBadMessage):
        Reader(body).attrs()


@given(st.text(max_size=50).filter(lambda name: "\0" not in name))
def test_any_name_survives_the_way_there_and_back(name: str) -> None:
    name = name.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
    assert Reader(packets.text(name)).text() == name


@asynccontextmanager
async def session(
    work: Path, kind: type[asyncssh.SFTPServer] = asyncssh.SFTPServer, **more: Any
) -> AsyncIterator[tuple[PipelinedEndpoint, Path]]:
    async with asyncssh_sftp(work, kind=kind) as peer, await open_pipelined(ssh_place(peer, "/", **more)) as endpoint:
        yield endpoint, peer.folder


async def test_a_name_with_a_nul_is_refused_and_the_session_goes_on(tmp_path: Path) -> None:
    async with session(tmp_path) as (endpoint, _):
        with pytest.raises(PathRefused):
            await endpoint.stat("a\0b")
        assert endpoint.usable


async def test_a_file_laid_down_is_told_as_it_stands_there(tmp_path: Path) -> None:
    async with session(tmp_path) as (endpoint, folder):
        laid = await endpoint.lay("f", blocks_of(b"12345"), mtime_ns=1_600_000_000_000_000_000)
        assert (laid.size_bytes, laid.time_taken) == (5, True)
        assert laid.seen == await endpoint.stat("f")
        assert (folder / "f").stat().st_mtime == 1_600_000_000


async def test_a_time_that_is_refused_or_unknown_to_the_protocol_is_told(tmp_path: Path) -> None:
    class RefusesTimes(hostile.Tidy):
        def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
            raise asyncssh.SFTPPermissionDenied("no")

    async with session(tmp_path, RefusesTimes) as (endpoint, _):
        for mtime_ns in (10**18, -(10**18)):
            laid = await endpoint.lay("f", blocks_of(b"1"), mtime_ns=mtime_ns)
            assert (laid.size_bytes, laid.time_taken) == (1, False)


async def test_a_peer_that_takes_files_at_their_close_is_not_taken_for_one_that_shows_them(tmp_path: Path) -> None:
    class Takes(hostile.Tidy):
        def close(self, file_obj: object) -> None:
            super().close(file_obj)
            os.unlink(file_obj.name)  # type: ignore[attr-defined]

    async with session(tmp_path, Takes) as (endpoint, _):
        assert (await endpoint.lay("f", blocks_of(b"1"))).seen is None


async def test_a_link_that_is_cut_fails_every_file_on_it_and_hangs_nobody(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.NeverAnswersWrite) as (endpoint, _):
        files = [asyncio.ensure_future(put(endpoint, f"f{n}", b"x" * 1000)) for n in range(50)]
        await asyncio.sleep(0.2)
        endpoint._session.connection.abort()
        ends = await asyncio.wait_for(asyncio.gather(*files, return_exceptions=True), 100)
    assert all(isinstance(one, LinkLost) for one in ends)


async def test_many_large_files_at_once_hold_little_memory(sshd: SshPeer, sshd_folder: Path) -> None:
    data = os.urandom(6_000_000)
    async with await open_pipelined(ssh_place(sshd, sshd_folder)) as endpoint:
        most = 0

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, endpoint._pipe.held_bytes)
                await asyncio.sleep(0)

        watching = asyncio.ensure_future(watch())
        await asyncio.gather(*(put(endpoint, f"f{n}", data) for n in range(12)))
        read = await asyncio.gather(*(get(endpoint, f"f{n}") for n in range(12)))
        watching.cancel()
        assert all(one == data for one in read)
        assert most <= stream._HELD_BYTES_MAX + 12 * 255 * 1024
        assert endpoint._pipe.held_bytes == 0


async def test_errors_and_cancels_give_back_what_they_held(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.DiskFull) as (endpoint, folder):
        with pytest.raises(GatewayError):
            await put(endpoint, "f", os.urandom(3_000_000))
        (folder / "g").write_bytes(os.urandom(3_000_000))
        reading = endpoint.read("g")
        assert await anext(reading)
        await reading.aclose()  # type: ignore[attr-defined]
        assert endpoint._pipe.held_bytes == 0


async def test_no_empty_packet_goes_in_front_of_every_other(sshd: SshPeer, sshd_folder: Path) -> None:
    async with await open_pipelined(ssh_place(sshd, sshd_folder)) as endpoint:
        before = endpoint._session.connection._send_seq
        for _ in range(20):
            await endpoint.ping()
        assert endpoint._session.connection._send_seq - before < 30
