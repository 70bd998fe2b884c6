"""SFTP peers that misbehave: each call ends in time, with the right error, and a message that helps."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from gateway.core.errors import (
    AlreadyThere,
    GatewayError,
    HostKeyRefused,
    LinkLost,
    LoginRefused,
    NoSpace,
    NotThere,
    PathRefused,
    Retryable,
)
from gateway.core.model import Kind
from gateway.endpoints.place import Place
from gateway.endpoints.sftp import SftpEndpoint
from gateway.endpoints.sftp_opening import open_sftp
from tests.endpoints.test_conformance import blocks_of, get, put
from tests.peers import hostile_sftp as hostile
from tests.peers.hostile_tcp import black_hole, trickler
from tests.peers.openssh import SshPeer
from tests.peers.places import ssh_place as any_ssh_place
from tests.peers.processes import free_port
from tests.peers.ssh_servers import asyncssh_sftp

SHORT_S = 0.4
LATE_S = 100.0
"""When who waits for nothing still waits; much later than any deadline here, for a machine that is busy."""
_spoken = "auto"


@pytest.fixture(params=["auto", "off"], ids=["pipelined", "library"], autouse=True)
def spoken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each peer meets both ways in which SFTP is spoken."""
    monkeypatch.setattr(f"{__name__}._spoken", request.param)


def ssh_place(peer: SshPeer, folder: str | Path | None = None, **more: Any) -> Place:
    return any_ssh_place(peer, folder, **({"pipeline": _spoken} | more))


@asynccontextmanager
async def session(work: Path, kind: type[asyncssh.SFTPServer], **more: Any) -> AsyncIterator[tuple[SftpEndpoint, Path]]:
    async with (
        asyncssh_sftp(work, kind=kind) as peer,
        await open_sftp(ssh_place(peer, "/", **({"call_timeout_s": LATE_S} | more))) as endpoint,
    ):
        yield endpoint, peer.folder


async def ends_in_time(work: Any) -> LinkLost:
    started = time.monotonic()
    with pytest.raises(LinkLost) as caught:
        await work
    assert time.monotonic() - started < LATE_S
    return caught.value


@pytest.mark.parametrize("peer", [black_hole, trickler])
async def test_a_peer_that_never_says_hello_is_given_up_in_time(peer: Any) -> None:
    async with peer() as port:
        place = ssh_place(
            SshPeer(port, "x", "", _fresh_key_text(), Path("/")), "/", connect_timeout_s=SHORT_S, password="p"
        )
        error = await ends_in_time(open_sftp(place))
        assert f"127.0.0.1:{port}" in str(error)


async def test_nobody_listening_names_the_address(tmp_path: Path) -> None:
    async with asyncssh_sftp(tmp_path) as peer:
        place = replace(ssh_place(peer), port=free_port())
    with pytest.raises(LinkLost, match=f"acme.*{place.port}.*is the server running"):
        await open_sftp(place)


async def test_a_stat_that_is_never_answered_ends_in_time_and_the_session_is_over(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.NeverAnswersStat, call_timeout_s=SHORT_S) as (endpoint, _):
        await ends_in_time(endpoint.stat("f"))
        assert not endpoint.usable


async def test_a_read_that_is_never_answered_ends_in_time(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.NeverAnswersRead, call_timeout_s=SHORT_S) as (endpoint, folder):
        (folder / "f").write_bytes(b"1")
        await ends_in_time(get(endpoint, "f"))


async def test_a_write_that_is_never_answered_ends_in_time(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.NeverAnswersWrite, call_timeout_s=SHORT_S) as (endpoint, _):
        await ends_in_time(put(endpoint, "f", os.urandom(10_000_000)))


async def test_a_close_that_is_never_answered_ends_in_time(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.NeverAnswersClose, call_timeout_s=SHORT_S) as (endpoint, _):
        assert "closing" in str(await ends_in_time(put(endpoint, "f", b"1")))


async def test_a_rename_that_is_never_answered_is_sent_once_and_left_to_settle(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.NeverAnswersRename, call_timeout_s=SHORT_S) as (endpoint, folder):
        await put(endpoint, "part", b"1")
        await ends_in_time(endpoint.rename("part", "final"))
        assert os.listdir(folder) == ["final"]


async def test_short_reads_give_the_right_bytes(tmp_path: Path) -> None:
    data = os.urandom(700_001)
    async with session(tmp_path, hostile.ShortReads) as (endpoint, folder):
        (folder / "f").write_bytes(data)
        assert await get(endpoint, "f") == data
        assert await get(endpoint, "f", 123) == data[123:]


async def test_a_peer_that_keeps_half_shows_it_in_the_size(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.KeepsHalf) as (endpoint, _):
        assert await put(endpoint, "f", b"x" * 1000) == 1000
        assert (await endpoint.stat("f")).stamp.size_bytes == 500


async def test_a_failure_without_a_reason_is_looked_into(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.SaysOnlyFailure) as (endpoint, folder):
        (folder / "f").write_bytes(b"1")
        (folder / "sub").mkdir()
        with pytest.raises(AlreadyThere):
            await endpoint.mkdir("sub")
        with pytest.raises(AlreadyThere):
            await endpoint.rename_noreplace("sub", "f")
        with pytest.raises(PathRefused, match="folder stands there"):
            await endpoint.remove("sub")
        with pytest.raises(NotThere):
            await endpoint.remove("missing")
        with pytest.raises(Retryable, match="acme: f -> g"):
            await endpoint.rename("f", "g")


@pytest.mark.parametrize("kind", [hostile.DiskFull, hostile.DiskFullInWords])
async def test_a_full_disk_is_told_as_one(tmp_path: Path, kind: type[asyncssh.SFTPServer]) -> None:
    async with session(tmp_path, kind) as (endpoint, _):
        with pytest.raises(NoSpace, match=r"acme.*make room"):
            await put(endpoint, "f", os.urandom(2_000_000))
        assert endpoint.usable


async def test_a_refused_mtime_is_no_error(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.RefusesSetstat) as (endpoint, _):
        await put(endpoint, "f", b"1")
        assert await endpoint.set_mtime("f", 10**18) is False


async def test_a_refused_rename_names_the_path_and_what_to_do(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.RefusesRename) as (endpoint, _):
        await put(endpoint, "f", b"1")
        with pytest.raises(PathRefused, match=r"f -> g: no rename here; ask"):
            await endpoint.rename("f", "g")


async def test_attributes_that_are_left_out_are_unknown_not_wrong(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.TellsNothing) as (endpoint, _):
        await put(endpoint, "f", b"1")
        assert (await endpoint.stat("f")).stamp.mtime_ns is None


async def test_a_line_that_breaks_while_writing_is_told_as_lost(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.HangsUpWhileWriting) as (endpoint, _):
        await ends_in_time(put(endpoint, "f", os.urandom(3_000_000)))
        assert not endpoint.usable


async def test_a_line_that_breaks_while_reading_never_looks_like_the_end(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.HangsUpWhileReading) as (endpoint, folder):
        (folder / "f").write_bytes(os.urandom(3_000_000))
        await ends_in_time(get(endpoint, "f"))


async def test_a_cancelled_write_leaves_the_session_usable(tmp_path: Path) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    async with session(tmp_path, asyncssh.SFTPServer) as (endpoint, _):
        writing = asyncio.ensure_future(endpoint.write("f", slow()))
        await asyncio.sleep(0.05)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await put(endpoint, "g", b"1")


def _fresh_key_text() -> str:
    return asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()


async def test_without_a_host_key_nothing_is_sent_and_trust_is_named(tmp_path: Path) -> None:
    async with asyncssh_sftp(tmp_path) as peer:
        with pytest.raises(HostKeyRefused, match="gateway trust acme"):
            await open_sftp(ssh_place(peer, host_keys=()))


async def test_a_changed_host_key_is_refused_with_both_fingerprints(tmp_path: Path) -> None:
    async with asyncssh_sftp(tmp_path) as peer:
        other = _fresh_key_text()
        with pytest.raises(HostKeyRefused) as caught:
            await open_sftp(ssh_place(peer, host_keys=(other,)))
        for text in (other, peer.host_key):
            assert asyncssh.import_public_key(text).get_fingerprint() in str(caught.value)
        assert "gateway trust acme" in str(caught.value)


async def test_one_of_several_trusted_keys_is_enough(tmp_path: Path) -> None:
    async with asyncssh_sftp(tmp_path) as peer:
        endpoint = await open_sftp(ssh_place(peer, "/", host_keys=(_fresh_key_text(), peer.host_key)))
        await endpoint.close()


async def test_a_server_with_several_keys_is_asked_for_the_known_one(tmp_path: Path) -> None:
    rsa = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    async with asyncssh_sftp(tmp_path, host_key=rsa) as peer:
        endpoint = await open_sftp(ssh_place(peer, "/", host_keys=(peer.host_key, _fresh_key_text())))
        await endpoint.close()


async def test_known_hosts_are_read_as_openssh_writes_them(tmp_path: Path) -> None:
    async with asyncssh_sftp(tmp_path) as peer:
        line = f"[127.0.0.1]:{peer.port} {peer.host_key}\n"
        async with await open_sftp(ssh_place(peer, "/", host_keys=(), known_hosts=line)) as endpoint:
            assert endpoint.usable
        with pytest.raises(HostKeyRefused, match="no host key is known"):
            await open_sftp(ssh_place(peer, host_keys=(), known_hosts=line.replace(str(peer.port), "1")))


async def test_a_wrong_password_is_shown_once_and_never_again(tmp_path: Path) -> None:
    hostile.CountsTries.tries = 0
    async with asyncssh_sftp(tmp_path, account=hostile.CountsTries) as peer:
        with pytest.raises(LoginRefused, match=r"acme.*'partner'.*password"):
            await open_sftp(ssh_place(peer))
    assert hostile.CountsTries.tries == 1


async def test_keyboard_interactive_is_answered_with_the_password(tmp_path: Path) -> None:
    async with asyncssh_sftp(tmp_path, account=hostile.AsksKeyboardInteractive) as peer:
        endpoint = await open_sftp(ssh_place(peer, "/"))
        await endpoint.close()


async def test_a_key_with_a_passphrase_logs_in_and_a_wrong_one_is_named(sshd: SshPeer) -> None:
    locked = (
        asyncssh.import_private_key(sshd.key)
        .export_private_key(passphrase="open sesame", ignore_few_rounds=True, rounds=16)
        .decode()
    )
    async with await open_sftp(ssh_place(sshd, key=locked, key_passphrase="open sesame")) as endpoint:
        assert endpoint.usable
    with pytest.raises(LoginRefused, match="key_passphrase"):
        await open_sftp(ssh_place(sshd, key=locked, key_passphrase="wrong"))


async def test_commands_run_and_hang_within_their_time(sshd: SshPeer) -> None:
    async with await open_sftp(ssh_place(sshd)) as endpoint:
        ran = await endpoint.execute("echo out; echo err >&2; exit 7", timeout_s=100)
        assert (ran.exit_code, sorted(ran.output.split())) == (7, ["err", "out"])
        with pytest.raises(Retryable, match=r"did not end within 0\.3 s"):
            await endpoint.execute("sleep 60", timeout_s=0.3)
        assert (await endpoint.stat("")).path == ""


async def test_the_tail_of_a_long_output_is_kept(sshd: SshPeer) -> None:
    async with await open_sftp(ssh_place(sshd)) as endpoint:
        ran = await endpoint.execute("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo the end", timeout_s=100)
        assert ran.output.endswith("the end\n")
        assert len(ran.output) <= 64 * 1024


async def test_no_shell_means_no_checksum_and_no_command(tmp_path: Path) -> None:
    async with session(tmp_path, asyncssh.SFTPServer) as (endpoint, _):
        await put(endpoint, "f", b"1")
        assert await endpoint.remote_hash("f", "sha256") is None
        with pytest.raises(GatewayError):
            await endpoint.execute("id", timeout_s=100)


async def test_the_login_folder_is_where_a_tilde_starts(sshd: SshPeer, tmp_path: Path) -> None:
    async with await open_sftp(ssh_place(sshd, "~")) as endpoint:
        home = (await endpoint.execute("pwd", timeout_s=100)).output.strip()
        assert (await endpoint.stat("")).kind == (await endpoint.stat(home)).kind
        name = os.path.relpath(tmp_path, home)
        (tmp_path / "f").write_bytes(b"12")
        assert (await endpoint.stat(f"~/{name}/f")).stamp.size_bytes == 2
        assert (await endpoint.stat(f"{name}/f")).stamp.size_bytes == 2


async def test_a_file_that_grows_while_it_is_read_is_read_to_its_new_end(sshd: SshPeer, sshd_folder: Path) -> None:
    (sshd_folder / "f").write_bytes(b"x" * 300_000)
    async with await open_sftp(ssh_place(sshd, sshd_folder)) as endpoint:
        reading = endpoint.read("f")
        got = len(await anext(reading))
        with (sshd_folder / "f").open("ab") as file:
            file.write(b"y" * 2_000_000)
        got += sum([len(block) async for block in reading])
        assert got == 2_300_000


async def test_blocks_of_any_size_are_written_in_order(sshd: SshPeer, sshd_folder: Path) -> None:
    data = os.urandom(3_000_001)
    async with await open_sftp(ssh_place(sshd, sshd_folder)) as endpoint:
        for size in (7_777, 1_000_000, 3_000_001):
            assert await endpoint.write("f", blocks_of(data, size)) == len(data)
            assert (sshd_folder / "f").read_bytes() == data


async def test_links_are_told_as_links_unless_they_are_to_be_followed(sshd: SshPeer, sshd_folder: Path) -> None:
    (sshd_folder / "real").write_bytes(b"123")
    (sshd_folder / "link").symlink_to("real")
    (sshd_folder / "dangling").symlink_to("nowhere")
    for follow, link in ((False, Kind.LINK), (True, Kind.FILE)):
        async with await open_sftp(ssh_place(sshd, sshd_folder, follow_links=follow)) as endpoint:
            kinds = {entry.name: entry.kind async for entry in endpoint.scan("")}
            assert kinds == {"real": Kind.FILE, "link": link, "dangling": Kind.LINK}
            assert (await endpoint.stat("link")).kind is link
