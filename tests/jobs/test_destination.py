"""One destination of a job's run, from queued to delivered, and what stands in its row when it is not."""

import asyncio
import hashlib
import os
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.errors import AlreadyThere, LinkLost, NoSpace, PathRefused
from gateway.endpoints.breaker import FAILURES_IN_A_ROW
from gateway.jobs.shared_source import SharedSource
from gateway.ledger.delivery_row import State
from gateway.ledger.job_states import PlaceState, TriggerState
from gateway.transfer.tally import Tally
from tests.jobs.load_stage import JOB, Loads, loads
from tests.runner.harness import tree, write


async def test_a_destination_gets_what_it_lacks_and_a_second_run_sends_nothing(tmp_path: Path) -> None:
    write(tmp_path / "prices" / "a.csv", "a")
    write(tmp_path / "prices" / "deep" / "b.csv", "bb")
    (tmp_path / "prices" / "empty").mkdir()
    async with loads(tmp_path) as made:
        first = await made.distributed()
        again = await made.distributed()
        rows = await made.made.deliveries()
    assert (first.state, first.error) == (PlaceState.DELIVERED, None)
    assert (first.files, first.delivered, first.unchanged, first.bytes, first.bytes_sent) == (2, 2, 0, 3, 3)
    assert (again.state, again.delivered, again.unchanged, again.bytes_sent) == (PlaceState.DELIVERED, 0, 2, 0)
    assert len(rows) == 2
    assert tree(tmp_path / "far" / "in") == {"a.csv": "a", "deep/b.csv": "bb"}
    assert (tmp_path / "far" / "in" / "empty").is_dir()


async def test_what_is_known_of_a_place_is_written_with_the_delivery(tmp_path: Path) -> None:
    source = write(tmp_path / "prices" / "a.csv", "abc")
    os.utime(source, ns=(1_700_000_000_123_456_789,) * 2)
    async with loads(tmp_path) as made:
        under = await made.start()
        await made.carry(under)
        there, (file,) = await made.there(under), await made.files(under)
        (delivery,) = await made.made.deliveries()
    known = there["a.csv"]
    assert (known.size, known.mtime_ns, known.sha256) == (3, 1_700_000_000_123_456_789, delivery.sha256)
    assert (file.state, file.size, file.delivery) == ("delivered", 3, delivery.id)


async def test_a_file_that_somebody_changed_or_removed_there_is_sent_again(tmp_path: Path) -> None:
    for name in ("same", "changed", "removed"):
        write(tmp_path / "prices" / name, name)
    async with loads(tmp_path) as made:
        await made.distributed()
        there = tmp_path / "far" / "in"
        stamp = (there / "changed").stat()
        write(there / "changed", "CHANGED")
        os.utime(there / "changed", ns=(stamp.st_mtime_ns + 10**9, stamp.st_mtime_ns + 10**9))
        (there / "removed").unlink()
        row = await made.distributed()
    assert (row.delivered, row.unchanged) == (2, 1)
    assert tree(there) == {"same": "same", "changed": "changed", "removed": "removed"}


async def test_equal_content_is_not_sent_whoever_laid_it_there(tmp_path: Path) -> None:
    write(tmp_path / "prices" / "a", "equal")
    write(tmp_path / "far" / "in" / "a", "equal")
    async with loads(tmp_path) as made:
        row = await made.distributed()
        assert (row.delivered, row.unchanged) == (0, 1)
        under = await made.start()
        assert (await made.there(under))["a"].size == 5, "found by its hash, and noted"


async def test_a_link_that_is_lost_is_an_offline_destination_that_goes_on_where_it_was(tmp_path: Path) -> None:
    for n in range(20):
        write(tmp_path / "prices" / f"f{n:02}", f"{n}")
    async with loads(tmp_path, turned=True) as made:
        under = await made.start()
        left = 10

        async def before(call: str, path: str) -> None:
            nonlocal left
            left -= call == "write"
            if call == "write" and left < 0:
                raise LinkLost("far: the line is cut")

        made.made.disturb(before)
        under.services = made.made.engine.runner.services
        row = await made.carry(under)
        assert (row.state, row.error_class, row.failures) == (PlaceState.OFFLINE, "LinkLost", 1)
        assert row.next_at is not None
        assert row.failing_since is not None
        assert 0 < row.delivered < 20
        assert row.failed == 0, "a lost link is no file's fault"
        left = 1000
        while row.state is not PlaceState.DELIVERED:
            assert row.failures < 5
            row = await made.again(under)
        rows = await made.made.deliveries()
    assert (row.state, row.delivered, row.unchanged, row.failures, row.error) == (
        PlaceState.DELIVERED, 20, 0, 0, None,
    )  # fmt: skip
    done = [one.name for one in rows if one.state is State.DONE]
    assert len(done) == len(set(done)) == 20, "nothing is sent twice"


@pytest.mark.parametrize(("error", "state"), [(PathRefused("read-only"), "error"), (NoSpace("full"), "error")])
async def test_a_file_that_fails_fails_alone_and_says_why(tmp_path: Path, error: Exception, state: str) -> None:
    for name in ("a", "bad", "c"):
        write(tmp_path / "prices" / name, name)
    async with loads(tmp_path, turned=True) as made:
        under = await made.start()
        bad = True

        async def before(call: str, path: str) -> None:
            if bad and call == "write" and "bad" in path:
                raise error

        made.made.disturb(before)
        under.services = made.made.engine.runner.services
        row = await made.carry(under)
        assert (row.state.value, row.error_class) == (state, type(error).__name__)
        assert str(error) in (row.error or "")
        if isinstance(error, PathRefused):
            files = {file.relative: file for file in await made.files(under)}
            assert (row.delivered, row.failed, row.unchanged) == (2, 1, 0)
            assert files["bad"].reason == str(error)
        assert await made.made.held() == (), "a job's failure holds no source back"
        bad = False
        row = await made.carry(under)
    assert (row.state, row.delivered, row.failed, row.unchanged) == (PlaceState.DELIVERED, 3, 0, 0)


@pytest.mark.parametrize("release", ["each", "together"])
async def test_a_file_of_which_nobody_knows_whether_it_got_its_name_is_not_taken_for_delivered(
    tmp_path: Path, release: str
) -> None:
    for name in ("a", "bad", "c"):
        write(tmp_path / "prices" / name, name)
    async with loads(tmp_path, JOB + f'[jobs.prices.settings]\nrelease = "{release}"\n', turned=True) as made:
        under = await made.start()
        is_shut = True

        async def before(call: str, path: str) -> None:
            nonlocal is_named
            is_named = is_named or ("bad" in path and call == "rename")
            if is_shut and is_named and "bad" in path and call in ("rename", "stat"):
                raise PathRefused("no way in")

        is_named = False
        made.made.disturb(before)
        under.services = made.made.engine.runner.services
        under.released.set()
        row = await made.carry(under)
        assert (row.state, row.delivered, row.failed) == (PlaceState.ERROR, 2, 1)
        assert row.error == "bad: no way in"
        is_shut = False
        row = await made.carry(under)
    assert (row.state, row.delivered, row.failed, row.unchanged) == (PlaceState.DELIVERED, 3, 0, 0)
    assert tree(tmp_path / "far" / "in") == {"a": "a", "bad": "bad", "c": "c"}


async def test_a_file_whose_old_version_can_not_be_removed_is_there(tmp_path: Path) -> None:
    write(tmp_path / "prices" / "a", "new")
    write(tmp_path / "far" / "in" / "a", "old")
    async with loads(tmp_path) as made:

        async def before(call: str, path: str) -> None:
            if call == "rename" and path.endswith("/in/a") and Path(path).exists():
                raise AlreadyThere("a rename replaces nothing here")
            if call == "remove":
                raise PathRefused("nobody removes here")

        made.made.disturb(before)
        under = await made.start()
        under.services = made.made.engine.runner.services
        row = await made.carry(under)
    assert (row.state, row.delivered, row.failed) == (PlaceState.DELIVERED, 1, 0), row
    assert tree(tmp_path / "far" / "in")["a"] == "new"


async def test_an_endpoint_that_is_left_alone_keeps_the_reason_in_its_own_words(tmp_path: Path) -> None:
    write(tmp_path / "prices" / "a", "a")
    async with loads(tmp_path, turned=True) as made:
        under = await made.start()

        async def before(call: str, path: str) -> None:
            if call == "write":
                raise NoSpace("far: the disk there is full")

        made.made.disturb(before)
        under.services = made.made.engine.runner.services
        for _ in range(FAILURES_IN_A_ROW + 2):
            row = await made.carry(under)
    assert (row.state, row.error_class) == (PlaceState.ERROR, "NoSpace"), "full is not offline"
    assert "the disk there is full (failed 5 times in a row)" in (row.error or "")
    assert "not tried before" not in (row.error or ""), "when it is tried again stands beside it"


async def test_a_try_that_is_stopped_leaves_nothing_that_others_would_go_on_with(tmp_path: Path) -> None:
    for n in range(6):
        write(tmp_path / "prices" / f"f{n}", f"{n}")
    async with loads(tmp_path) as made:
        under = await made.start()
        reached = asyncio.Event()

        async def before(call: str, path: str) -> None:
            if call == "write" and "f3" in path:
                reached.set()
                await asyncio.Event().wait()

        made.made.disturb(before)
        under.services = made.made.engine.runner.services
        task = asyncio.create_task(made.life(under).carry())
        await asyncio.wait_for(reached.wait(), 100)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        rows = await made.made.deliveries()
        assert State.INTENDED not in {row.state for row in rows}
        assert made.made.engine.ledger.active == set()

        async def nothing(call: str, path: str) -> None: ...

        made.made.disturb(nothing)
        under.services = made.made.engine.runner.services
        row = await made.carry(under)
        rows = await made.made.deliveries()
    assert (row.state, row.delivered + row.unchanged, row.failed) == (PlaceState.DELIVERED, 6, 0)
    done = [one.name for one in rows if one.state is State.DONE]
    assert sorted(done) == [f"f{n}" for n in range(6)]


async def test_after_endpoint_runs_once_all_is_there_and_its_failure_is_the_destinations(tmp_path: Path) -> None:
    write(tmp_path / "prices" / "a", "a")
    async with loads(tmp_path) as made:
        under = await made.start()
        made.after = TriggerState.FAILED
        row = await made.carry(under)
        assert (row.state, row.error_class, row.next_at) == (PlaceState.ERROR, "TriggerFailed", None)
        assert "gateway job restart" in (row.error or "")
        made.after = TriggerState.AGAIN
        row = await made.carry(under)
        assert row.next_at is not None
        made.after = TriggerState.WARNED
        row = await made.carry(under)
    assert (row.state, row.delivered, made.after_calls) == (PlaceState.DELIVERED, 1, ["far"] * 3)


async def test_a_source_that_changes_after_it_was_indexed_fails_that_file_never_half_of_it(tmp_path: Path) -> None:
    write(tmp_path / "prices" / "a", "a")
    changing = write(tmp_path / "prices" / "changing", bytes(100_000))
    async with loads(tmp_path) as made:
        under = await made.start()
        write(changing, "new")
        row = await made.carry(under)
        files = {file.relative: file for file in await made.files(under)}
    assert (row.state, row.error_class, row.delivered) == (PlaceState.ERROR, "SourceChanged", 1)
    assert "changed since it was judged" in (files["changing"].reason or "")
    assert tree(tmp_path / "far" / "in") == {"a": "a"}


@pytest.mark.parametrize("size", [10, 200_000, 20_000_000])
async def test_a_source_rewritten_under_its_old_size_and_time_is_never_taken_for_what_was_hashed(
    tmp_path: Path, size: int
) -> None:
    rewritten = write(tmp_path / "prices" / "rewritten", bytes(size))
    touched = write(tmp_path / "prices" / "touched", bytes(size))
    async with loads(tmp_path, JOB, endpoint='verify = "size"') as made:
        under = await made.start()
        seen = rewritten.stat()
        with rewritten.open("r+b") as file:
            file.write(b"other")
        os.utime(rewritten, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        touched.chmod(0o600)
        assert isinstance(under.source, SharedSource)
        under.source.cache.clear()  # else they go out as they were when they were hashed
        row = await made.carry(under)
        files = {file.relative: file for file in await made.files(under)}
    assert (row.state, row.error_class, row.delivered) == (PlaceState.ERROR, "SourceChanged", 1)
    assert "its content changed, though not its size and time" in (files["rewritten"].reason or "")
    assert os.listdir(tmp_path / "far" / "in") == ["touched"]


async def test_a_large_file_that_nobody_touched_is_not_hashed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "prices" / "large", bytes(20_000_000))
    known: list[str | None] = []

    def knowing(sha256: str | None, *algorithms: str) -> Tally:
        known.append(sha256)
        return Tally.of(*algorithms)

    async with loads(tmp_path) as made:
        under = await made.start()
        monkeypatch.setattr(Tally, "knowing", knowing)
        assert (await made.carry(under)).delivered == 1
    assert known == [hashlib.sha256(bytes(20_000_000)).hexdigest()]


async def test_the_executable_bit_is_part_of_a_file(tmp_path: Path) -> None:
    write(tmp_path / "prices" / "run.sh", "#!/bin/sh").chmod(0o755)
    write(tmp_path / "prices" / "data", "x").chmod(0o644)
    async with loads(tmp_path) as made:
        row = await made.distributed()
    assert row.delivered == 2
    assert os.access(tmp_path / "far" / "in" / "run.sh", os.X_OK)
    assert not (tmp_path / "far" / "in" / "data").stat().st_mode & 0o111


async def test_names_that_are_one_there_are_refused_and_the_others_go(tmp_path: Path) -> None:
    for name in ("A.csv", "a.csv", "b.csv"):
        write(tmp_path / "prices" / name, name)
    async with loads(tmp_path, JOB, endpoint='case = "ignore"') as made:
        under = await made.start()
        row = await made.carry(under)
        files = {file.relative: file for file in await made.files(under)}
    assert (row.state, row.error_class, row.delivered, row.failed) == (PlaceState.ERROR, "NeedsOperator", 2, 1)
    assert "differs from A.csv in capitals alone" in (files["a.csv"].reason or "")


PROFILE = JOB + "[profiles.default]\n"


async def test_a_destination_that_ignores_files_is_whole_without_them(tmp_path: Path) -> None:
    for name in ("a.csv", "b.tmpx", "deep/c.tmpx"):
        write(tmp_path / "prices" / name, name)
    async with loads(tmp_path, PROFILE + 'ignore = ["*.tmpx"]\n') as made:
        row = await made.distributed()
    assert (row.files, row.delivered) == (1, 1)
    assert tree(tmp_path / "far" / "in") == {"a.csv": "a.csv"}


async def test_what_is_replaced_is_kept_in_the_archive(tmp_path: Path) -> None:
    source = write(tmp_path / "prices" / "deep" / "a", "old")
    async with loads(tmp_path, PROFILE + 'archive = "7d"\n') as made:
        await made.distributed()
        write(source, "newer")
        row = await made.distributed()
        again = await made.distributed()
    assert (row.state, row.delivered, again.delivered) == (PlaceState.DELIVERED, 1, 0)
    assert tree(tmp_path / "far" / "in") == {"deep/a": "newer", ".gateway-archive/2/deep/a": "old"}


async def test_the_archive_is_swept_after_its_time(tmp_path: Path) -> None:
    source = write(tmp_path / "prices" / "a", "one")
    async with loads(tmp_path, PROFILE + 'archive = "7d"\n') as made:
        await made.distributed()
        for n, text in enumerate(("two2", "three"), 2):
            write(source, text)
            await made.distributed()
            assert f".gateway-archive/{n}/a" in tree(tmp_path / "far" / "in")
            os.utime(tmp_path / "far" / "in" / ".gateway-archive" / f"{n}", (1, 1))
        write(source, "fourth")
        await made.distributed()
    assert tree(tmp_path / "far" / "in") == {"a": "fourth", ".gateway-archive/4/a": "three"}


async def test_a_file_that_another_job_brings_just_now_is_tried_again(tmp_path: Path) -> None:
    write(tmp_path / "prices" / "a", "a")
    async with loads(tmp_path, turned=True) as made:
        under = await made.start()
        await made.lay_open_delivery(str(tmp_path / "far" / "in" / "a"))
        row = await made.carry(under)
        assert (row.state, row.error_class) == (PlaceState.ERROR, "Retryable")
        assert row.next_at is not None
        assert "another delivery is under way" in (row.error or "")


async def _distributed_with_extra(made: Loads, root: Path, count: int = 3) -> None:
    for n in range(20):
        write(root / "prices" / f"f{n:02}", f"{n}")
    await made.distributed()
    for n in range(count):
        (root / "prices" / f"f{n:02}").unlink()


async def test_what_is_beyond_the_source_stays_unless_the_profile_says_otherwise(tmp_path: Path) -> None:
    async with loads(tmp_path) as made:
        await _distributed_with_extra(made, tmp_path)
        row = await made.distributed()
    assert (row.deleted, len(tree(tmp_path / "far" / "in"))) == (0, 20)


async def test_delete_absent_deletes_what_the_source_lacks_up_to_its_limit(tmp_path: Path) -> None:
    async with loads(tmp_path, PROFILE + 'delete_absent = true\ndelete_limit = "10% or 100"\n') as made:
        await _distributed_with_extra(made, tmp_path, 2)
        write(tmp_path / "far" / "in" / ".theirs", "hidden")
        row = await made.distributed()
        assert (row.state, row.deleted, row.unchanged) == (PlaceState.DELIVERED, 2, 18)
        write(tmp_path / "prices" / "new", "new")
        for n in range(2, 5):
            (tmp_path / "prices" / f"f{n:02}").unlink()
        under = await made.start()
        row = await made.carry(under)
        assert (row.state, row.error_class, row.next_at) == (PlaceState.ERROR, "ApprovalNeeded", None)
        assert f"gateway job approve {under.run} --destination far" in (row.error or "")
        assert len(tree(tmp_path / "far" / "in")) == 19, "nothing was deleted, nothing sent"
        await made.approve(under)
        row = await made.carry(under)
        files = await made.files(under)
    assert (row.state, row.deleted, row.delivered) == (PlaceState.DELIVERED, 3, 1)
    assert [file.relative for file in files if file.state == "deleted"] == ["f02", "f03", "f04"]
    assert ".theirs" in tree(tmp_path / "far" / "in")


async def test_delete_absent_moves_to_the_archive_where_there_is_one(tmp_path: Path) -> None:
    said = 'delete_absent = true\ndelete_limit = "100"\narchive = "7d"\n'
    async with loads(tmp_path, PROFILE + said) as made:
        await _distributed_with_extra(made, tmp_path, 1)
        row = await made.distributed()
        again = await made.distributed()
    assert (row.deleted, again.deleted) == (1, 0)
    assert tree(tmp_path / "far" / "in" / ".gateway-archive") == {"2/f00": "0"}


TOGETHER = JOB + '[jobs.prices.settings]\nrelease = "together"\n'


async def test_released_together_all_bytes_go_first_and_names_are_given_when_that_may_be(tmp_path: Path) -> None:
    for n in range(5):
        write(tmp_path / "prices" / f"f{n}", f"{n}" * 1000)
    async with loads(tmp_path, TOGETHER) as made:
        under = await made.start()
        task = asyncio.create_task(made.life(under).carry())
        await made.until(under, PlaceState.PLACING)
        there = tree(tmp_path / "far" / "in")
        assert all(name.startswith(".") for name in there)
        assert sorted(there.values()) == [f"{n}" * 1000 for n in range(5)]
        assert (await made.row(under)).delivered == 0
        under.released.set()
        await asyncio.wait_for(task, 100)
        row = await made.row(under)
    assert (row.state, row.delivered, row.failed) == (PlaceState.DELIVERED, 5, 0)
    assert sorted(tree(tmp_path / "far" / "in")) == [f"f{n}" for n in range(5)]


async def test_what_waited_for_its_next_try_waits_for_no_time_while_names_are_awaited(tmp_path: Path) -> None:
    """`final names at …` told when it had been tried again."""
    write(tmp_path / "prices" / "a", "a")
    async with loads(tmp_path, TOGETHER) as made:
        under = await made.start()
        is_down = True

        async def before(call: str, path: str) -> None:
            if is_down:
                raise LinkLost("far: the line is cut")

        made.made.disturb(before)
        under.services = made.made.engine.runner.services
        assert (await made.carry(under)).next_at is not None
        is_down = False
        await made.made.engine.runner.services.pool.forget_trouble("far")
        task = asyncio.create_task(made.life(under).carry())
        await made.until(under, PlaceState.PLACING)
        row = await made.row(under)
        task.cancel()
        await asyncio.wait({task})
    assert (row.failures, row.next_at) == (1, None)


async def test_a_stop_while_names_are_awaited_sends_nothing_again(tmp_path: Path) -> None:
    for n in range(5):
        write(tmp_path / "prices" / f"f{n}", f"{n}")
    async with loads(tmp_path, TOGETHER) as made:
        under = await made.start()
        task = asyncio.create_task(made.life(under).carry())
        await made.until(under, PlaceState.PLACING)
        task.cancel()
        await asyncio.wait({task})
        await made.settling().look()
        assert all(name.startswith(".") for name in tree(tmp_path / "far" / "in")), "nobody else gives the names"
        under.released.set()
        row = await made.carry(under)
        rows = await made.made.deliveries()
    assert (row.state, row.delivered) == (PlaceState.DELIVERED, 5)
    assert len(rows) == 5, "nothing was sent again"
    assert sorted(tree(tmp_path / "far" / "in")) == [f"f{n}" for n in range(5)]


async def test_what_waits_for_its_name_replaces_nothing_and_archives_nothing_yet(tmp_path: Path) -> None:
    source = write(tmp_path / "prices" / "a", "old")
    write(tmp_path / "prices" / "b", "same")
    async with loads(tmp_path, TOGETHER + '[profiles.default]\narchive = "1d"\n') as made:
        under = await made.start()
        under.released.set()
        await made.carry(under)
        await made.over(under)
        write(source, "newer")
        under = await made.start()
        task = asyncio.create_task(made.life(under).carry())
        await made.until(under, PlaceState.PLACING)
        there = tree(tmp_path / "far" / "in")
        assert {name: text for name, text in there.items() if not name.startswith(".")} == {"a": "old", "b": "same"}
        assert not (tmp_path / "far" / "in" / ".gateway-archive").exists()
        under.released.set()
        await asyncio.wait_for(task, 100)
    assert tree(tmp_path / "far" / "in") == {"a": "newer", "b": "same", ".gateway-archive/2/a": "old"}


async def test_a_destination_that_is_given_up_before_its_release_never_gets_the_names(tmp_path: Path) -> None:
    write(tmp_path / "prices" / "a", "a")
    async with loads(tmp_path, TOGETHER) as made:
        under = await made.start()
        task = asyncio.create_task(made.life(under).carry())
        await made.until(under, PlaceState.PLACING)
        task.cancel()
        await asyncio.wait({task})
        await made.abandon(under)
        await made.settling().look()
        (delivery,) = await made.made.deliveries()
    assert delivery.state is State.FAILED
    assert all(name.startswith(".") for name in tree(tmp_path / "far" / "in"))


async def test_names_are_given_at_the_time_that_the_destination_asks_for(tmp_path: Path) -> None:
    write(tmp_path / "prices" / "a", "a")
    async with loads(tmp_path, JOB + 'place_at = "10:30"\n', turned=True) as made:
        under = await made.start()
        task = asyncio.create_task(made.life(under).carry())
        await made.until(under, PlaceState.PLACING)
        await made.turn(timedelta(minutes=29))
        waiting = await made.row(under)
        assert waiting.next_at is not None, "the table says when"
        assert waiting.next_at > made.made.engine.ledger.now_ns()
        assert "a" not in tree(tmp_path / "far" / "in")
        await made.turn(timedelta(minutes=2))
        await made.made.ending(task)
        row = await made.row(under)
    assert row.state is PlaceState.DELIVERED
    assert tree(tmp_path / "far" / "in") == {"a": "a"}
