"""Autosend over real folders and a turned clock: what is complete is offered, once; what isn't is waited for."""

import asyncio
import hashlib
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.core.model import Stamp
from gateway.core.moments import ns
from gateway.ledger.standing import Block, HeldEndpoint, Standing
from gateway.runner.due import Trigger
from gateway.scheduler.pauses import Pause
from gateway.transfer import sources
from gateway.transfer.sources import stamp_of
from tests.scheduler.stage import Stage, instance, stage

HEADER = "@endpoint acme\n@schedule on file polling continuously\n"


def verdicts(scene: Stage, name: str) -> list[str]:
    return [look.verdict for look in scene.book.looks if Path(look.path).name == name]


async def test_a_file_that_lies_still_is_offered_after_five_seconds_and_once(tmp_path: Path) -> None:
    action = instance(tmp_path)
    (tmp_path / "outbox" / "a.csv").write_text("a")
    async with await stage(action) as scene:
        await scene.turn(4.9)
        assert scene.runs.started == []
        await scene.turn(0.2)
        assert scene.runs.names == [["a.csv"]]
        assert scene.runs.started[0][0] == pytest.approx(5.0, abs=0.2)
        assert scene.runs.started[0][1].trigger is Trigger.POLL
        await scene.turn(30)
        assert len(scene.runs.started) == 1


async def test_a01_a_writer_that_pauses_is_waited_for_until_it_was_quiet_for_long_enough(tmp_path: Path) -> None:
    action = instance(tmp_path)
    path = tmp_path / "outbox" / "slow.csv"
    async with await stage(action) as scene:
        for pause in (0.5, 0.5, 3.0, 0.5, 4.5, 0.5, 3.0, 4.0, 0.5, 4.5):
            with path.open("a") as file:
                file.write("line\n")
            written_s = scene.clock.monotonic()
            await scene.turn(pause, step_s=0.5)
        assert scene.runs.started == []
        assert "growing" in verdicts(scene, "slow.csv")
        await scene.turn(11)
        assert scene.runs.names == [["slow.csv"]]
        assert scene.runs.started[0][0] - written_s >= 5.0


async def test_a02_an_old_mtime_does_not_speed_anything_up(tmp_path: Path) -> None:
    action = instance(tmp_path)
    async with await stage(action) as scene:
        await scene.turn(6)
        path = tmp_path / "outbox" / "old.csv"
        path.write_text("x")
        os.utime(path, (1, 1))
        seen_at = scene.clock.monotonic()
        await scene.turn(15)
        assert scene.runs.names == [["old.csv"]]
        assert scene.runs.started[0][0] - seen_at >= 5.0


async def test_a03_an_mtime_in_the_future_is_no_reason_to_wait_or_to_send_twice(tmp_path: Path) -> None:
    action = instance(tmp_path)
    path = tmp_path / "outbox" / "future.csv"
    path.write_text("x")
    os.utime(path, (4_000_000_000, 4_000_000_000))
    async with await stage(action) as scene:
        await scene.turn(40)
        assert scene.runs.names == [["future.csv"]]


async def test_a05_a_preallocated_file_that_fills_up_is_not_complete(tmp_path: Path) -> None:
    action = instance(tmp_path)
    path = tmp_path / "outbox" / "big.bin"
    with path.open("wb") as file:
        file.truncate(1000)
    async with await stage(action) as scene:
        for block in range(6):
            with path.open("r+b") as file:
                file.seek(block * 100)
                file.write(b"x" * 100)
            os.utime(path)
            await scene.turn(4)
        assert scene.runs.started == []
        await scene.turn(12)
        assert scene.runs.names == [["big.bin"]]


async def test_a06_a_placeholder_of_zero_bytes_is_waited_for_and_an_empty_file_is_sent(tmp_path: Path) -> None:
    action = instance(tmp_path)
    (tmp_path / "outbox" / "later.csv").touch()
    (tmp_path / "outbox" / "empty.csv").touch()
    async with await stage(action) as scene:
        await scene.turn(30)
        assert scene.runs.started == []
        assert verdicts(scene, "empty.csv") == ["empty"]
        (tmp_path / "outbox" / "later.csv").write_text("content")
        await scene.turn(20)
        assert scene.runs.names == [["later.csv"]]
        await scene.turn(20)
        assert scene.runs.names == [["later.csv"], ["empty.csv"]]


@pytest.mark.parametrize("policy", ["hold", "skip"])
async def test_a06_an_empty_file_is_left_where_the_action_says_so(tmp_path: Path, policy: str) -> None:
    action = instance(tmp_path, f"{HEADER}@empty {policy}\nPUT -DEL * /in/\n")
    (tmp_path / "outbox" / "empty.csv").touch()
    async with await stage(action) as scene:
        await scene.turn(200, step_s=10)
        assert scene.runs.started == []
        assert verdicts(scene, "empty.csv") == ["empty"]


async def test_a10_temporary_names_are_never_sent_and_their_rename_counts_as_arrival(tmp_path: Path) -> None:
    action = instance(tmp_path)
    outbox = tmp_path / "outbox"
    for name in (".a", "b.part", "c.filepart", "d.tmp", "e~", "f.writing", "g.inprogress", "h.partial"):
        (outbox / name).write_text("x")
    async with await stage(action) as scene:
        await scene.turn(40)
        assert scene.runs.started == []
        (outbox / "b.part").rename(outbox / "b")
        await scene.turn(12)
        assert scene.runs.names == [["b"]]


async def test_a11_a_done_file_says_when_and_is_not_sent_itself(tmp_path: Path) -> None:
    action = instance(tmp_path, f"{HEADER}@stability done_file\nPUT -DEL * /in/\n")
    outbox = tmp_path / "outbox"
    (outbox / "a.csv").write_text("x")
    (outbox / "b.csv.done").write_text("")
    async with await stage(action) as scene:
        await scene.turn(60)
        assert scene.runs.started == []
        assert verdicts(scene, "a.csv") == ["no_marker"]
        (outbox / "a.csv.done").write_text("")
        await scene.turn(6)
        assert scene.runs.names == [["a.csv"]]


async def test_a12_a_file_of_mode_000_is_passed_over_quietly_until_it_may_be_read(tmp_path: Path) -> None:
    action = instance(tmp_path)
    path = tmp_path / "outbox" / "hidden.csv"
    path.write_text("x")
    path.chmod(0)
    async with await stage(action) as scene:
        await scene.turn(40)
        assert scene.runs.started == []
        assert verdicts(scene, "hidden.csv") == ["unreadable"]
        assert all(one.word == "idle" for one in scene.scheduler.status())
        path.chmod(0o644)
        await scene.turn(16)
        assert scene.runs.names == [["hidden.csv"]]


async def test_a13_a_file_that_vanishes_raises_no_alarm(tmp_path: Path) -> None:
    action = instance(tmp_path)
    path = tmp_path / "outbox" / "gone.csv"
    path.write_text("x")
    async with await stage(action) as scene:
        await scene.turn(2)
        path.unlink()
        await scene.turn(20)
        assert scene.runs.started == []
        assert verdicts(scene, "gone.csv") == ["too_young", "vanished"]
        assert scene.scheduler.status()[0].word == "idle"


async def test_a_file_that_another_process_holds_open_is_never_ready(tmp_path: Path) -> None:
    action = instance(tmp_path)
    path = tmp_path / "outbox" / "open.csv"
    code = (
        "import sys; f = open(sys.argv[1], 'w'); f.write('x'); f.flush(); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        async with await stage(action) as scene:
            await scene.turn(100, step_s=2)
            assert scene.runs.started == []
            assert verdicts(scene, "open.csv") == ["too_young", "held_open"]
            writer.communicate()
            await scene.turn(6)
            assert scene.runs.names == [["open.csv"]]


async def test_c32_the_same_name_with_the_same_size_and_new_content_is_taken_again(tmp_path: Path) -> None:
    action = instance(tmp_path)
    path = tmp_path / "outbox" / "daily.csv"
    async with await stage(action) as scene:
        for content in ("one", "two", "six"):
            path.write_text(content)
            await scene.turn(15)
        assert scene.runs.names == [["daily.csv"]] * 3


@pytest.mark.parametrize(
    ("block", "verdict", "word"),
    [
        (Block.PARKED, "parked", "parked"),
        (Block.SKIPPED, "skipped", "idle"),
        (Block.DELETE_FAILED, "delete_failed", "parked"),
        (Block.NAME_TAKEN, "name_taken", "parked"),
        (Block.UNDER_WAY, "under_way", "idle"),
    ],
)
async def test_what_the_ledger_holds_is_not_offered_until_its_stamp_changes(
    tmp_path: Path, block: Block, verdict: str, word: str
) -> None:
    action = instance(tmp_path)
    path = tmp_path / "outbox" / "a.csv"
    path.write_text("a")
    async with await stage(action) as scene:
        scene.book.known["orders", str(path)] = [
            Standing(block=block, command=1, source=str(path), stamp=stamp_of(path.stat()))
        ]
        await scene.turn(60, step_s=5)
        assert scene.runs.started == []
        status = scene.scheduler.status()[0]
        assert (status.word, status.files) == (word, {verdict: 1})
        path.write_text("another version")
        await scene.turn(320, step_s=10)
        assert scene.runs.names == [["a.csv"]]


async def test_what_lay_there_before_the_start_has_waited_since_it_was_laid_there(tmp_path: Path) -> None:
    action = instance(tmp_path)
    path = tmp_path / "outbox" / "a.csv"
    path.write_text("a")
    async with await stage(action, start=datetime.now(UTC) + timedelta(hours=1)) as scene:
        scene.book.known["orders", str(path)] = [
            Standing(block=Block.PARKED, command=1, source=str(path), stamp=stamp_of(path.stat()))
        ]
        await scene.turn(60, step_s=5)
        oldest = scene.scheduler.status()[0].oldest
        assert oldest is not None
        assert oldest.since.timestamp() == pytest.approx(path.stat().st_ctime, abs=0.001)


async def test_a_file_that_failed_is_held_back_until_its_time(tmp_path: Path) -> None:
    action = instance(tmp_path)
    path = tmp_path / "outbox" / "a.csv"
    path.write_text("a")
    async with await stage(action) as scene:
        next_at = ns(scene.clock.now() + timedelta(minutes=5))
        standing = Standing(
            block=Block.HELD_BACK, command=1, source=str(path), stamp=stamp_of(path.stat()), next_at=next_at
        )
        scene.book.known["orders", str(path)] = [standing]
        await scene.turn(295, step_s=5)
        assert scene.runs.started == []
        assert scene.scheduler.status()[0].word == "retry"
        await scene.turn(10)
        assert scene.runs.started[0][0] == pytest.approx(300, abs=1)


async def test_a_person_who_says_retry_frees_a_parked_file_at_once(tmp_path: Path) -> None:
    action = instance(tmp_path)
    path = tmp_path / "outbox" / "a.csv"
    path.write_text("a")
    async with await stage(action) as scene:
        key = ("orders", str(path))
        scene.book.known[key] = [Standing(block=Block.PARKED, command=1, source=str(path), stamp=stamp_of(path.stat()))]
        await scene.turn(60, step_s=5)
        del scene.book.known[key]
        scene.scheduler.refresh("orders")
        await scene.turn(1)
        assert scene.runs.names == [["a.csv"]]


async def test_new_sends_what_was_not_delivered_before_and_compares_content_after_a_copy(tmp_path: Path) -> None:
    action = instance(tmp_path, f"{HEADER}PUT -NEW * /in/\n")
    outbox = tmp_path / "outbox"
    for name in ("old.csv", "copied.csv", "other.csv", "new.csv"):
        (outbox / name).write_text(name)
    known = {name: stamp_of((outbox / name).stat()) for name in ("old.csv", "copied.csv", "other.csv")}
    async with await stage(action) as scene:
        scene.runs.removes = False
        for name, stamp in known.items():
            moved = Stamp(stamp.size_bytes, stamp.mtime_ns, stamp.inode + (name != "old.csv"))
            sha256 = _sha256(outbox / name) if name == "copied.csv" else "0" * 64
            source = str(outbox / name)
            scene.book.known["orders", source] = [
                Standing(block=Block.SEEN, command=None, source=source, stamp=moved, sha256=sha256)
            ]
        await scene.turn(10)
        assert [sorted(names) for names in scene.runs.names] == [["new.csv", "other.csv"]]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_an_endpoint_that_is_held_back_gets_no_run_until_its_time(tmp_path: Path) -> None:
    action = instance(tmp_path)
    (tmp_path / "outbox" / "a.csv").write_text("a")
    async with await stage(action) as scene:
        free_at = scene.clock.now() + timedelta(minutes=1)
        scene.book.held["acme"] = HeldEndpoint("acme", ns(free_at), "connection refused")
        await scene.turn(50, step_s=5)
        assert scene.runs.started == []
        status = scene.scheduler.status()[0]
        assert (status.word, status.next_at) == ("retry", pytest.approx(free_at, abs=timedelta(seconds=1)))
        assert "connection refused" in status.why
        scene.book.held.clear()
        await scene.turn(15)
        assert scene.runs.names == [["a.csv"]]


async def test_a_run_that_failed_at_its_endpoint_is_tried_again_at_the_endpoints_time(tmp_path: Path) -> None:
    action = instance(tmp_path)
    (tmp_path / "outbox" / "a.csv").write_text("a")
    async with await stage(action) as scene:

        def fails(_: object) -> None:
            free_at = scene.clock.now() + timedelta(seconds=10)
            scene.book.held["acme"] = HeldEndpoint("acme", ns(free_at), "connection refused")

        scene.runs.removes, scene.runs.hook = False, fails
        await scene.turn(8)
        assert scene.runs.names == [["a.csv"]]
        scene.book.held.clear()
        scene.runs.removes, scene.runs.hook = True, None
        await scene.turn(15)
        assert scene.runs.names == [["a.csv"], ["a.csv"]]


async def test_a_run_that_leaves_its_file_lying_is_not_started_every_few_seconds(tmp_path: Path) -> None:
    action = instance(tmp_path)
    (tmp_path / "outbox" / "a.csv").write_text("a")
    async with await stage(action) as scene:
        scene.runs.removes = False
        await scene.turn(1300, step_s=5)
        gaps = [after - before for (before, _), (after, _) in pairwise(scene.runs.started)]
        assert gaps == pytest.approx([60, 300, 900], abs=6)


async def test_what_a_limit_left_for_the_next_run_gets_it_at_once(tmp_path: Path) -> None:
    action = instance(tmp_path)
    for name in ("a", "b", "c"):
        (tmp_path / "outbox" / name).write_text("x")
    async with await stage(action) as scene:
        scene.runs.limit = 1
        await scene.turn(8)
        assert scene.runs.names == [["a", "b", "c"], ["b", "c"], ["c"]]


async def test_a_file_that_comes_while_another_is_left_lying_gets_its_run(tmp_path: Path) -> None:
    action = instance(tmp_path)
    (tmp_path / "outbox" / "stuck").write_text("x")
    async with await stage(action) as scene:
        scene.runs.removes = False
        await scene.turn(8)
        scene.runs.removes = True
        (tmp_path / "outbox" / "new").write_text("x")
        await scene.turn(15)
        assert scene.runs.names == [["stuck"], ["new"]]


async def test_a_paused_action_is_looked_at_and_starts_when_the_pause_is_over(tmp_path: Path) -> None:
    action = instance(tmp_path)
    (tmp_path / "outbox" / "a.csv").write_text("a")
    async with await stage(action) as scene:
        scene.scheduler.hold([Pause("action:orders", scene.clock.now() + timedelta(seconds=60))])
        await scene.turn(55)
        assert scene.runs.started == []
        assert scene.scheduler.status()[0].word == "paused"
        await scene.turn(8)
        assert scene.runs.names == [["a.csv"]]


async def test_the_files_of_other_commands_are_judged_but_make_nothing_due(tmp_path: Path) -> None:
    text = f"{HEADER}PUT -DEL *.csv /in/\nLCOPY *.txt %outbox%/copies/\n"
    action = instance(tmp_path, text)
    (tmp_path / "inbox" / "note.txt").write_text("x")
    async with await stage(action) as scene:
        await scene.turn(20)
        assert scene.runs.started == []
        (tmp_path / "inbox" / "young.txt").write_text("x")
        (tmp_path / "outbox" / "a.csv").write_text("a")
        await scene.turn(12)
        judged = scene.runs.started[0][1].judged
        assert judged is not None
        assert [found.relative for found in judged[1]] == ["a.csv"]
        assert "note.txt" in [found.relative for found in judged[2]]


async def test_rec_takes_a_tree_with_folders_that_come_later(tmp_path: Path) -> None:
    action = instance(tmp_path, f"{HEADER}PUT -DEL -REC * /in/\n")
    outbox = tmp_path / "outbox"
    (outbox / "one").mkdir()
    (outbox / "one" / "a").write_text("x")
    async with await stage(action) as scene:
        await scene.turn(8)
        (outbox / "two" / "deep").mkdir(parents=True)
        (outbox / "two" / "deep" / "b").write_text("x")
        (outbox / ".git").mkdir()
        (outbox / ".git" / "c").write_text("x")
        await scene.turn(16)
        assert scene.runs.names == [["one/a"], ["two/deep/b"]]


async def test_a_literal_source_is_taken_when_it_comes(tmp_path: Path) -> None:
    action = instance(tmp_path, f"{HEADER}PUT -DEL report.tmp /in/\n")
    async with await stage(action) as scene:
        await scene.turn(10)
        (tmp_path / "outbox" / "report.tmp").write_text("x")
        (tmp_path / "outbox" / "other").write_text("x")
        await scene.turn(12)
        assert scene.runs.names == [["report.tmp"]]
        (tmp_path / "outbox" / "report.tmp").write_text("x")
        await scene.turn(12)
        assert scene.runs.names == [["report.tmp"]] * 2


async def test_a_source_that_names_the_date_moves_at_midnight(tmp_path: Path) -> None:
    action = instance(tmp_path, f"{HEADER}PUT -DEL orders_%date%.csv /in/\n")
    start = datetime(2026, 12, 31, 23, 59, 0, tzinfo=UTC)
    for day in ("20261231", "20270101"):
        (tmp_path / "outbox" / f"orders_{day}.csv").write_text("x")
    async with await stage(action, start=start) as scene:
        await scene.turn(20)
        assert scene.runs.names == [["orders_20261231.csv"]]
        await scene.turn(60)
        assert scene.runs.names == [["orders_20261231.csv"], ["orders_20270101.csv"]]


async def test_c41_one_action_whose_look_crashes_does_not_stop_the_others(tmp_path: Path) -> None:
    good, bad = instance(tmp_path / "good", name="good"), instance(tmp_path / "bad", name="bad")
    (tmp_path / "bad" / "outbox").rmdir()
    (tmp_path / "bad" / "outbox").symlink_to("outbox")  # a loop: it can't be listed
    (tmp_path / "good" / "outbox" / "a").write_text("x")
    async with await stage(bad, good) as scene:
        await scene.turn(10)
        assert scene.runs.names == [["a"]]
        assert len([one for one in scene.scheduler.status() if one.degraded]) == 1


async def test_a_missing_folder_is_said_and_watched_for(tmp_path: Path) -> None:
    action = instance(tmp_path)
    (tmp_path / "outbox").rmdir()
    async with await stage(action) as scene:
        await scene.turn(10)
        assert "isn't there" in scene.scheduler.status()[0].degraded[0]
        (tmp_path / "outbox").mkdir()
        (tmp_path / "outbox" / "a").write_text("x")
        await scene.turn(12)
        assert scene.runs.names == [["a"]]
        assert scene.scheduler.status()[0].degraded == ()


async def test_d72_a_folder_that_is_replaced_is_listed_anew(tmp_path: Path) -> None:
    action = instance(tmp_path)
    outbox = tmp_path / "outbox"
    (outbox / "a").write_text("x")
    async with await stage(action) as scene:
        await scene.turn(2)
        outbox.rename(tmp_path / "aside")
        outbox.mkdir()
        (outbox / "b").write_text("x")
        await scene.turn(12)
        assert scene.runs.names == [["b"]]


async def test_an_idle_look_asks_nothing_and_writes_nothing(tmp_path: Path) -> None:
    action = instance(tmp_path, f"{HEADER}PUT -NEW * /in/\n")
    path = tmp_path / "outbox" / "old.csv"
    path.write_text("x")
    scene = await stage(action)
    scene.book.known["orders", str(path)] = [
        Standing(block=Block.SEEN, command=None, source=str(path), stamp=stamp_of(path.stat()))
    ]
    async with scene:
        await scene.turn(10)
        asked = scene.book.asked
        await scene.turn(600, step_s=20)
        assert (scene.book.asked, scene.book.looks) == (asked, [])


async def test_explicit_times_are_one_look_each_that_waits_for_files_to_become_stable(tmp_path: Path) -> None:
    text = "@endpoint acme\n@schedule on file polling on Su-Sa @06:15\nPUT -DEL * /in/\n"
    action = instance(tmp_path, text)
    start = datetime(2026, 3, 2, 6, 14, 0, tzinfo=UTC)
    async with await stage(action, start=start) as scene:
        (tmp_path / "outbox" / "a").write_text("x")
        await scene.turn(59)
        assert scene.runs.started == []
        await scene.turn(10)
        assert scene.runs.names == [["a"]]
        assert scene.runs.started[0][0] == pytest.approx(65, abs=1)
        (tmp_path / "outbox" / "b").write_text("x")
        await scene.turn(3600, step_s=60)
        assert scene.runs.names == [["a"]]


async def test_a_network_file_system_is_listed_at_every_look_thirty_seconds_apart(tmp_path: Path) -> None:
    table = f"30 22 0:26 / {tmp_path} rw - nfs4 server:/x rw"
    async with await stage(instance(tmp_path), mounts=table) as scene:
        await scene.turn(5)
        (tmp_path / "outbox" / "a").write_text("x")
        await scene.turn(110, step_s=5)
        assert scene.runs.started == []
        assert "every 30 s" in scene.scheduler.status()[0].degraded[0]
        await scene.turn(45, step_s=5)
        assert scene.runs.names == [["a"]]


async def test_c41_a_network_server_that_hangs_keeps_only_its_own_actions_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    near, far = instance(tmp_path / "near", name="near"), instance(tmp_path / "far", name="far")
    table = f"30 22 0:26 / {tmp_path / 'far'} rw - nfs4 server:/x rw"
    answers, real = threading.Event(), sources.look_at

    def hang(path: str, *, follow_links: bool = False) -> os.stat_result | None:
        if path.startswith(str(tmp_path / "far")):
            answers.wait(200)
        return real(path, follow_links=follow_links)

    monkeypatch.setattr("gateway.transfer.watched.look_at", hang)
    (tmp_path / "near" / "outbox" / "a").write_text("x")
    scene = await stage(near, far, mounts=table)
    task = asyncio.create_task(scene.scheduler.run())
    try:
        async with asyncio.timeout(100):
            while not scene.runs.started:
                await asyncio.sleep(0.01)
                await scene.clock.turn(timedelta(seconds=1))
    finally:
        answers.set()
        scene.scheduler.stop()
        await task
    assert scene.runs.names == [["a"]]


async def test_an_endpoint_that_is_held_back_gets_one_attempt_after_a_reload(tmp_path: Path) -> None:
    action = instance(tmp_path)
    (tmp_path / "outbox" / "a.csv").write_text("a")
    async with await stage(action) as scene:
        free_at = scene.clock.now() + timedelta(hours=1)
        scene.book.held["acme"] = HeldEndpoint("acme", ns(free_at), "the password was refused")
        await scene.turn(20, step_s=5)
        assert scene.runs.started == []
        await scene.scheduler.load([action])
        await scene.turn(6)
        assert scene.runs.names == [["a.csv"]]
