"""A file server that hangs keeps nobody from starting."""

import asyncio
import threading
from pathlib import Path

from structlog.testing import capture_logs

from gateway.service.folders import make_folders
from tests.loop_time import in_time
from tests.settled import at_work


async def test_a_folder_that_hangs_is_told_and_holds_up_neither_the_others_nor_the_loop(tmp_path: Path) -> None:
    answers, turns = threading.Event(), 0

    def make(folder: Path) -> None:
        if folder.name == "hangs":
            answers.wait(200)
        folder.mkdir()

    async def turning() -> None:
        nonlocal turns
        while not (tmp_path / "z").exists():
            turns += 1
            await asyncio.sleep(0.01)

    with capture_logs() as logged:
        beside = asyncio.create_task(turning())
        making = asyncio.create_task(make_folders([tmp_path / "hangs", tmp_path / "z"], make=make, limit_s=1000))
        await beside
        while at_work(asyncio.get_running_loop()) > 1:
            await asyncio.sleep(0.01)
        await in_time(making)
    answers.set()
    assert turns, "the event loop goes on"
    [told] = logged
    assert (told["event"], told["folder"]) == ("folder can't be made", str(tmp_path / "hangs"))
    assert "no answer within 1000 s" in told["problem"]


async def test_a_folder_that_is_refused_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with capture_logs() as logged:
        await make_folders([tmp_path / "file" / "below", tmp_path / "a" / "b"])
    assert (tmp_path / "a" / "b").is_dir()
    assert [one["problem"] for one in logged] == ["Not a directory"]
