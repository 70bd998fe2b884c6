"""Small files of a command over FTP: a journey on each session, names in order, whatever becomes of single files."""

import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gateway.endpoints.base import Laid, Small
from gateway.endpoints.ftp_bulk import FtpBulk
from gateway.ledger.delivery_row import State
from gateway.runner.due import Outcome
from tests.peers import hostile_ftp as hostile
from tests.peers.ftp_servers import pyftpd
from tests.peers.vsftpd import FtpPeer
from tests.runner.harness import Stage, stage, tree
from tests.runner.test_abreast import fill
from tests.runner.test_peers import ftp_settings

COUNT = 150


class Notes(hostile.FTPHandler):  # type: ignore[misc,name-defined]
    """Remembers in which order names were taken, and how often each."""

    named: ClassVar[list[str]]

    def ftp_RNTO(self, path: str) -> Any:
        done = super().ftp_RNTO(path)
        name = path.rpartition("/")[2]
        if not name.startswith("."):
            self.named.append(name)
        return done


class Stumbles(Notes):
    """Something happens to some of the files, each time once."""

    happened: ClassVar[Counter[str]]
    lock: ClassVar[threading.Lock] = threading.Lock()

    def first(self, path: str, part: str) -> bool:
        if part not in path:
            return False
        with self.lock:
            self.happened[part] += 1
            return self.happened[part] == 1

    def ftp_STOR(self, file: str, mode: str = "w") -> Any:
        if self.first(file, ".040."):
            self.respond("451 Not now.")
            return None
        if self.first(file, ".090."):
            self.close_when_done()
            return None
        return super().ftp_STOR(file, mode)

    def ftp_RNFR(self, path: str) -> Any:
        if self.first(path, ".020."):
            self.respond("450 Busy.")
            return None
        if self.first(path, ".120."):
            self.close_when_done()
            return None
        return super().ftp_RNFR(path)


def handler(kind: type[Any]) -> type[Any]:
    return type("Handler", (kind,), {"named": [], "happened": Counter()})


def settings(peer: FtpPeer, folder: Path | str, root: Path, sessions: int = 2) -> str:
    return ftp_settings(peer, Path(folder), root) + f"sessions = {sessions}\n"


def numbers(count: int) -> list[str]:
    return [f"{number:03}" for number in range(count)]


@pytest.fixture
def laid(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many files each journey laid down."""
    counts: list[int] = []
    lay_all = FtpBulk.lay_all

    async def counted(self: FtpBulk, files: Sequence[Small]) -> Any:
        answers = await lay_all(self, files)
        counts.append(len([one for one in answers if isinstance(one, Laid)]))
        return answers

    monkeypatch.setattr(FtpBulk, "lay_all", counted)
    return counts


async def all_done(act: Stage, count: int) -> bool:
    return [row.state for row in await act.deliveries()] == [State.DONE] * count and not act.engine.ledger.active


@pytest.mark.vsftpd
@pytest.mark.parametrize("order", ["kept", "free"])
async def test_many_files_go_together_and_each_arrives_once(
    plain_vsftpd: FtpPeer, tmp_path: Path, order: str, laid: list[int]
) -> None:
    folder = plain_vsftpd.folder / tmp_path.name
    folder.mkdir()
    async with stage(tmp_path, settings(plain_vsftpd, folder, tmp_path, 3)) as act:
        fill(act.outbox, COUNT, 3000)
        result = await act.run(f"@endpoint peer\n@retries 0\n@order {order}\nPUT -DEL *")
        assert (result.outcome, result.files) == (Outcome.DONE, COUNT), result
        assert sorted(tree(folder)) == numbers(COUNT)
        assert tree(act.outbox) == {}
        assert sum(laid) >= COUNT - 3, "all but the first of each session"
        assert len(laid) > 3
        assert await all_done(act, COUNT)


@pytest.mark.vsftpd
async def test_files_of_new_folders_go_together_too(plain_vsftpd: FtpPeer, tmp_path: Path, laid: list[int]) -> None:
    folder = plain_vsftpd.folder / tmp_path.name
    folder.mkdir()
    async with stage(tmp_path, settings(plain_vsftpd, folder, tmp_path) + "make_dirs = true\n") as act:
        for number in range(6):
            fill(act.outbox / f"tree/{number}", 20)
        result = await act.run("@endpoint peer\n@retries 0\nPUT -REC tree/ new/")
        assert (result.outcome, result.files) == (Outcome.DONE, 120), result
        assert sorted(tree(folder)) == [f"new/{number}/{name}" for number in range(6) for name in numbers(20)]
        assert sum(laid) >= 118


async def test_names_are_taken_in_order_by_several_sessions(tmp_path: Path, laid: list[int]) -> None:
    notes = handler(Notes)
    with pyftpd(tmp_path / "server", handler=notes) as peer:
        async with stage(tmp_path, settings(peer, "/", tmp_path, 3)) as act:
            fill(act.outbox, COUNT)
            result = await act.run("@endpoint peer\nPUT *")
            assert result.outcome is Outcome.DONE, result
    assert notes.named == numbers(COUNT)
    assert sum(laid) >= COUNT - 3


@pytest.mark.parametrize("sessions", [1, 2])
async def test_files_that_stumble_arrive_all_the_same_and_in_their_order(
    tmp_path: Path, sessions: int, laid: list[int]
) -> None:
    stumbles = handler(Stumbles)
    with pyftpd(tmp_path / "server", handler=stumbles) as peer:
        async with stage(tmp_path, settings(peer, "/", tmp_path, sessions)) as act:
            fill(act.outbox, COUNT)
            result = await act.run("@endpoint peer\n@retries 2\n@retry_delay 0s\nPUT -DEL *")
            assert (result.outcome, result.files) == (Outcome.DONE, COUNT), result
            assert await all_done(act, COUNT)
            assert tree(act.outbox) == {}
        assert tree(peer.folder) == dict.fromkeys(numbers(COUNT), "x")
    assert stumbles.named == numbers(COUNT)
    assert len(stumbles.happened) == 4
    assert sum(laid) > 20


async def test_what_stands_there_is_replaced_where_a_rename_refuses_to(tmp_path: Path) -> None:
    with pyftpd(tmp_path / "server", handler=hostile.RefusesReplace) as peer:
        async with stage(tmp_path, settings(peer, "/", tmp_path)) as act:
            fill(act.outbox, 40)
            fill(peer.folder, 40, 5)
            result = await act.run("@endpoint peer\n@retries 0\nPUT *")
            assert (result.outcome, result.files) == (Outcome.DONE, 40), result
            assert await all_done(act, 40)
        assert tree(peer.folder) == dict.fromkeys(numbers(40), "x")


async def test_a_server_that_goes_down_ends_the_command_soon_and_a_later_run_brings_all(tmp_path: Path) -> None:
    class Down(hostile.FTPHandler):  # type: ignore[misc,name-defined]
        is_down: ClassVar[bool] = False
        stored: ClassVar[int] = 0

        def ftp_STOR(self, file: str, mode: str = "w") -> Any:
            type(self).stored += 1
            if type(self).stored == 60:
                Down.is_down = True
            return self.close_when_done() if Down.is_down else super().ftp_STOR(file, mode)

        def handle(self) -> None:
            if Down.is_down:
                self.close()
            else:
                super().handle()

    with pyftpd(tmp_path / "server", handler=Down) as peer:
        async with stage(tmp_path, settings(peer, "/", tmp_path)) as act:
            fill(act.outbox, COUNT)
            result = await act.run("@endpoint peer\n@retries 1\n@retry_delay 0.2s\nPUT -DEL *")
            assert result.outcome is Outcome.FAILED, result
            assert not act.engine.ledger.active
            assert sorted(tree(peer.folder) | tree(act.outbox))[-COUNT:] == numbers(COUNT), "here or there, each"
            Down.is_down = False
            await act.engine.runner.services.pool.forget_trouble("peer")
            act.engine.settling.forget("peer")
            await act.engine.settling.look()
            again = await act.run("@endpoint peer\n@retries 1\nPUT -DEL *")
            assert again.outcome is Outcome.DONE, again
            assert tree(act.outbox) == {}
        assert set(numbers(COUNT)) <= set(tree(peer.folder))


@pytest.mark.parametrize("line", ["@order strict", "@next_file_on_fail no"])
async def test_where_a_failed_file_ends_the_command_each_goes_by_itself(
    tmp_path: Path, line: str, laid: list[int]
) -> None:
    class Refuses(hostile.FTPHandler):  # type: ignore[misc,name-defined]
        def ftp_STOR(self, file: str, mode: str = "w") -> Any:
            return self.respond("550 Permission denied.") if ".010." in file else super().ftp_STOR(file, mode)

    with pyftpd(tmp_path / "server", handler=Refuses) as peer:
        async with stage(tmp_path, settings(peer, "/", tmp_path, 1)) as act:
            fill(act.outbox, 30)
            result = await act.run(f"@endpoint peer\n@retries 0\n{line}\nPUT *")
            assert (result.outcome, result.files) == (Outcome.FAILED, 10), result
        assert sorted(tree(peer.folder)) == numbers(10)
    assert laid == []
