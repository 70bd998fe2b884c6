"""Runs of jobs from end to end, with real hands: index, load, compare, commands, report."""

import os
from pathlib import Path

from gateway.jobs.starting import Start
from gateway.jobs.working import Working
from gateway.ledger.job_states import AfterAll, JobState
from tests.jobs.engine_stage import JobStage, job_stage
from tests.runner.harness import Stage, tree, write


def real(made: Stage) -> Working:
    return Working(settle=made.engine.settling.look)


async def run_once(made: JobStage) -> int:
    run = await made.jobs.start("prices")
    row = await made.over(run)
    assert (row.state, row.error) == (JobState.FINISHED, None)
    return run


async def test_a_run_brings_the_source_to_every_destination_and_a_second_one_sends_nothing(tmp_path: Path) -> None:
    write(tmp_path / "prices" / "deep" / "b.csv", "bb")
    async with job_stage(tmp_path, real=real) as made:
        first = await run_once(made)
        for shop in ("shop1", "shop2", "shop3"):
            assert tree(tmp_path / shop) == {"a.csv": "a", "deep/b.csv": "bb"}
        row = await made.run(first)
        assert (row.hashed_files, row.after_all, row.cleaned) == (2, AfterAll.NONE, "none")
        assert row.source_bytes_read == 3
        places = (await made.places(first)).values()
        assert {(one.files, one.delivered, one.unchanged, one.bytes_sent) for one in places} == {(2, 2, 0, 3)}
        second = await run_once(made)
        places = (await made.places(second)).values()
        assert {(one.files, one.delivered, one.unchanged, one.bytes_sent) for one in places} == {(2, 0, 2, 0)}
        assert (await made.run(second)).hashed_files == 0


async def test_a_changed_file_alone_is_sent_and_what_else_is_there_stays(tmp_path: Path) -> None:
    write(tmp_path / "prices" / "b.csv", "bb")
    async with job_stage(tmp_path, ["shop1"], real=real) as made:
        await run_once(made)
        write(tmp_path / "prices" / "b.csv", "other")
        write(tmp_path / "shop1" / "own.txt", "own")
        run = await run_once(made)
        place = (await made.places(run))["shop1"]
        assert (place.delivered, place.unchanged, place.bytes_sent) == (1, 1, 5)
        assert tree(tmp_path / "shop1") == {"a.csv": "a", "b.csv": "other", "own.txt": "own"}


async def test_after_success_delete_removes_what_was_distributed_and_is_unchanged(tmp_path: Path) -> None:
    more = '[profiles.once]\nafter_success = "delete"\n[jobs.prices.settings]\nprofile = "once"\n'
    async with job_stage(tmp_path, ["shop1"], more, real=real) as made:
        run = await run_once(made)
        assert (await made.run(run)).cleaned == "done"
        assert tree(tmp_path / "prices") == {}
        assert tree(tmp_path / "shop1") == {"a.csv": "a"}


async def test_after_success_archive_keeps_them_below_the_state(tmp_path: Path) -> None:
    more = '[profiles.once]\nafter_success = "archive"\n[jobs.prices.settings]\nprofile = "once"\n'
    async with job_stage(tmp_path, ["shop1"], more, real=real) as made:
        await run_once(made)
        assert tree(tmp_path / "prices") == {}
        assert list(tree(tmp_path / "var" / "jobs" / "prices" / "archive").values()) == ["a"]


async def test_a_source_without_files_fails_the_run_in_plain_words(tmp_path: Path) -> None:
    async with job_stage(tmp_path, ["shop1"], real=real) as made:
        os.unlink(tmp_path / "prices" / "a.csv")
        run = await made.jobs.start("prices")
        row = await made.over(run)
        assert (row.state, row.error_class) == (JobState.FAILED, "NotThere")
        assert "holds no file" in (row.error or "")


async def test_names_are_given_together(tmp_path: Path) -> None:
    more = '[jobs.prices.settings]\nrelease = "together"\n'
    async with job_stage(tmp_path, more=more, real=real) as made:
        await run_once(made)
        for shop in ("shop1", "shop2", "shop3"):
            assert tree(tmp_path / shop) == {"a.csv": "a"}


async def test_the_engine_of_a_gateway_runs_its_jobs(tmp_path: Path) -> None:
    async with job_stage(tmp_path, real=real) as made:
        engine = made.stage.engine.jobs
        run = await engine.start("prices")
        row = await made.stage.ending(engine.over(run))
        assert (row.state, row.error) == (JobState.FINISHED, None)
        assert tree(tmp_path / "shop3") == {"a.csv": "a"}


def told(moment: str, line: str, more: str = "") -> str:
    """A trigger whose command writes who it is for into `told.log` beside the job's folders."""
    return f"[jobs.prices.triggers.{moment}]\nlinux = ['/bin/sh', '-c', \"{line}\"]\n{more}"


async def test_commands_run_at_their_moments_with_what_they_are_told(tmp_path: Path) -> None:
    log = tmp_path / "told.log"
    said = f"echo {{}} $JOB_NAME $JOB_ROLE $JOB_RUN_ID $JOB_OK $JOB_FAILED $(basename $PWD) >> {log}"
    more = told("before_indexing", f"echo made > made.csv; {said.format('before')}")
    more += told("after_endpoint", said.format("endpoint")) + told("after_all", said.format("all"))
    async with job_stage(tmp_path, ["shop1", "shop2"], more, real=real) as made:
        run = await run_once(made)
        assert (await made.run(run)).after_all is AfterAll.DONE
        assert tree(tmp_path / "shop2") == {"a.csv": "a", "made.csv": "made\n"}
        lines = log.read_text().splitlines()
        assert lines[0] == f"before prices RW {run} 0 0 prices"
        assert sorted(line.split()[0] for line in lines[1:3]) == ["endpoint", "endpoint"]
        assert [line.split()[5] for line in lines[1:3]] == ["0", "0"], "who is still loading has not failed"
        assert sorted(lines[3:5]) == [f"all prices RO {run} 2 0 shop1", f"all prices RO {run} 2 0 shop2"]
        assert lines[5:] == [f"all prices RW {run} 2 0 prices"]


async def test_a_failing_before_indexing_fails_the_run_and_nothing_is_sent(tmp_path: Path) -> None:
    async with job_stage(tmp_path, ["shop1"], told("before_indexing", "exit 3"), real=real) as made:
        run = await made.jobs.start("prices")
        row = await made.over(run)
        assert (row.state, row.error_class) == (JobState.FAILED, "TriggerFailed")
        assert tree(tmp_path / "shop1") == {}


async def test_a_failing_after_endpoint_is_told_at_its_destination_and_after_all_does_not_run(tmp_path: Path) -> None:
    more = told("after_endpoint", "test $(basename $PWD) != shop2") + told("after_all", f"echo x >> {tmp_path}/ran")
    async with job_stage(tmp_path, ["shop1", "shop2"], more, real=real) as made:
        run = await made.jobs.start("prices")
        row = await made.over(run)
        assert (row.state, row.after_all_note) == (JobState.FINISHED_WITH_ERRORS, "not run (shop2 error)")
        assert (await made.places(run))["shop2"].error_class == "TriggerFailed"
        assert not (tmp_path / "ran").exists()


async def test_a_remote_source_is_collected_once_for_all_destinations(tmp_path: Path) -> None:
    write(tmp_path / "far" / "out" / "deep" / "b.csv", "bb")
    async with job_stage(tmp_path, real=real, source='endpoint = "far"\npath = "out"') as made:
        first = await run_once(made)
        for shop in ("shop1", "shop2", "shop3"):
            assert tree(tmp_path / shop) == {"deep/b.csv": "bb"}
        second = await run_once(made)
        assert {one.bytes_sent for one in (await made.places(second)).values()} == {0}
        write(tmp_path / "far" / "out" / "c.csv", "c")
        (tmp_path / "far" / "out" / "deep" / "b.csv").unlink()
        third = await run_once(made)
        assert tree(tmp_path / "shop1") == {"deep/b.csv": "bb", "c.csv": "c"}
        assert {one.files for one in (await made.places(third)).values()} == {1}
        assert first < second < third


async def test_after_success_removes_the_files_of_a_remote_source(tmp_path: Path) -> None:
    write(tmp_path / "far" / "out" / "b.csv", "bb")
    more = '[profiles.once]\nafter_success = "delete"\n[jobs.prices.settings]\nprofile = "once"\n'
    async with job_stage(tmp_path, ["shop1"], more, real=real, source='endpoint = "far"\npath = "out"') as made:
        await run_once(made)
        assert tree(tmp_path / "far") == {}
        assert tree(tmp_path / "shop1") == {"b.csv": "bb"}


async def test_a_folder_that_names_the_day_is_that_of_the_runs_start(tmp_path: Path) -> None:
    async with job_stage(tmp_path, ["shop1"], real=real, path="in/%date%") as made:
        run = await run_once(made)
        day = f"{made.stage.clock.now():%Y%m%d}"
        assert (await made.places(run))["shop1"].folder.endswith(f"/shop1/in/{day}")
        assert tree(tmp_path / "shop1") == {f"in/{day}/a.csv": "a"}


async def test_priorities_can_be_said_for_one_run(tmp_path: Path) -> None:
    async with job_stage(tmp_path, ["shop1"], real=real) as made:
        run = await made.jobs.start("prices", Start(priority=9, by="ann", rehash=True))
        row = await made.over(run)
        assert (row.priority, row.asked_by, row.rehash) == (9, "ann", True)
        assert (await made.places(run))["shop1"].priority == 9


async def test_deletions_above_the_limit_wait_for_approval_and_the_others_go_on(tmp_path: Path) -> None:
    more = '[profiles.exact]\ndelete_absent = true\ndelete_limit = "1"\n[jobs.prices.settings]\nprofile = "exact"\n'
    async with job_stage(tmp_path, ["shop1", "shop2"], more, real=real) as made:
        for name in ("x", "y", "z"):
            write(tmp_path / "shop1" / name, name)
        run = await made.jobs.start("prices")

        async def waits() -> bool:
            states = await made.states(run)
            return states == {"shop1": "error", "shop2": "delivered"}

        await made.until(waits)
        assert (await made.places(run))["shop1"].error_class == "ApprovalNeeded"
        assert len(tree(tmp_path / "shop1")) >= 3
        await made.jobs.approve(run, "shop1")
        row = await made.over(run)
        assert (row.state, row.error) == (JobState.FINISHED, None)
        assert tree(tmp_path / "shop1") == {"a.csv": "a"}
        assert (await made.places(run))["shop1"].deleted == 3
