"""SFTP partners and their servers (cases of sections A, C, D and E): whole engines, or one session, against them."""

import asyncio
import hashlib
import os
import struct
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from asyncssh.constants import FXP_READDIR
from asyncssh.packet import SSHPacket
from asyncssh.sftp import SFTPServerHandler

from gateway.core.clock import SystemClock, TurnedClock
from gateway.endpoints.opening import open_place
from gateway.endpoints.pool import ForgetfulMemory, Pool
from gateway.endpoints.session import Session
from gateway.endpoints.wire.packets import Reader
from gateway.runner.due import Outcome
from tests.endpoints.test_conformance import NAMES, get, names, put
from tests.peers import odd_sftp as odd
from tests.peers.hostile_sftp import ShortReads, TellsNothing
from tests.peers.openssh import SshPeer, openssh_sshd
from tests.peers.places import ssh_place
from tests.peers.proxy import line_to
from tests.peers.ssh_servers import Account, asyncssh_sftp
from tests.runner.harness import START, write
from tests.settled import settled
from tests.torture.scene import sftp_scene

WAYS = pytest.mark.parametrize("way", ["auto", "off"], ids=["pipelined", "library"])
MIB = 1024 * 1024


def crime(kind: Any, **values: Any) -> Any:
    """The same crime with a memory of its own."""
    return type(kind.__name__, (kind,), values)


@asynccontextmanager
async def session(work: Path, kind: Any, way: str = "auto", **more: Any) -> AsyncIterator[tuple[Session, Path]]:
    """One session at a partner."""
    async with (
        asyncssh_sftp(work, kind=kind) as peer,
        await open_place(ssh_place(peer, "/", pipeline=way, **({"call_timeout_s": 5.0} | more))) as endpoint,
    ):
        yield endpoint, peer.folder


async def test_a03_a_remote_file_from_the_future_is_fetched_once(tmp_path: Path) -> None:
    async with sftp_scene(tmp_path, asyncssh.SFTPServer) as scene:
        path = write(scene.peer / "a.csv", "1")
        os.utime(path, (4_000_000_000, 4_000_000_000))
        outcomes = [(await scene.run("GET -NEW *.csv")).outcome for _ in range(3)]
        assert (outcomes, scene.here) == ([Outcome.DONE, Outcome.NOTHING, Outcome.NOTHING], {"a.csv": "1"})


async def test_a13_a_remote_file_that_vanishes_between_listing_and_reading_raises_no_alarm(tmp_path: Path) -> None:
    class Vanishes(asyncssh.SFTPServer):
        def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
            if path.endswith(b"b.csv"):
                os.unlink(self.map_path(path))
            return super().open(path, pflags, attrs)

    async with sftp_scene(tmp_path, Vanishes) as scene:
        for name in "abc":
            write(scene.peer / f"{name}.csv", name)
        result = await scene.run("@retries 0\nGET -DEL *.csv")
        assert (scene.here, scene.there) == ({"a.csv": "a", "c.csv": "c"}, {})
        assert (result.outcome, result.files, result.failed_files) == (Outcome.DONE, 2, 0)


async def test_c32_the_same_name_of_the_same_size_is_fetched_again_and_for_each_action(tmp_path: Path) -> None:
    async with sftp_scene(tmp_path, asyncssh.SFTPServer) as scene:
        write(scene.peer / "a.csv", "one", age_s=100)
        assert (await scene.run("GET -NEW *.csv")).outcome is Outcome.DONE
        assert (await scene.run("GET -NEW *.csv other/", name="other")).outcome is Outcome.DONE
        write(scene.peer / "a.csv", "two")
        assert (await scene.run("GET -NEW *.csv")).outcome is Outcome.DONE
        assert scene.here == {"a.csv": "two", "other/a.csv": "one"}


async def test_c33_the_same_bytes_again_are_sent_again_unless_only_new_ones_are_wanted(tmp_path: Path) -> None:
    async with sftp_scene(tmp_path, crime(odd.TakesAtRename, taken=[])) as scene:
        for _ in range(2):
            scene.drop("a", "same")
            assert (await scene.run("PUT -DEL a /")).outcome is Outcome.DONE
        path = scene.drop("n", "same")
        assert (await scene.run("PUT -NEW n /")).outcome is Outcome.DONE
        stamp = path.stat()
        path.rename(tmp_path / "aside")
        write(path, "same")
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        assert (await scene.run("PUT -NEW n /")).outcome is Outcome.NOTHING, "another inode, the same content"
        assert (await scene.run("PUT n /")).outcome is Outcome.DONE


async def test_c39_a_limit_bounds_what_is_sent_removed_and_told_alike(tmp_path: Path) -> None:
    async with sftp_scene(tmp_path, asyncssh.SFTPServer) as scene:
        for name in "abcde":
            scene.drop(name, name)
        result = await scene.run("@limit 2\nPUT -DEL * /")
        assert (set(scene.there), set(scene.left), result.files) == ({"a", "b"}, {"c", "d", "e"}, 2)
        assert any("3 files are left for the next run" in note for note in result.notes)


@WAYS
async def test_b20_short_reads_bring_the_right_bytes(tmp_path: Path, way: str) -> None:
    data = os.urandom(500_001)
    async with sftp_scene(tmp_path, ShortReads, f'pipeline = "{way}"') as scene:
        (scene.peer / "a").write_bytes(data)
        assert (await scene.run("GET -DEL a")).outcome is Outcome.DONE
        assert ((scene.act.inbox / "a").read_bytes(), scene.there) == (data, {})


@WAYS
async def test_d51_no_more_is_asked_for_than_a_few_megabytes_however_large_the_file(tmp_path: Path, way: str) -> None:
    kind = crime(odd.CountsReads, go_on=asyncio.Event())
    async with session(tmp_path, kind, way) as (endpoint, folder):
        with (folder / "large").open("wb") as file:
            file.truncate(200 * MIB)
        blocks = endpoint.read("large")
        first = asyncio.ensure_future(anext(blocks))
        await settled()
        assert 0 < kind.asked <= 8 * MIB
        kind.go_on.set()
        assert len(await first) > 0
        await settled()
        assert kind.asked <= 24 * MIB, "who takes nothing is read nothing more for"
        await blocks.aclose()  # type: ignore[attr-defined]


@WAYS
async def test_d52_a_partner_that_takes_no_bytes_makes_nobody_hold_them(tmp_path: Path, way: str) -> None:
    from tests.peers.hostile_sftp import NeverAnswersWrite

    given = 0

    async def large() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(1000):
            given += MIB
            yield bytes(MIB)

    async with session(tmp_path, NeverAnswersWrite, way, call_timeout_s=0.4) as (endpoint, _):
        with pytest.raises(Exception, match="no answer within"):
            await endpoint.write("f", large())
        assert given <= 24 * MIB


@WAYS
async def test_d59_attributes_without_size_or_kind_or_with_unknown_flags_stop_nothing(tmp_path: Path, way: str) -> None:
    class NoKind(asyncssh.SFTPServer):
        def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
            return asyncssh.SFTPAttrs(size=asyncssh.SFTPAttrs.from_local(super().lstat(path)).size)  # type: ignore

    async with sftp_scene(tmp_path, NoKind, f'pipeline = "{way}"') as scene:
        scene.drop("a", "hello")
        (scene.peer / "b").write_bytes(b"world")
        result = await scene.run("@retries 0\nPUT -DEL a /\nGET -DEL b")
        assert (result.outcome, scene.there, scene.here) == (Outcome.DONE, {"a": "hello"}, {"b": "world"}), result


@WAYS
async def test_d59_a_partner_that_tells_nothing_of_its_files_is_sent_to_without_verifying(
    tmp_path: Path, way: str
) -> None:
    async with sftp_scene(tmp_path, TellsNothing, f'verify = "none"\npipeline = "{way}"') as scene:
        scene.drop("a", "hello")
        result = await scene.run("@retries 0\nPUT -DEL a /")
        assert (result.outcome, scene.there, scene.left) == (Outcome.DONE, {"a": "hello"}, {}), result.error


def test_d59_flags_that_this_version_does_not_know_are_passed_over() -> None:
    flags = struct.pack(">I", 0x7FFFFF00 | 1 | 4 | 8)
    found = Reader(flags + struct.pack(">QIII", 5, 0o100644, 1, 2)).attrs()
    assert (found.size, found.permissions, found.mtime) == (5, 0o100644, 2)
    with pytest.raises(asyncssh.SFTPBadMessage, match="ended early"):
        Reader(struct.pack(">IQ", 1 | 8, 5)).attrs()


@WAYS
async def test_d60_a_server_whose_realpath_fails_is_worked_with_and_its_idle_session_lent_again(
    tmp_path: Path, way: str
) -> None:
    clock, logins = TurnedClock(START), 0
    async with asyncssh_sftp(tmp_path, kind=odd.NoRealpath) as peer:

        async def counted(place: Any) -> Session:
            nonlocal logins
            logins += 1
            return await open_place(place)

        pool = Pool({"acme": ssh_place(peer, "~", pipeline=way)}, clock, opener=counted)
        for _ in range(3):
            async with pool.session("acme") as endpoint:
                await put(endpoint, "a", b"hello")
                assert await names(endpoint) == ["a"]
            await clock.turn(timedelta(seconds=10))
        await pool.close()
    assert logins == 1


async def test_d61_drive_letters_and_backslashes_are_names(tmp_path: Path) -> None:
    async with sftp_scene(tmp_path, asyncssh.SFTPServer, path="/C:/in") as scene:
        (scene.peer / "C:/in").mkdir(parents=True)
        scene.drop("a b.csv", "1")
        assert (await scene.run('PUT -DEL "a b.csv"')).outcome is Outcome.DONE
        assert scene.there == {"C:/in/a b.csv": "1"}
        assert (await scene.run("GET -DEL *.csv")).outcome is Outcome.DONE
        assert (scene.here, scene.there) == ({"a b.csv": "1"}, {})


async def windows(process: asyncssh.SSHServerProcess[str]) -> None:
    """A shell for which single quotes are letters: it would run what stands behind an ampersand."""
    command = process.command or ""
    for one in command.split("&"):
        COMMANDS.append(one.strip())
    process.stdout.write("'test' is not recognized as an internal or external command")
    process.exit(0 if "sha256sum" in command else 1)


COMMANDS: list[str] = []


async def test_d61_at_a_windows_shell_no_name_becomes_a_command(tmp_path: Path) -> None:
    COMMANDS.clear()
    names_there = ["plain.csv", "a & calc.exe", "%USERNAME%.csv", "it's", "a\nb"]
    async with (
        asyncssh_sftp(tmp_path, process_factory=windows) as peer,
        await open_place(ssh_place(peer, "/")) as endpoint,
    ):
        for name in names_there:
            await put(endpoint, name, b"hello")
        found = await asyncio.gather(*(endpoint.remote_hash(name, "sha256") for name in names_there))
    assert found == [None] * len(names_there)
    assert [one for one in COMMANDS if one.split(" ")[0] not in ("sha256sum", "test", "", "echo")] == []
    assert [one for one in COMMANDS if "sha256sum" in one and "plain.csv" not in one] == []


async def test_d61_a_shell_that_quotes_as_ours_is_asked_for_any_name(sshd: SshPeer, sshd_folder: Path) -> None:
    names_there = ["plain.csv", "a & touch b", "%USERNAME%.csv", "it's", "$(touch c)"]
    async with await open_place(ssh_place(sshd, sshd_folder)) as endpoint:
        for name in names_there:
            await put(endpoint, name, name.encode())
        found = [await endpoint.remote_hash(name, "sha256") for name in names_there]
    assert found == [hashlib.sha256(name.encode()).hexdigest() for name in names_there]
    assert sorted(os.listdir(sshd_folder)) == sorted(names_there)


class SlowDoor(Account):
    """Takes its time to let somebody in, with a greeting of many lines."""

    async def begin_auth(self, username: str) -> bool:  # type: ignore[override]
        await asyncio.sleep(0.2)
        return True

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._conn = conn

    def auth_banner(self) -> str:
        return "welcome\n" * 200


@WAYS
async def test_d62_a_greeting_of_many_lines_before_the_version_and_a_slow_login(tmp_path: Path, way: str) -> None:
    notice = b"".join(b"notice %d: authorized use only\r\n" % n for n in range(40))
    async with asyncssh_sftp(tmp_path, account=SlowDoor) as peer, line_to(peer.port, notice) as line:
        place = ssh_place(peer, "/", pipeline=way, port=line.port)
        async with await open_place(place) as endpoint:
            await put(endpoint, "a", b"hello")
            assert await get(endpoint, "a") == b"hello"


@pytest.mark.parametrize("algorithm", ["ssh-rsa", "ecdsa-sha2-nistp384"])
async def test_d62_servers_with_other_kinds_of_key_are_logged_in_to(tmp_path: Path, algorithm: str) -> None:
    key = asyncssh.generate_private_key(algorithm)
    async with asyncssh_sftp(tmp_path, host_key=key) as peer, await open_place(ssh_place(peer, "/")) as endpoint:
        assert await names(endpoint) == []


async def test_d62_a_server_that_knows_rsa_with_sha1_alone_is_logged_in_to_by_an_rsa_key(tmp_path: Path) -> None:
    class KeysAlone(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            return key.get_algorithm() == "ssh-rsa"

    ours, theirs = (asyncssh.generate_private_key("ssh-rsa") for _ in range(2))
    old = {"account": KeysAlone, "host_key": theirs, "signature_algs": ["ssh-rsa"]}
    async with asyncssh_sftp(tmp_path, **old) as peer:  # type: ignore[arg-type]
        place = ssh_place(peer, "/", key=ours.export_private_key().decode(), password=None)
        async with await open_place(place) as endpoint:
            assert await names(endpoint) == []


@WAYS
async def test_d63_new_keys_in_the_middle_of_a_file_change_no_byte(tmp_path: Path, way: str) -> None:
    data = os.urandom(6 * MIB)
    async with (
        asyncssh_sftp(tmp_path, rekey_bytes=MIB) as peer,
        await open_place(ssh_place(peer, "/", pipeline=way)) as endpoint,
    ):
        assert await put(endpoint, "a", data) == len(data)
        assert await get(endpoint, "a") == data


async def test_d63_a_server_that_answers_no_sign_of_life_is_given_up_and_found_again(tmp_path: Path) -> None:
    async with asyncssh_sftp(tmp_path) as peer:
        pool = Pool({"acme": ssh_place(peer, "/", keepalive_s=0.05)}, SystemClock())
        async with pool.session("acme") as endpoint:
            await asyncio.sleep(0.4)
            await put(endpoint, "a", b"hello")
        await pool.close()


async def test_e65_names_that_trouble_others_arrive_as_they_are_and_come_back(tmp_path: Path) -> None:
    odd_names = [
        *NAMES,
        "two\nlines",
        "CON",
        "trailing dot.",
        "trailing blank ",
        "%date%",
        "a=b,c",
        "'quoted'",
        "#hash",
    ]
    async with sftp_scene(tmp_path, asyncssh.SFTPServer) as scene:
        for name in odd_names:
            scene.drop(name, name)
        result = await scene.run("@retries 0\nPUT -DEL * /")
        assert (result.outcome, scene.left) == (Outcome.DONE, {}), result.error
        assert scene.there == {name: name for name in odd_names}
        result = await scene.run("@retries 0\nGET -DEL *")
        assert (result.outcome, scene.there) == (Outcome.DONE, {}), result.error
        assert scene.here == {name: name for name in odd_names}


async def test_e66_twins_by_composed_letters_are_two_files(tmp_path: Path) -> None:
    twins = {unicodedata.normalize(form, "Müller.csv"): form for form in ("NFC", "NFD")}
    async with sftp_scene(tmp_path, asyncssh.SFTPServer) as scene:
        for name, content in twins.items():
            scene.drop(name, content)
        assert (await scene.run("PUT -DEL * /")).outcome is Outcome.DONE
        assert (scene.there, scene.left) == (twins, {})


async def test_e66_twins_by_case_are_not_sent_over_each_other_where_the_partner_is_blind_to_it(tmp_path: Path) -> None:
    async with sftp_scene(tmp_path, odd.CaseBlind, 'case = "ignore"') as scene:
        scene.drop("A.csv", "capital")
        scene.drop("a.csv", "small")
        result = await scene.run("@retries 0\nPUT -DEL *.csv /")
        assert (result.outcome, scene.there) == (Outcome.FAILED, {})
        assert "would both be sent as" in (result.error or "")
        assert scene.left == {"A.csv": "capital", "a.csv": "small"}


@pytest.mark.parametrize("follow", [False, True], ids=["not followed", "followed"])
async def test_e67_links_at_a_partner_that_lead_in_circles_end_and_bring_each_file_once(
    tmp_path: Path, follow: bool
) -> None:
    async with sftp_scene(tmp_path, asyncssh.SFTPServer, f"follow_links = {str(follow).lower()}") as scene:
        write(scene.peer / "tree/sub/a.csv", "a")
        (scene.peer / "tree/sub/up").symlink_to("..")
        (scene.peer / "tree/self.csv").symlink_to("self.csv")
        (scene.peer / "tree/nowhere.csv").symlink_to("missing")
        (scene.peer / "tree/link.csv").symlink_to("sub/a.csv")
        result = await scene.run("@retries 0\nGET -REC tree/*")
        assert (result.outcome, result.error) == (Outcome.DONE, None)
        assert scene.here == {"sub/a.csv": "a"} | ({"link.csv": "a"} if follow else {})


@WAYS
async def test_e68_the_first_of_a_hundred_thousand_files_is_seen_before_the_last_is_listed(
    tmp_path: Path, way: str
) -> None:
    kind = crime(odd.ListsForEver)
    async with session(tmp_path, kind, way) as (endpoint, _):
        listing = endpoint.scan("")
        assert (await anext(listing)).name == "f000000"
        assert kind.given < 2_000
        await listing.aclose()  # type: ignore[attr-defined]
        await put(endpoint, "after", b"1")


async def test_e68_a_listing_of_nothing_without_end_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    async def nothing(self: object, packet: SSHPacket) -> tuple[list[object], bool]:
        nonlocal asked
        asked += 1
        packet.get_string()
        return [], False

    monkeypatch.setitem(SFTPServerHandler._packet_handlers, FXP_READDIR, nothing)
    async with session(tmp_path, asyncssh.SFTPServer) as (endpoint, _), asyncio.timeout(100):
        assert await names(endpoint) == []
    assert asked == 1


async def test_e71_a_file_is_fetched_by_name_where_listing_is_denied(tmp_path: Path) -> None:
    async with sftp_scene(tmp_path, odd.NoListing) as scene:
        write(scene.peer / "a.csv", "hello")
        assert (await scene.run("@retries 0\nGET -DEL a.csv")).outcome is Outcome.DONE
        assert (scene.here, scene.there) == ({"a.csv": "hello"}, {})
        result = await scene.run("@retries 0\nGET *.csv")
        assert (result.outcome, "not here" in (result.error or "")) == (Outcome.FAILED, True)


async def test_d48_an_sshd_that_hangs_up_on_too_many_logins_costs_sessions_not_the_endpoint(tmp_path: Path) -> None:
    memory = ForgetfulMemory()

    async def use(pool: Pool, number: int) -> None:
        async with pool.session("acme") as endpoint:
            await put(endpoint, str(number), b"x")
            await asyncio.sleep(0.2)

    with openssh_sshd(tmp_path, max_startups="2:100:2") as peer:
        pool = Pool({"acme": ssh_place(peer, sessions=6)}, SystemClock(), memory)
        await use(pool, 0)
        await asyncio.gather(*(use(pool, number) for number in range(1, 7)))
        await pool.close()
        assert sorted(os.listdir(peer.folder)) == [str(number) for number in range(7)]
    assert memory.troubles == {}
