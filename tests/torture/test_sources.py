"""Sources that mislead (cases of section A): done files that stay, files of holes; whole engines."""

from pathlib import Path

from gateway.core.clock import TurnedClock
from gateway.runner.due import Outcome
from tests.runner.harness import START, stage, tree, write

MIB = 1024 * 1024


async def test_a09_files_of_holes_arrive_in_their_full_length_and_come_back(tmp_path: Path) -> None:
    async with stage(tmp_path) as act:
        for name, start in (("hole", 0), ("tail", 5)):
            with (act.outbox / name).open("wb") as file:
                file.write(b"x" * start)
                file.truncate(3 * MIB + 1)
        expected = {path.name: path.read_bytes() for path in act.outbox.iterdir()}
        assert (await act.run("PUT -DEL *")).outcome is Outcome.DONE
        assert {path.name: path.read_bytes() for path in act.far.iterdir()} == expected
        assert (await act.run("GET -DEL *")).outcome is Outcome.DONE
        assert {path.name: path.read_bytes() for path in act.inbox.iterdir()} == expected


async def test_a11_a_done_file_goes_with_its_file_so_that_the_next_one_needs_its_own(tmp_path: Path) -> None:
    script = "@stability done_file\n@wait_stable 5s\nPUT -DEL *.csv"
    async with stage(tmp_path, clock=TurnedClock(START)) as act:
        write(act.outbox / "a.csv.done", "")
        write(act.outbox / "b.csv.done", "")  # for a file that never comes
        write(act.outbox / "a.csv", "1")
        assert (await act.run(script, now=False)).files == 1
        assert (tree(act.far), tree(act.outbox)) == ({"a.csv": "1"}, {"b.csv.done": ""})
        write(act.outbox / "a.csv", "2, not complete")
        result = await act.run(script, now=False)
        assert (result.files, tree(act.far)) == (0, {"a.csv": "1"})
        assert "a.csv (no_marker: a.csv.done" in "".join(result.notes)
        for content in ("", "twice"):
            write(act.outbox / "a.csv.done", content)
        assert (await act.run(script, now=False)).files == 1
        assert (tree(act.far), tree(act.outbox)) == ({"a.csv": "2, not complete"}, {"b.csv.done": ""})


async def test_a11_a_done_file_that_was_removed_before_its_file_was_taken_takes_its_word_back(tmp_path: Path) -> None:
    script = "@stability done_file\n@wait_stable 5s\nPUT -DEL *.csv"
    async with stage(tmp_path, clock=TurnedClock(START)) as act:
        marker = write(act.outbox / "a.csv.done", "")
        marker.unlink()
        write(act.outbox / "a.csv", "1")
        assert (await act.run(script, now=False)).files == 0
        assert tree(act.outbox) == {"a.csv": "1"}
