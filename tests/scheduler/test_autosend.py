"""Autosend: files of real folders are judged, offered once, and held back where they fail."""

from pathlib import Path

from gateway.scheduler.make import Pace
from tests.scheduler.stage import instance, stage


async def test_a_file_that_lies_still_is_offered_after_five_seconds(tmp_path: Path) -> None:
    action = instance(tmp_path)
    (tmp_path / "outbox" / "a.csv").write_text("a")
    async with await stage(action) as scene:
        await scene.turn(4)
        assert scene.runs.started == []
        await scene.turn(2)
        assert scene.runs.names == [["a.csv"]]
        await scene.turn(30)
        assert len(scene.runs.started) == 1
