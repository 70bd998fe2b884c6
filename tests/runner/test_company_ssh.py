"""Small files that go together to real SFTP servers, well-behaved and not."""

import logging
import os
from collections import Counter
from pathlib import Path
from typing import ClassVar

import asyncssh
import pytest
import structlog

from gateway.ledger.delivery_row import State
from gateway.runner.due import Outcome
from tests.peers import hostile_sftp
from tests.peers.hostile_sftp import Tidy
from tests.peers.openssh import SshPeer
from tests.peers.ssh_servers import asyncssh_sftp
from tests.runner.harness import Stage, stage
from tests.runner.test_abreast import fill
from tests.runner.together import ssh_endpoint

COUNT = 140
"""More than go together at once."""


@pytest.fixture(autouse=True)
def _no_logs() -> None:
    """A line a file costs more than the files do."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def shown(folder: Path) -> dict[bytes, bytes]:
    """Every file below `folder`, hidden ones included, by its raw relative name."""
    found = {}
    for at, _, files in os.walk(os.fsencode(folder)):
        for name in files:
            path = os.path.join(at, name)
            found[os.path.relpath(path, os.fsencode(folder))] = Path(os.fsdecode(path)).read_bytes()
    return found


async def all_done(act: Stage, count: int) -> None:
    rows = await act.deliveries()
    assert Counter((row.state, row.owner) for row in rows) == {(State.DONE, None): count}
    assert not act.engine.ledger.active


@pytest.mark.parametrize("verify", ["auto", "size", "hash", "none"])
@pytest.mark.parametrize("delete", ["", "-DEL "], ids=["kept", "deleted"])
async def test_a_tree_of_odd_files_arrives_at_openssh(
    tmp_path: Path, sshd: SshPeer, sshd_folder: Path, verify: str, delete: str
) -> None:
    wanted = {b"tree/%d/%d" % (n % 7, n): b"x" * n for n in range(COUNT)}
    wanted |= {b"tree/caf\xe9 \n": b"latin", "tree/Grüße 📦".encode(): b"", b"tree/64K": b"y" * 65536}
    wanted |= {b"tree/more": b"z" * 65537, b"tree/" + b"n" * 250: b"long"}
    for name, data in wanted.items():
        path = tmp_path / "outbox" / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (sshd_folder / "tree" / "1").mkdir(parents=True)
    (sshd_folder / "tree" / "1" / "8").write_bytes(b"an older one")
    extra = ssh_endpoint(sshd, tmp_path, str(sshd_folder), f'verify = "{verify}"\n')
    async with stage(tmp_path, extra) as act:
        result = await act.run(f"@endpoint ssh\nPUT -REC {delete}tree/* tree/")
        assert (result.outcome, result.files) == (Outcome.DONE, len(wanted)), result.error
        assert shown(sshd_folder) == wanted
        assert {row.verified for row in await act.deliveries()} == {"size" if verify == "auto" else verify}
        await all_done(act, len(wanted))
    assert shown(tmp_path / "outbox") == ({} if delete else wanted)
    sent = (sshd_folder / "tree" / "1" / "8").stat().st_mtime
    assert delete or int(sent) == int((tmp_path / "outbox/tree/1/8").stat().st_mtime)


class Hostile(Tidy):
    """Remembers which names were taken, and does something at a certain call."""

    named: ClassVar[Counter[str]] = Counter()
    calls: ClassVar[Counter[str]] = Counter()

    def at(self, call: str, number: int) -> bool:
        self.calls[call] += 1
        return self.calls[call] == number

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        super().posix_rename(oldpath, newpath)
        self.named[newpath.decode().rpartition("/")[2]] += 1


class HangsUpAtAnOpen(Hostile):
    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if self.at("open", 90):
            self.channel.get_connection().abort()
        return super().open(path, pflags, attrs)


class HangsUpAtAWrite(Hostile):
    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        if self.at("write", 90):
            self.channel.get_connection().abort()
        return int(super().write(file_obj, offset, data))  # type: ignore[arg-type]


class HangsUpBeforeARename(Hostile):
    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        if self.at("rename", 90):
            self.channel.get_connection().abort()
        super().posix_rename(oldpath, newpath)


class HangsUpAfterARename(Hostile):
    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        super().posix_rename(oldpath, newpath)
        if self.at("rename", 90):
            self.channel.get_connection().abort()


class LosesABlock(Hostile):
    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        if not self.at("write", 90):
            super().write(file_obj, offset, data)
        return len(data)


class RefusesSome(Hostile):
    """Every seventh open and rename fails without a reason."""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if not self.at("open", 0) and not self.calls["open"] % 7:
            raise asyncssh.SFTPFailure("")
        return super().open(path, pflags, attrs)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        if not self.at("rename", 0) and not self.calls["rename"] % 7:
            raise asyncssh.SFTPFailure("")
        super().posix_rename(oldpath, newpath)


TROUBLES = [HangsUpAtAnOpen, HangsUpAtAWrite, HangsUpBeforeARename, HangsUpAfterARename, LosesABlock, RefusesSome]


@pytest.mark.parametrize("kind", TROUBLES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("script", ["PUT *", "PUT -DEL *"])
async def test_each_arrives_once_at_a_server_in_trouble(tmp_path: Path, kind: type[Hostile], script: str) -> None:
    kind.named, kind.calls = Counter(), Counter()
    async with asyncssh_sftp(tmp_path / "server", kind=kind) as peer:
        async with stage(tmp_path, ssh_endpoint(peer, tmp_path)) as act:
            fill(act.outbox, COUNT, 10)
            result = await act.run(f"@endpoint ssh\n@retries 5\n@retry_delay 10ms\n{script}")
            assert (result.outcome, result.files) == (Outcome.DONE, COUNT), result
            await all_done(act, COUNT)
        there = shown(peer.folder)
    assert there == {b"%03d" % number: b"x" * 10 for number in range(COUNT)}
    assert set(kind.named.values()) == {1}
    assert len(list((tmp_path / "outbox").iterdir())) == (0 if "-DEL" in script else COUNT)


@pytest.mark.parametrize(
    "kind", [hostile_sftp.KeepsHalf, hostile_sftp.DiskFullInWords, hostile_sftp.RefusesRename],
    ids=lambda kind: kind.__name__,
)  # fmt: skip
async def test_nothing_is_seen_of_what_a_server_does_not_take(tmp_path: Path, kind: type[asyncssh.SFTPServer]) -> None:
    async with asyncssh_sftp(tmp_path / "server", kind=kind) as peer:
        async with stage(tmp_path, ssh_endpoint(peer, tmp_path)) as act:
            fill(act.outbox, COUNT, 10)
            result = await act.run("@endpoint ssh\n@retries 0\nPUT -DEL *")
            assert (result.outcome, result.files) == (Outcome.FAILED, 0)
            rows = await act.deliveries()
            assert {(row.state, row.owner) for row in rows} == {(State.FAILED, None)}
        assert [name for name in shown(peer.folder) if not name.startswith(b".")] == []
    assert len(list((tmp_path / "outbox").iterdir())) == COUNT
