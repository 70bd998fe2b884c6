"""Checksums over a shell: many files in one command, whatever their names are."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import LinkLost
from gateway.endpoints.base import Ran
from gateway.endpoints.opening import open_place
from gateway.endpoints.sftp import SftpEndpoint
from gateway.endpoints.sftp_hash import hashes_command, quotes_as_ours, read_digests
from gateway.endpoints.sftp_session import SftpSession
from tests.peers.openssh import SshPeer
from tests.peers.places import ssh_place
from tests.peers.proxy import line_to

ODD = ["plain", "two words", "-n", "it's", 'say "x"', "$(id)", "`id`", "a;b", "a\\b", "a\\nb", "a\nb", "a\rb", "é", "*",
       "\u2028", "a\tb", "~x", "#c", "\\", "x" * 200, os.fsdecode(b"latin\xe9")]  # fmt: skip


class Counted:
    """The commands that a session has run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commands: list[str] = []
        run = SftpSession.run

        async def counted(session: SftpSession, command: str, timeout_s: float) -> Ran:
            self.commands.append(command)
            return await run(session, command, timeout_s)

        monkeypatch.setattr(SftpSession, "run", counted)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


@pytest.fixture
async def endpoint(sshd: SshPeer, sshd_folder: Path) -> AsyncIterator[SftpEndpoint]:
    async with await open_place(ssh_place(sshd, sshd_folder)) as made:
        assert isinstance(made, SftpEndpoint)
        yield made


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def test_who_asks_while_a_command_runs_is_answered_by_the_next(
    endpoint: SftpEndpoint, sshd_folder: Path, counted: Counted
) -> None:
    for number in range(300):
        (sshd_folder / f"f{number}").write_bytes(b"%d" % number)
    found = await asyncio.gather(*(endpoint.remote_hash(f"f{number}", "sha256") for number in range(300)))
    assert found == [sha256(b"%d" % number) for number in range(300)]
    assert len(counted.commands) <= 8


async def test_every_name_gets_its_own_digest(endpoint: SftpEndpoint, sshd_folder: Path, counted: Counted) -> None:
    for name in ODD:
        (sshd_folder / name).write_bytes(name.encode("utf-8", "surrogateescape"))
    found = await asyncio.gather(*(endpoint.remote_hash(name, "sha256") for name in ODD))
    assert found == [sha256(name.encode("utf-8", "surrogateescape")) for name in ODD]
    assert len(counted.commands) < 8, "only a name that the answer can't carry is asked for alone"


async def test_a_missing_file_costs_the_others_nothing(endpoint: SftpEndpoint, sshd_folder: Path) -> None:
    for name in "abc":
        (sshd_folder / name).write_bytes(name.encode())
    names = ["a", "missing", "b", "gone", "c", "a"]
    found = await asyncio.gather(*(endpoint.remote_hash(name, "sha256") for name in names))
    assert found == [sha256(b"a"), None, sha256(b"b"), None, sha256(b"c"), sha256(b"a")]


async def test_algorithms_do_not_mix(endpoint: SftpEndpoint, sshd_folder: Path) -> None:
    (sshd_folder / "f").write_bytes(b"1")
    found = await asyncio.gather(*(endpoint.remote_hash("f", name) for name in ("sha256", "md5", "sha1", "md5")))
    md5 = hashlib.md5(b"1").hexdigest()
    assert found == [sha256(b"1"), md5, hashlib.sha1(b"1").hexdigest(), md5]


async def test_the_beginning_of_a_file_has_a_digest_of_its_own(endpoint: SftpEndpoint, sshd_folder: Path) -> None:
    (sshd_folder / "it's").write_bytes(b"0123456789")
    assert await endpoint.remote_hash("it's", "sha256", first_bytes=4) == sha256(b"0123")
    assert await endpoint.remote_hash("it's", "sha256", first_bytes=99) == sha256(b"0123456789")


async def test_who_gives_up_takes_no_answer_from_others(endpoint: SftpEndpoint, sshd_folder: Path) -> None:
    for name in "abcd":
        (sshd_folder / name).write_bytes(name.encode())
    tasks = [asyncio.ensure_future(endpoint.remote_hash(name, "sha256")) for name in "abcd"]
    await asyncio.sleep(0)
    tasks[2].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert found[:2] + found[3:] == [sha256(b"a"), sha256(b"b"), sha256(b"d")]


async def test_a_lost_link_is_told_to_all_who_wait(sshd: SshPeer, sshd_folder: Path) -> None:
    for number in range(20):
        (sshd_folder / f"f{number}").write_bytes(b"x" * 1000)
    async with line_to(sshd.port) as line:
        place = ssh_place(sshd, sshd_folder, port=line.port)
        async with await open_place(place) as endpoint:
            tasks = [asyncio.ensure_future(endpoint.remote_hash(f"f{number}", "sha256")) for number in range(20)]
            await asyncio.sleep(0)
            line.cut()
            found = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(one) for one in found} == {LinkLost}


NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=20)  # type: ignore[arg-type]


def escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def as_gnu(name: str, digest: str) -> str:
    mark = "\\" if escaped(name) != name else ""
    return f"{mark}{digest}  {escaped(name)}"


@given(st.lists(NAMES, min_size=1, max_size=6, unique=True))
def test_what_gnu_escapes_is_read_back(names: list[str]) -> None:
    made = {name: sha256(name.encode()) for name in names}
    output = "".join(f"{as_gnu(f'./{name}' if name.startswith('-') else name, made[name])}\n" for name in names)
    assert read_digests(output, names, "sha256") == made


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True))
def test_where_nothing_is_escaped_no_digest_goes_to_a_wrong_name(names: list[str]) -> None:
    made = {name: sha256(name.encode()) for name in names}
    output = "".join(f"{made[name]}  {name}\n" for name in names)
    found = read_digests(output, names, "sha256")
    assert all(made[name] == digest for name, digest in found.items())


def test_a_name_that_is_named_twice_is_believed_in_neither() -> None:
    evil = f"x\n{'0' * 64}  y"
    output = f"{'1' * 64}  {evil}\n{'2' * 64}  y\n"
    assert read_digests(output, [evil, "y"], "sha256") == {}


def test_a_name_is_never_an_option() -> None:
    assert hashes_command(["-c", "a b"], "md5") == "md5sum ./-c 'a b' 2>/dev/null"


def test_what_a_shell_prints_as_it_starts_does_not_hide_how_it_quotes() -> None:
    assert quotes_as_ours("posix\n")
    assert quotes_as_ours("Welcome to acme.\nrm: cannot remove a lock\nposix\n")
    assert not quotes_as_ours("'test' is not recognized as an internal or external command\r\n")
    assert not quotes_as_ours('test 42 = "$((6*7))" && echo posix\n')
    assert not quotes_as_ours("")
