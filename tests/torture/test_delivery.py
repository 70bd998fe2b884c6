"""Delivery and overwriting, cases 15 to 30: whole engines against partners that refuse, cut, lie and take away."""

import os
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from gateway.core.clock import TurnedClock
from gateway.ledger.delivery_row import State
from gateway.runner.due import Outcome
from tests.peers import odd_sftp as odd
from tests.peers.hostile_sftp import Tidy
from tests.runner.harness import START
from tests.torture.scene import sftp_scene

SIZE = 300_000
WAYS = pytest.mark.parametrize("way", ["auto", "off"], ids=["pipelined", "library"])


def crime(kind: type[asyncssh.SFTPServer], **values: Any) -> Any:
    """The same crime with a memory of its own."""
    return type(kind.__name__, (kind,), values)


@WAYS
@pytest.mark.parametrize("at", [0, 1, SIZE // 2, SIZE - SIZE // 100, "close", "before rename", "after rename"])
async def test_b15_a_link_cut_anywhere_leaves_the_old_file_whole_and_the_new_one_comes_once(
    tmp_path: Path, at: int | str, way: str
) -> None:
    seen: list[bytes] = []
    kind = crime(odd.CutsAt, at=at, renames=[], connection_lost=None)
    data = os.urandom(SIZE)
    async with sftp_scene(tmp_path, kind, f'pipeline = "{way}"', clock=TurnedClock(START)) as scene:
        (scene.peer / "a.bin").write_bytes(b"old")
        cut = kind._cut

        def noted(self: Any) -> None:
            seen.append((scene.peer / "a.bin").read_bytes())
            cut(self)

        kind._cut = noted
        scene.drop("a.bin", data)
        result = await scene.run("@retries 3\n@retry_delay 10s\nPUT -DEL * /")
        if result.outcome is not Outcome.DONE:
            await scene.act.ending(scene.act.engine.settling.look())
        assert seen == [data if at == "after rename" else b"old"]
        assert (scene.peer / "a.bin").read_bytes() == data
        assert sorted(scene.there) == ["a.bin"], "no partial is left"
        assert (kind.renames, scene.left) == (["a.bin"], {})
        assert (await scene.only()).state is State.DONE


@WAYS
async def test_b15_a_partner_who_moves_in_mid_rename_gets_the_file_at_the_new_server(tmp_path: Path, way: str) -> None:
    kind = crime(odd.CutsAt, at="before rename", cuts=100, renames=[], connection_lost=None)
    async with sftp_scene(tmp_path, kind, f'pipeline = "{way}"') as scene:
        scene.drop("a", "hello")
        await scene.run("@retries 0\nPUT -DEL a /")
        assert (await scene.only()).state is State.PLACING
    (tmp_path / "server").rename(tmp_path / "their old one")
    async with sftp_scene(tmp_path, Tidy, f'pipeline = "{way}"') as scene:
        scene.act.script("@endpoint acme\nPUT -DEL a /")
        await scene.act.ending(scene.act.engine.settling.look())
        assert (scene.there, scene.left) == ({"a": "hello"}, {})
        assert any("acme is another server now" in note for note in (await scene.only()).notes)


async def test_b16_where_a_rename_does_not_replace_the_old_file_is_never_deleted_first(tmp_path: Path) -> None:
    kind = crime(odd.PlainRename, order=[])
    async with sftp_scene(tmp_path, kind) as scene:
        (scene.peer / "a").write_bytes(b"old")
        scene.drop("a", "new")
        assert (await scene.run("PUT -DEL a /")).outcome is Outcome.DONE
        assert (scene.there, scene.left) == ({"a": "new"}, {})
        assert [move.rpartition(" -> ")[0] for move in kind.order if move.startswith("a -> ")] == ["a"], "to its backup"


@pytest.mark.parametrize("replaces", [True, False], ids=["posix-rename", "plain rename"])
async def test_b16_a_folder_under_the_final_name_is_never_moved_and_keeps_no_other_file(
    tmp_path: Path, replaces: bool
) -> None:
    kind = asyncssh.SFTPServer if replaces else crime(odd.PlainRename, order=[])
    async with sftp_scene(tmp_path, kind) as scene:
        (scene.peer / "b").mkdir()
        (scene.peer / "b" / "precious").write_bytes(b"theirs")
        for name in "abc":
            scene.drop(name, name)
        result = await scene.run("@order kept\n@retry_delay 1h\nPUT -DEL * /")
        assert (result.outcome, result.files, result.failed_files) == (Outcome.FAILED, 2, 1)
        assert (scene.there, scene.left) == ({"a": "a", "b/precious": "theirs", "c": "c"}, {"b": "b"})
        [held] = await scene.act.held()
        assert (held.state, Path(held.source).name) == ("parked", "b")
        assert "a folder stands under the final name" in held.error
        (scene.peer / "b" / "precious").unlink()
        (scene.peer / "b").rmdir()
        await scene.act.ledger_free(held.action, "b")
        assert (await scene.run("PUT -DEL * /")).outcome is Outcome.DONE
        assert (scene.there, scene.left) == ({"a": "a", "b": "b", "c": "c"}, {})


async def test_b16_a_partner_that_may_not_swap_keeps_its_old_file(tmp_path: Path) -> None:
    async with sftp_scene(tmp_path, crime(odd.PlainRename, order=[]), 'replace = "refuse"') as scene:
        (scene.peer / "a").write_bytes(b"old")
        scene.drop("a", "new")
        result = await scene.run("@retries 0\nPUT -DEL a /")
        assert (result.outcome, scene.there, scene.left) == (Outcome.FAILED, {"a": "old"}, {"a": "new"})


@WAYS
async def test_b17_a_mailbox_that_takes_files_at_their_close_is_told_what_to_set(tmp_path: Path, way: str) -> None:
    kind = crime(odd.TakesAtClose, taken=[])
    async with sftp_scene(tmp_path, kind, f'pipeline = "{way}"') as scene:
        scene.drop("a", "hello")
        result = await scene.run("PUT -DEL a /")
        assert (result.outcome, scene.left) == (Outcome.FAILED, {"a": "hello"})
        assert "set inplace = true for acme" in (result.error or "")
        assert len(kind.taken) == 1, "it is not tried again"


@WAYS
async def test_b17_a_mailbox_gets_its_file_in_place_once(tmp_path: Path, way: str) -> None:
    kind = crime(odd.TakesAtClose, taken=[])
    async with sftp_scene(tmp_path, kind, f'inplace = true\npipeline = "{way}"') as scene:
        scene.drop("a", "hello")
        assert (await scene.run("PUT -DEL a /")).outcome is Outcome.DONE
        row = await scene.only()
        assert (kind.taken, scene.left) == ([("a", b"hello")], {})
        assert (row.verified, row.placed) == ("none", "gone")


async def test_b17_a_recipient_that_takes_files_at_the_rename_needs_no_setting(tmp_path: Path) -> None:
    kind = crime(odd.TakesAtRename, taken=[])
    async with sftp_scene(tmp_path, kind) as scene:
        for name in "abc":
            scene.drop(name, name)
        assert (await scene.run("PUT -DEL * /")).outcome is Outcome.DONE
        assert (sorted(kind.taken), scene.left) == ([("a", b"a"), ("b", b"b"), ("c", b"c")], {})


@WAYS
async def test_b18_a_drop_folder_without_list_look_or_rename_gets_its_files_in_place(tmp_path: Path, way: str) -> None:
    lines = f'inplace = true\nverify = "none"\npipeline = "{way}"'
    async with sftp_scene(tmp_path, odd.DropFolder, lines) as scene:
        for name in "abc":
            scene.drop(name, name * 1000)
        result = await scene.run("PUT -DEL * /")
        assert (result.outcome, result.error) == (Outcome.DONE, None)
        assert (scene.there, scene.left) == ({name: name * 1000 for name in "abc"}, {})
        assert {row.verified for row in await scene.act.deliveries()} == {"none"}


async def test_b18_a_drop_folder_without_that_setting_is_named_and_keeps_no_partial_for_ever(tmp_path: Path) -> None:
    async with sftp_scene(tmp_path, odd.DropFolder) as scene:
        scene.drop("a", "hello")
        result = await scene.run("@retries 0\nPUT -DEL a /")
        assert (result.outcome, scene.left) == (Outcome.FAILED, {"a": "hello"})
        assert "not here" in (result.error or "")
        assert scene.there == {}, "nothing was begun that could not be finished"


async def test_b21_a_partner_that_lets_one_file_be_open_gets_all_of_them(tmp_path: Path) -> None:
    kind = crime(odd.OneHandle)
    async with sftp_scene(tmp_path, kind, "sessions = 1", clock=TurnedClock(START)) as scene:
        for number in range(12):
            scene.drop(f"{number:02}", str(number))
        result = await scene.run("@retries 3\n@retry_delay 1s\nPUT -DEL * /")
        assert (result.outcome, len(scene.there), scene.left) == (Outcome.DONE, 12, {}), result.error


async def test_b21_without_the_pipeline_no_second_file_is_opened_on_a_session(tmp_path: Path) -> None:
    kind = crime(odd.OneHandle)
    async with sftp_scene(tmp_path, kind, 'sessions = 1\npipeline = "off"') as scene:
        for number in range(30):
            scene.drop(f"{number:02}", str(number))
        result = await scene.run("@retries 0\nPUT -DEL * /\nGET *")
        assert (result.outcome, len(scene.there), len(scene.here)) == (Outcome.DONE, 30, 30), result.error
        assert kind.most == 1


@WAYS
async def test_b22_times_that_cannot_be_set_are_one_note(tmp_path: Path, way: str) -> None:
    async with sftp_scene(tmp_path, odd.RefusesTimes, f'pipeline = "{way}"') as scene:
        scene.drop("a")
        assert (await scene.run("PUT -DEL a /")).outcome is Outcome.DONE
        row = await scene.only()
        assert (scene.there, row.attempts) == ({"a": "content"}, 1)
        told = [note for note in row.notes if "the peer" in note]
        assert told == ["the peer does not let us set the time of the file"]


async def test_b23_a_folder_that_many_files_want_at_once_is_made_once(tmp_path: Path) -> None:
    kind = crime(odd.SlowMkdir)
    async with sftp_scene(tmp_path, kind, "make_dirs = true\nsessions = 4") as scene:
        for number in range(12):
            scene.drop(f"new/deep/{number}", "x")
        result = await scene.run("@order free\n@retries 0\nPUT -DEL -REC * /in/")
        assert (result.outcome, len(scene.there), kind.made) == (Outcome.DONE, 12, 3), result.error


async def test_b23_a_folder_whose_parent_cannot_be_seen_is_written_to(tmp_path: Path) -> None:
    async with sftp_scene(tmp_path, odd.HidesItsParent) as scene:
        (scene.peer / "in").mkdir()
        scene.drop("a")
        result = await scene.run("@retries 0\nPUT -DEL a in/")
        assert (result.outcome, scene.there) == (Outcome.DONE, {"in/a": "content"}), result.error


@WAYS
async def test_b24_a_full_disk_there_leaves_no_partial_and_no_hot_retry(tmp_path: Path, way: str) -> None:
    from tests.peers.hostile_sftp import DiskFull

    async with sftp_scene(tmp_path, DiskFull, f'pipeline = "{way}"', clock=TurnedClock(START)) as scene:
        scene.drop("a", b"x" * 2_000_000)
        result = await scene.run("@retries 1\n@retry_delay 90s\nPUT -DEL a /")
        assert (result.outcome, scene.there, list(scene.left)) == (Outcome.FAILED, {}, ["a"])
        assert "make room" in (result.error or "")
        assert (await scene.only()).attempts == 2
        [held] = await scene.act.held()
        pause_s = (held.next_at or 0) / 1e9 - scene.act.clock.now().timestamp()
        assert (held.state, round(pause_s), result.rests) == ("held_back", 60, True)


async def test_b27_a_partial_that_cannot_be_renamed_across_disks_is_told_and_the_source_stays(tmp_path: Path) -> None:
    class OtherDisk(asyncssh.SFTPServer):
        def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
            raise OSError(18, "Invalid cross-device link")

    async with sftp_scene(tmp_path, OtherDisk, 'partial = "/tmp/{name}.{id}.part"') as scene:
        (scene.peer / "tmp").mkdir()
        scene.drop("a", "hello")
        result = await scene.run("@retries 0\nPUT -DEL a /")
        assert (result.outcome, scene.left, "a" in scene.there) == (Outcome.FAILED, {"a": "hello"}, False)
        assert "cross-device" in (result.error or "")


@WAYS
async def test_b28_bytes_are_on_disk_before_the_rename(tmp_path: Path, way: str) -> None:
    kind = crime(odd.NotesOrder, order=[])
    async with sftp_scene(tmp_path, kind, f'pipeline = "{way}"') as scene:
        scene.drop("a", "hello")
        assert (await scene.run("PUT -DEL a /")).outcome is Outcome.DONE
        assert kind.order == ["write", "fsync", "close", "rename"]


async def test_b28_what_is_fetched_is_on_disk_before_the_rename_and_its_name_before_the_source_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    real_fsync, real_replace, real_rename = os.fsync, os.replace, os.rename

    def fsync(descriptor: int) -> None:
        order.append(f"fsync {os.path.basename(os.readlink(f'/proc/self/fd/{descriptor}'))}")
        real_fsync(descriptor)

    def renamed(real: Any) -> Any:
        def rename(source: Any, target: Any, **more: Any) -> None:
            order.append(f"rename to {os.path.basename(os.fspath(target))}")
            real(source, target, **more)

        return rename

    class Notes(asyncssh.SFTPServer):
        def remove(self, path: bytes) -> None:
            order.append("removed there")
            super().remove(path)

    async with sftp_scene(tmp_path, Notes) as scene:
        (scene.peer / "a").write_bytes(b"hello")
        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(os, "replace", renamed(real_replace))
        monkeypatch.setattr(os, "rename", renamed(real_rename))
        assert (await scene.run("@exists replace\nGET -DEL a")).outcome is Outcome.DONE
    told = [step.split(".a.")[0] for step in order]
    assert told.index("fsync ") < told.index("rename to a") < told.index("fsync inbox") < told.index("removed there")


async def test_b29_an_upload_that_is_refused_leaves_no_empty_file(tmp_path: Path) -> None:
    async with sftp_scene(tmp_path, odd.OpensThenRefuses) as scene:
        scene.drop("a", "hello")
        result = await scene.run("@retries 0\nPUT -DEL a /")
        assert (result.outcome, scene.there, scene.left) == (Outcome.FAILED, {}, {"a": "hello"})
        assert "quota of your account" in (result.error or "")


async def test_b29_a_partner_that_keeps_half_or_shows_another_size_never_gets_the_final_name(tmp_path: Path) -> None:
    from tests.peers.hostile_sftp import KeepsHalf

    for number, kind in enumerate((KeepsHalf, odd.LiesAboutSize)):
        async with sftp_scene(tmp_path / str(number), kind) as scene:
            scene.drop("a", "hello world")
            result = await scene.run("@retries 0\nPUT -DEL a /")
            assert (result.outcome, scene.there, scene.left) == (Outcome.FAILED, {}, {"a": "hello world"})
            assert "11 bytes were sent" in (result.error or "")
