"""Runs of jobs from end to end, with real hands: index, load, compare, commands, report."""

import os
from pathlib import Path

from gateway.jobs.working import NoTriggers, Working
from gateway.ledger.job_states import AfterAll, JobState
from tests.jobs.engine_stage import JobStage, job_stage
from tests.runner.harness import Stage, tree, write


def real(made: Stage) -> Working:
    return Working(triggers=NoTriggers, settle=made.engine.settling.look)


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
