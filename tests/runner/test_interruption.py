"""A run that is cut anywhere goes on at the interrupted command with its frozen files; nothing is done twice."""

import asyncio
import random
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from gateway.ledger import runs
from gateway.ledger.delivery_row import State
from gateway.ledger.runs import AlreadyRunning
from gateway.runner.due import Due, Outcome, Trigger
from tests.runner.harness import Stage, stage, tree, write


class Reach:
    """Lets a run come to a call at the server, and no further until the process is gone."""

    def __init__(self, call: str, name: str) -> None:
        self._call, self._name = call, name
        self.reached = asyncio.Event()
        self.calls: Counter[str] = Counter()

    async def before(self, call: str, path: str) -> None:
        self.calls[f"{call} {path}"] += 1
        if call == self._call and self._name in path:
            self.reached.set()
            await asyncio.Event().wait()


async def cut_at(act: Stage, script: str, call: str, name: str, **more: object) -> None:
    """Start the script and end its process at a call."""
    reach = Reach(call, name)
    act.disturb(reach.before)
    due = Due(action=act.script(script).name, trigger=Trigger.HAND, skip_wait=True)
    task = asyncio.create_task(act.engine.runner.run(due))
    await asyncio.wait_for(reach.reached.wait(), 100)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def go_on(act: Stage, script: str, name: str = "job"):  # type: ignore[no-untyped-def]
    """Settle what is open, then resume the interrupted run as the service does at its start."""
    act.script(script, name)
    [row] = await act.engine.interrupted()
    return await act.engine.runner.resume(row)


async def test_a_run_goes_on_at_the_interrupted_command_with_its_frozen_files(tmp_path: Path) -> None:
    script = "@stability none\nCD first\nPUT -DEL *.a\nSET exists=unique\nCD ../second\nPUT -DEL *.b\nPUT *.c"
    for folder in ("first", "second"):
        (tmp_path / "far" / folder).mkdir(parents=True)
    async with stage(tmp_path) as act:
        for name in ("1.a", "1.b", "2.b", "3.b", "1.c"):
            write(act.outbox / name, name)
        write(act.far / "second/1.b", "old")
        await cut_at(act, script, "write", ".2.b.")
    async with stage(tmp_path) as act:
        write(act.outbox / "4.b", "came later")
        write(act.outbox / "2.a", "came later")
        result = await go_on(act, script)
        assert result.outcome is Outcome.DONE, result
        assert tree(act.far / "first") == {"1.a": "1.a"}
        assert tree(act.far / "second") == {"1.b": "old", "1.1.b": "1.b", "2.b": "2.b", "3.b": "3.b", "1.c": "1.c"}
        assert set(tree(act.outbox)) == {"4.b", "2.a", "1.c"}
        assert (result.files, (await act.run_row(result.run)).files >= 4) == (5, True)
        assert all(row.state is State.DONE for row in await act.deliveries())
        assert await act.engine.interrupted() == ()


@pytest.mark.parametrize(
    ("line", "given", "call", "then"),
    [
        ("RENAME a b", {"far/a": "1"}, None, {"far/b": "1"}),
        ("DELETE a", {"far/a": "1"}, None, {}),
        ("RMDIR d", {}, None, {}),
        ("MKDIR d", {}, None, {}),
        ("LDELETE a", {"inbox/a": "1"}, None, {}),
    ],
)
async def test_a_command_that_had_done_its_work_when_the_process_died_is_not_a_failure(
    tmp_path: Path, line: str, given: dict[str, str], call: str | None, then: dict[str, str]
) -> None:
    async with stage(tmp_path) as act:
        for path, content in given.items():
            write(act.root / path, content)
        (act.far / "d").mkdir()
        instance = act.script(line)
        assert (await act.run(line)).outcome is not Outcome.FAILED, "the work is done once"
        services = act.engine.runner.services
        found = await act.engine.ledger.write(
            partial(
                runs.start,
                action=instance.name,
                endpoint="far",
                trigger="hand",
                owner=services.owner,
                script_sha256=instance.script_sha256,
                at=services.ledger.now_ns(),
            )
        )
        await act.engine.ledger.write(partial(runs.at_command, found=found, command=1))
    async with stage(tmp_path) as act:
        result = await go_on(act, line)
        assert result.outcome is not Outcome.FAILED, result
        there = {
            f"{folder}/{path}": text for folder in ("far", "inbox") for path, text in tree(act.root / folder).items()
        }
        assert there == then


async def test_a_file_that_had_failed_before_the_cut_still_fails_the_command(tmp_path: Path) -> None:
    script = "@next_file_on_fail yes\nPUT -DEL *\nMKDIR never"
    async with stage(tmp_path) as act:
        for name in "abc":
            write(act.outbox / name, name)
        (act.far / "a" / "in the way").mkdir(parents=True)
        await cut_at(act, script, "write", ".c.")
    async with stage(tmp_path) as act:
        result = await go_on(act, script)
        assert (result.outcome, result.files, result.failed_files) == (Outcome.FAILED, 2, 1), result
        assert not (act.far / "never").exists()


async def test_a_failed_command_before_the_cut_is_not_forgotten(tmp_path: Path) -> None:
    script = "@terminate_on_fail no\nPUT missing\nPUT *"
    async with stage(tmp_path) as act:
        write(act.outbox / "a")
        await cut_at(act, script, "write", ".a.")
    async with stage(tmp_path) as act:
        result = await go_on(act, script)
        assert (result.outcome, tree(act.far)) == (Outcome.FAILED, {"a": "content"})
        assert "missing is not there" in (result.error or "")


async def test_a_script_that_was_changed_meanwhile_is_not_gone_on_with_and_what_was_begun_is_settled(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as act:
        for name in "ab":
            write(act.outbox / name, name)
        await cut_at(act, "PUT -DEL *", "rename", "a")
    async with stage(tmp_path) as act:
        result = await go_on(act, "PUT -DEL *\nMKDIR never")
        assert (result.outcome, "changed or removed" in result.notes[0]) == (Outcome.STOPPED, True)
        await act.engine.settling.look()
        assert all(row.state is State.DONE for row in await act.deliveries())
        assert not (act.far / "never").exists()


async def test_two_runs_of_one_action_are_refused(tmp_path: Path) -> None:
    async with stage(tmp_path) as act:
        write(act.outbox / "a")
        reach = Reach("write", ".a.")
        act.disturb(reach.before)
        due = Due(action=act.script("PUT a").name, trigger=Trigger.HAND, skip_wait=True)
        first = asyncio.create_task(act.engine.runner.run(due))
        await asyncio.wait_for(reach.reached.wait(), 100)
        with pytest.raises(AlreadyRunning, match="a run of this action is under way"):
            await act.engine.runner.run(due)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_an_autocheck_that_reported_before_the_cut_does_not_report_again(tmp_path: Path) -> None:
    script = "@on_check_met SYSTEM /bin/echo %file%\nCHECK -FIL * Age=>0D\nDIR"
    async with stage(tmp_path, allow=["/bin/echo"]) as act:
        write(act.outbox / "a")
        await cut_at(act, script, "scan", "")
    async with stage(tmp_path, allow=["/bin/echo"]) as act:
        result = await go_on(act, script)
        assert any("CHECK *: met" in note for note in result.notes), "what was found before stays in the result"
        assert len(await act.reactions()) == 1


SCRIPT = (
    "@stability none\nPUT -DEL *.a one/\nPUT -DEL -APE *.b all.txt\nGET -DEL *.g\nLCOPY -DEL *.l copies/\n"
    "LCOPY -DEL -ZIP *.z all.zip"
)


async def run_for(act: Stage, seconds: float) -> bool:
    """Start the run, or go on with the interrupted one, for so long; True if it came to its end."""
    act.script(SCRIPT)
    left = await act.engine.interrupted()
    runner = act.engine.runner
    due = Due(action="job", trigger=Trigger.HAND, skip_wait=True)
    task = asyncio.create_task(runner.resume(left[0]) if left else runner.run(due))
    await asyncio.wait({task}, timeout=seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    row = await act.engine.ledger.read(partial(runs.latest_of, action="job"))
    if not task.cancelled():
        task.result()
    assert row is None or row.outcome in (None, Outcome.DONE), row
    return row is not None and row.outcome is not None  # its end may be on record before the process has seen it


@pytest.mark.parametrize("seed", range(6))
async def test_a_process_that_ends_at_any_moment_loses_and_doubles_nothing(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    for n in range(3):
        for folder, kind in (("outbox", "a"), ("outbox", "b"), ("far", "g"), ("inbox", "l"), ("inbox", "z")):
            write(tmp_path / folder / f"{n}.{kind}", f"{kind}{n};")
    (tmp_path / "far/one").mkdir()
    ended = False
    for seconds in (*(rng.uniform(0, 0.12) for _ in range(4)), 100):
        async with stage(tmp_path) as act:
            ended = ended or await run_for(act, seconds)
            assert len(await act.deliveries()) <= 13, "no file has two deliveries"
    assert ended
    copies = {f"copies/{n}.l": f"l{n};" for n in range(3)}
    there = tree(tmp_path / "outbox")
    assert there.pop("all.zip")
    assert there == copies
    assert tree(tmp_path / "inbox") == {f"{n}.g": f"g{n};" for n in range(3)}
    assert tree(tmp_path / "far") == {**{f"one/{n}.a": f"a{n};" for n in range(3)}, "all.txt": "b0;b1;b2;"}


async def test_a_run_that_was_not_to_wait_does_not_wait_after_a_restart_either(tmp_path: Path) -> None:
    script = "@wait_stable 0s\n@stable_for 1h\nPUT *.a\nPUT *.b"
    async with stage(tmp_path) as act:
        for name in ("1.a", "1.b"):
            write(act.outbox / name, name)
        await cut_at(act, script, "write", ".1.a.")
    async with stage(tmp_path) as act:
        result = await go_on(act, script)
        assert (result.outcome, tree(act.far)) == (Outcome.DONE, {"1.a": "1.a", "1.b": "1.b"}), result


@pytest.mark.parametrize("approved", [True, False])
async def test_what_a_person_approved_stays_approved_after_a_restart(tmp_path: Path, approved: bool) -> None:
    script = "PUT *.a\nPUT -REC -MIR site www/"
    async with stage(tmp_path) as act:
        write(act.outbox / "1.a")
        write(act.outbox / "site/kept")
        for number in range(20):
            write(act.far / f"www/{number}")
        reach = Reach("write", ".1.a.")
        act.disturb(reach.before)
        due = Due(action=act.script(script).name, trigger=Trigger.HAND, skip_wait=True, approved=approved)
        task = asyncio.create_task(act.engine.runner.run(due))
        await asyncio.wait_for(reach.reached.wait(), 100)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with stage(tmp_path) as act:
        result = await go_on(act, script)
        assert result.outcome is (Outcome.DONE if approved else Outcome.FAILED), result
        assert (set(tree(act.far / "www")) == {"kept"}) is approved
