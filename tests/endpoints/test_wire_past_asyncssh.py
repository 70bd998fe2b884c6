"""What goes past asyncssh, both ways: the same bytes, whatever stands between them and goes wrong."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from gateway.core.errors import LinkLost
from gateway.endpoints.sftp_pipelined import PipelinedEndpoint, open_pipelined
from gateway.endpoints.wire import incoming, outgoing
from gateway.endpoints.wire.incoming import Incoming
from tests.endpoints.test_conformance import get, put
from tests.peers.openssh import SshPeer, openssh_sshd
from tests.peers.places import ssh_place
from tests.peers.ssh_servers import asyncssh_sftp

DATA = os.urandom(3_000_000)


@asynccontextmanager
async def asyncssh_session(work: Path, **options: Any) -> AsyncIterator[PipelinedEndpoint]:
    """To asyncssh's own server, where `f` holds DATA."""
    async with asyncssh_sftp(work, **options) as peer:
        (peer.folder / "f").write_bytes(DATA)
        async with await open_pipelined(ssh_place(peer, "")) as endpoint:
            yield endpoint


def protocol_of(endpoint: PipelinedEndpoint) -> object:
    return endpoint._session.connection._transport.get_protocol()  # type: ignore[union-attr]


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes asyncssh was given, each time."""
    sizes: list[int] = []
    before = Incoming._hand_over

    def counted(self: Incoming, size: int) -> None:
        sizes.append(size)
        before(self, size)

    monkeypatch.setattr(Incoming, "_hand_over", counted)
    return sizes


async def test_the_data_of_a_real_server_comes_past_asyncssh(
    sshd: SshPeer, sshd_folder: Path, handed_over: list[int]
) -> None:
    (sshd_folder / "f").write_bytes(DATA)
    async with await open_pipelined(ssh_place(sshd, sshd_folder)) as endpoint:
        assert await get(endpoint, "f") == DATA
        assert isinstance(protocol_of(endpoint), Incoming)
    assert sum(handed_over) < 10_000


@pytest.mark.parametrize("read_bytes", [1, 17, 33_000, 256 * 1024])
async def test_however_the_bytes_are_cut_and_the_keys_change_meanwhile_the_file_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, handed_over: list[int], read_bytes: int
) -> None:
    monkeypatch.setattr(incoming, "_READ_BYTES", read_bytes)
    data = DATA[: 300_000 if read_bytes < 1000 else len(DATA)]
    async with asyncssh_session(tmp_path, rekey_bytes=100_000) as endpoint:
        await put(endpoint, "g", data)
        assert await get(endpoint, "g") == data
        assert isinstance(protocol_of(endpoint), Incoming)
    assert 0 < sum(handed_over) < len(data) * 2 // 3


async def test_a_real_server_that_changes_its_keys_often_gives_the_whole_file(tmp_path: Path) -> None:
    with openssh_sshd(tmp_path, "RekeyLimit 256K") as peer:
        (peer.folder / "f").write_bytes(DATA)
        async with await open_pipelined(ssh_place(peer)) as endpoint:
            keys = set()
            async for _ in endpoint.read("f"):
                keys.add(id(endpoint._session.connection._recv_encryption))
            assert await get(endpoint, "f") == DATA
            await put(endpoint, "g", DATA)
    assert len(keys) > 1
    assert (peer.folder / "g").read_bytes() == DATA


def _spoil_tag(view: memoryview, start: int, end: int) -> None:
    view[end - 1] ^= 1


def _spoil_length(view: memoryview, start: int, end: int) -> None:
    view[start] = 0xFF


@pytest.mark.parametrize("spoil", [_spoil_tag, _spoil_length])
async def test_a_byte_that_changed_on_its_way_ends_the_link_and_is_never_part_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[memoryview, int, int], None]
) -> None:
    taken, before = [0], Incoming._taken

    def spoiled(self: Incoming, size: int) -> bool:
        taken[0] += size
        if taken[0] > 1_000_000:
            spoil(self._view, self._start, self._start + size)
        return before(self, size)

    monkeypatch.setattr(Incoming, "_taken", spoiled)
    got = bytearray()

    async def read_on(endpoint: PipelinedEndpoint) -> None:
        async for block in endpoint.read("f"):
            got.extend(block)

    async with asyncssh_session(tmp_path) as endpoint:
        with pytest.raises(LinkLost):
            await read_on(endpoint)
        assert not endpoint._session.usable
    assert 0 < len(got) <= 1_000_000
    assert DATA.startswith(got)


@pytest.mark.parametrize("cipher", ["aes128-ctr", "chacha20-poly1305@openssh.com"])
async def test_with_another_cipher_all_is_left_to_asyncssh(tmp_path: Path, cipher: str) -> None:
    async with asyncssh_session(tmp_path, encryption_algs=[cipher]) as endpoint:
        assert not isinstance(protocol_of(endpoint), Incoming)
        assert endpoint._pipe.outgoing is None
        assert await get(endpoint, "f") == DATA
        await put(endpoint, "g", DATA)
        assert await get(endpoint, "g") == DATA


async def test_without_the_calls_that_work_in_place_all_is_left_to_asyncssh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "AESGCM", object)
    monkeypatch.setattr(outgoing, "AESGCM", object)
    async with asyncssh_session(tmp_path) as endpoint:
        assert not isinstance(protocol_of(endpoint), Incoming)
        assert endpoint._pipe.outgoing is None
        assert await get(endpoint, "f") == DATA


@pytest.fixture
def left_to_asyncssh(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes its channel was given to send, each time."""
    sizes: list[int] = []
    before = asyncssh.SSHClientChannel.write

    def counted(self: Any, data: bytes, datatype: int | None = None) -> None:
        sizes.append(len(data))
        before(self, data, datatype)

    monkeypatch.setattr(asyncssh.SSHClientChannel, "write", counted)
    return sizes


async def test_the_data_for_a_real_server_goes_past_asyncssh(
    sshd: SshPeer, sshd_folder: Path, left_to_asyncssh: list[int]
) -> None:
    async with await open_pipelined(ssh_place(sshd, sshd_folder)) as endpoint:
        await put(endpoint, "f", DATA)
    assert (sshd_folder / "f").read_bytes() == DATA
    assert sum(left_to_asyncssh) < 100


async def test_what_the_window_of_a_real_server_grows_by_is_taken_past_asyncssh(
    sshd: SshPeer, sshd_folder: Path, handed_over: list[int]
) -> None:
    async with await open_pipelined(ssh_place(sshd, sshd_folder)) as endpoint:
        await put(endpoint, "f", DATA * 4)
    assert (sshd_folder / "f").read_bytes() == DATA * 4
    grown = len(DATA) * 4 // (3 * 32 * 1024)
    assert len(handed_over) < grown // 4, "it says so after every three packets"


async def test_a_server_with_a_small_window_and_small_packets_gets_the_whole_file(
    tmp_path: Path, left_to_asyncssh: list[int]
) -> None:
    async with asyncssh_session(tmp_path, window=40_000, max_pktsize=5_001) as endpoint:
        await put(endpoint, "g", DATA)
        assert await get(endpoint, "g") == DATA
    assert sum(left_to_asyncssh) < 100


async def test_when_our_keys_are_due_asyncssh_changes_them_and_the_file_is_whole(
    sshd: SshPeer, sshd_folder: Path, left_to_asyncssh: list[int]
) -> None:
    async with await open_pipelined(ssh_place(sshd, sshd_folder)) as endpoint:
        connection: Any = endpoint._session.connection
        connection._rekey_bytes = 1_000_000
        keys = {id(connection._send_encryption)}
        for _ in range(3):
            await put(endpoint, "f", DATA)
            keys.add(id(connection._send_encryption))
            assert await get(endpoint, "f") == DATA
    assert len(keys) > 1
    assert 100 < sum(left_to_asyncssh) < 3 * len(DATA)


async def test_what_waits_for_the_window_when_the_channel_is_ended_is_left_to_asyncssh(
    tmp_path: Path, left_to_asyncssh: list[int]
) -> None:
    async with asyncssh_session(tmp_path, window=40_000) as endpoint:
        file = await endpoint._wire.open("g", asyncssh.FXF_WRITE | asyncssh.FXF_CREAT)
        for at in range(0, 200_000, 20_000):
            writing = file.write(DATA[at : at + 20_000], at)
            asyncio.ensure_future(writing).add_done_callback(lambda done: done.exception())
        await asyncio.sleep(0)
        endpoint._pipe.hang_up()
    assert sum(left_to_asyncssh) > 100_000
