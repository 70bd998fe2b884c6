"""What a run by the clock or by hand takes: stable files, waited for, and what was left is named."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.clock import TurnedClock
from gateway.runner.due import Due, Outcome, Trigger
from gateway.runner.selecting import NOT_JUDGED
from tests.runner.harness import Stage, found, stage, tree, write
from tests.settled import settled


async def test_a_run_waits_until_its_files_are_stable(turned: Stage) -> None:
    write(turned.outbox / "a")
    result = await turned.run("PUT -DEL *", now=False)
    assert (result.outcome, tree(turned.far)) == (Outcome.DONE, {"a": "content"})
    assert 5 <= turned.clock.monotonic() < 10, "nobody writes, which a lease proves"


@pytest.mark.parametrize(
    ("line", "folder", "from_s"),
    [("PUT -DEL *", "outbox", 40), ("GET -DEL *", "far", 30)],  # a GET does not wait for what can't be enough any more
)
async def test_what_is_not_stable_within_wait_stable_is_left_and_named(
    turned: Stage, line: str, folder: str, from_s: float
) -> None:
    grows = write(turned.root / folder / "grows")
    write(turned.root / folder / "quiet")
    due = Due(action=turned.script(f"@wait_stable 40s\n@stable_for 10s\n{line}").name, trigger=Trigger.SCHEDULE)
    task = asyncio.create_task(turned.engine.runner.run(due))
    clock = turned.clock
    assert isinstance(clock, TurnedClock)
    await settled()
    while not task.done():
        with grows.open("a") as writer:
            writer.write("x")
        await clock.turn(timedelta(seconds=2))
        await settled()
    result = await task
    assert (result.outcome, result.files) == (Outcome.DONE, 1)
    assert any("grows" in note and "left" in note for note in result.notes), result.notes
    assert from_s <= clock.monotonic() <= 42
    assert set(tree(turned.root / folder)) == {"grows"}


async def test_now_skips_the_wait_and_the_receipt_says_so(turned: Stage) -> None:
    write(turned.outbox / "a")
    write(turned.far / "b")
    assert (await turned.run("PUT a\nGET b")).files == 2
    assert turned.clock.monotonic() < 1
    for row in await turned.deliveries():
        assert NOT_JUDGED in row.notes


async def test_a_file_held_open_for_writing_is_not_taken(turned: Stage) -> None:
    with (turned.outbox / "open").open("w") as writer:
        writer.write("half")
        writer.flush()
        result = await turned.run("@wait_stable 20s\nPUT *", now=False)
    assert (result.outcome, tree(turned.far)) == (Outcome.NOTHING, {})
    assert "open (held_open)" in result.notes[0]


async def test_a_polled_run_gets_exactly_what_was_judged(turned: Stage) -> None:
    a, b = write(turned.outbox / "a"), write(turned.outbox / "b")
    write(turned.outbox / "runs along")
    result = await turned.run(
        '@limit 5\nPUT -DEL *\nPUT "runs along"',
        trigger=Trigger.POLL,
        judged={1: [a], 2: [turned.outbox / "runs along"]},
    )
    assert (result.files, b.exists(), a.exists()) == (2, True, False)
    assert turned.clock.monotonic() < 1


async def test_in_a_polled_run_only_what_runs_along_must_be_there(turned: Stage) -> None:
    result = await turned.run("PUT -DEL a.csv\nPUT -DEL b.csv", trigger=Trigger.POLL, judged={})
    assert result.outcome is Outcome.NOTHING
    result = await turned.run("PUT -DEL a.csv\nPUT trailer", trigger=Trigger.POLL, judged={})
    assert (result.outcome, "trailer is not there" in (result.error or "")) == (Outcome.FAILED, True)


async def test_a_put_behind_a_check_judges_its_own_files(turned: Stage) -> None:
    write(turned.outbox / "a")
    due = Due(
        action=turned.script("CHECK -FIL * Age=>0D\nPUT -DEL *").name,
        trigger=Trigger.POLL,
        reported=(found(turned.outbox / "a"),),
    )
    await turned.ending(turned.engine.runner.run(due))
    assert (tree(turned.far), turned.clock.monotonic() >= 5) == ({"a": "content"}, True)


async def test_a_file_that_changes_after_it_was_judged_is_left_for_later(turned: Stage) -> None:
    path = write(turned.outbox / "a")
    judged = found(path)
    write(path, "another")
    instance = turned.script("PUT -DEL a")
    result = await turned.ending(
        turned.engine.runner.run(Due(action=instance.name, trigger=Trigger.POLL, judged={1: (judged,)}))
    )
    assert (result.outcome, result.failed_files) == (Outcome.NOTHING, 0)
    assert "a was left" in result.notes[0]
    assert (tree(turned.outbox), tree(turned.far), await turned.held()) == ({"a": "another"}, {}, ())


async def test_the_first_sight_of_a_remote_file_counts_from_run_to_run(tmp_path: Path, turned: Stage) -> None:
    write(turned.far / "a")
    script = "@wait_stable 1s\nGET -DEL a"
    first = await turned.run(script, now=False)
    assert (first.outcome, "seen for too short a time" in first.notes[0]) == (Outcome.NOTHING, True)
    clock = turned.clock
    assert isinstance(clock, TurnedClock)
    await clock.turn(timedelta(seconds=31))
    before = clock.monotonic()
    assert (await turned.run(script, now=False)).files == 1
    assert clock.monotonic() - before < 20, "it had been seen for long enough"


async def test_stability_none_takes_a_remote_file_at_first_sight(turned: Stage) -> None:
    write(turned.far / "a")
    assert (await turned.run("@stability none\nGET a", now=False)).files == 1
    assert turned.clock.monotonic() < 1


@pytest.mark.parametrize(("header", "files"), [("@empty send after 20s", 1), ("@empty hold", 0), ("@empty skip", 0)])
@pytest.mark.parametrize(("line", "folder"), [("PUT *", "outbox"), ("GET *", "far")])
async def test_empty_files(turned: Stage, header: str, files: int, line: str, folder: str) -> None:
    write(turned.root / folder / "empty", "")
    result = await turned.run(f"{header}\n@wait_stable 60s\n@stable_for 5s\n{line}", now=False)
    assert result.files == files
    if files:
        assert 20 <= turned.clock.monotonic() <= 40


async def test_what_was_delivered_before_is_not_new(act: Stage) -> None:
    script = "@stability none\nPUT -NEW *\nGET -NEW *"
    write(act.outbox / "a", "1")
    write(act.far / "g", "1")
    assert (await act.run(script)).files == 3, "the GET finds what was put, too"
    assert (await act.run(script)).files == 0
    write(act.outbox / "b", "2")
    assert (await act.run("@stability none\nPUT -NEW *")).files == 1
    copy = act.outbox / "copy"
    copy.write_bytes((act.outbox / "a").read_bytes())
    import shutil

    shutil.copystat(act.outbox / "a", copy)
    copy.replace(act.outbox / "a")
    assert (await act.run("@stability none\nPUT -NEW *")).files == 0, "another inode, the same content"
    write(act.outbox / "a", "changed")
    assert (await act.run("@stability none\nPUT -NEW *")).files == 1


async def test_the_clock_of_a_wait_is_given_back(turned: Stage) -> None:
    write(turned.outbox / "a")
    before = turned.clock.monotonic()
    assert (await turned.run("WAIT 5M\nPUT a")).files == 1
    assert 300 <= turned.clock.monotonic() - before <= 320


async def test_a_name_that_was_taken_is_freed_later(turned: Stage) -> None:
    write(turned.inbox / "a", "old")
    write(turned.far / "a", "new")
    clock = turned.clock
    assert isinstance(clock, TurnedClock)
    await turned.run("GET -DEL a")
    await turned.engine.settling.look()
    assert tree(turned.far) == {"a": "new"}
    again = await turned.run("GET -DEL a")
    assert (again.outcome, "name_taken" in again.notes[0]) == (Outcome.NOTHING, True)
    (turned.inbox / "a").unlink()
    await clock.turn(timedelta(seconds=20))
    await turned.engine.settling.look()
    assert (tree(turned.inbox), tree(turned.far)) == ({"a": "new"}, {})
    assert [row.state.value for row in await turned.deliveries()] == ["done"]


async def test_a_copy_that_was_held_goes_on_with_the_endpoint_of_its_action(act: Stage) -> None:
    write(act.outbox / "a", "old")
    write(act.inbox / "a", "new")
    await act.run("LCOPY -DEL a ./")
    (act.outbox / "a").unlink()
    await act.engine.settling.look("elsewhere")
    assert tree(act.outbox) == {}
    await act.engine.settling.look("far")
    assert (tree(act.outbox), tree(act.inbox)) == ({"a": "new"}, {})


async def test_what_can_never_be_sent_does_not_stay_open_for_ever(tmp_path: Path) -> None:
    """A process died between `intended` and the first byte, and the source is gone since."""
    from gateway.runner.due import RunResult
    from tests.runner.test_interruption import cut_at

    async with stage(tmp_path) as act:
        path = write(act.outbox / "a")
        await cut_at(act, "PUT -DEL a", "write", ".a.")
        path.unlink()
    async with stage(tmp_path) as act:
        act.script("PUT -DEL a\nMKDIR changed")
        [row] = await act.engine.interrupted()
        result: RunResult = await act.engine.runner.resume(row)
        assert result.outcome is Outcome.STOPPED
        await act.engine.settling.look()
        assert [row.state.value for row in await act.deliveries()] == ["failed"]
