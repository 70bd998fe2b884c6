"""-NEW: what was delivered before is not sent again, whatever became of the file meanwhile (SPEC §3)."""

from pathlib import Path

import pytest

from gateway.runner.due import Outcome
from tests.runner.harness import stage, tree, write


@pytest.mark.parametrize("script", ["PUT -NEW *", "GET -NEW *"])
async def test_a_file_that_was_taken_away_and_comes_back_unchanged_is_not_delivered_again(
    tmp_path: Path, script: str
) -> None:
    async with stage(tmp_path) as act:
        here, there = (act.outbox, act.far) if script.startswith("PUT") else (act.far, act.inbox)
        write(here / "a", "one")
        assert (await act.run(script)).files == 1
        (here / "a").rename(tmp_path / "aside")
        (there / "a").unlink()
        assert (await act.run(script)).files == 0
        (tmp_path / "aside").rename(here / "a")
        result = await act.run(script)
        assert (result.outcome, result.files, tree(there)) == (Outcome.NOTHING, 0, {})
        (here / "a").write_text("two")
        assert ((await act.run(script)).files, tree(there)) == (1, {"a": "two"})


async def test_each_command_has_its_own_idea_of_what_is_new(tmp_path: Path) -> None:
    script = "PUT -NEW * first/\nPUT -NEW * second/"
    async with stage(tmp_path) as act:
        write(act.outbox / "a", "one")
        for folder in ("first", "second"):
            (act.far / folder).mkdir()
        assert (await act.run(script)).files == 2
        assert (await act.run(script)).files == 0


async def test_a_script_whose_lines_moved_sends_nothing_again(tmp_path: Path) -> None:
    async with stage(tmp_path) as act:
        write(act.outbox / "a", "one")
        assert (await act.run("PUT -NEW *")).files == 1
        assert (await act.run("SET limit=5\nPUT -NEW *")).files == 0


async def test_what_one_command_delivered_is_still_tried_again_by_another_that_failed(tmp_path: Path) -> None:
    script = "@terminate_on_fail no\nPUT -NEW * first/\nPUT -NEW * second/"
    async with stage(tmp_path) as act:
        write(act.outbox / "a", "one")
        (act.far / "first").mkdir()
        assert (await act.run(script)).outcome is Outcome.FAILED
        (act.far / "second").mkdir()
        result = await act.run(script)
        assert (result.outcome, tree(act.far)) == (Outcome.DONE, {"first/a": "one", "second/a": "one"}), result
