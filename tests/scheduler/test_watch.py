"""Events as hints: real inotify, its limits, its losses; and what happens without any."""

import asyncio
import errno
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from watchdog.observers.inotify_c import InotifyFD

from gateway.core.clock import SystemClock
from gateway.core.wake import Wake
from gateway.runner.due import Due, Outcome, RunResult
from gateway.scheduler.loop import Scheduler
from gateway.scheduler.make import Pace
from gateway.scheduler.watch import FolderEvents, Pending
from tests.scheduler.stage import RememberedBook, instance, stage
from tests.settled import settled

HEADER = "@endpoint acme\n@schedule on file polling continuously\n"


@pytest.fixture
def events() -> Iterator[FolderEvents]:
    made = FolderEvents(lambda: None)
    yield made
    made.close()


def gathered(events: FolderEvents, until: Callable[[Pending], bool]) -> Pending:
    """What comes in until it is enough; fails after half a minute."""
    pending, end = Pending(), time.monotonic() + 30
    while not until(pending):
        assert time.monotonic() < end, f"only {pending}"
        time.sleep(0.005)
        more = events.take()
        pending.touched.update(more.touched)
        pending.folders |= more.folders
        pending.lost |= more.lost
    return pending


def test_a_close_after_writing_and_a_rename_in_say_complete_a_mere_creation_does_not(
    tmp_path: Path, events: FolderEvents
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "aside").write_text("x")
    events.cover([str(tmp_path / "in")])
    with (tmp_path / "in" / "open").open("w"):
        (tmp_path / "in" / "closed").write_text("x")
        (tmp_path / "aside").rename(tmp_path / "in" / "renamed")
        pending = gathered(events, lambda seen: len(seen.touched) == 3)
    said = {Path(path).name: complete for path, complete in pending.touched.items()}
    assert said == {"open": False, "closed": True, "renamed": True}


def test_d72_a_folder_that_is_renamed_away_is_told_and_its_new_place_is_not_watched(
    tmp_path: Path, events: FolderEvents
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    events.cover([str(folder)])
    folder.rename(tmp_path / "away")
    pending = gathered(events, lambda seen: bool(seen.folders))
    assert pending.folders == {str(folder)}
    (tmp_path / "away" / "x").write_text("x")
    folder.mkdir()
    events.cover([str(folder)])
    (folder / "y").write_text("y")
    pending = gathered(events, lambda seen: bool(seen.touched))
    assert {Path(path).name for path in pending.touched} == {"y"}


def test_d73_when_the_kernel_drops_events_everything_is_to_be_listed(tmp_path: Path, events: FolderEvents) -> None:
    events.cover([str(tmp_path)])
    (tmp_path / "a").write_text("x")
    gathered(events, lambda seen: bool(seen.touched))
    events.on_queue_overflow()
    assert events.take().lost


def test_d73_what_is_pending_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.scheduler.watch.PENDING_AT_MOST", 10)
    events = FolderEvents(lambda: None)
    try:
        events.cover([str(tmp_path)])
        for number in range(20):
            (tmp_path / str(number)).write_text("x")
        assert gathered(events, lambda seen: seen.lost).lost
    finally:
        events.close()


class LimitReached(InotifyFD):
    """A kernel that gives no more watches."""

    def add_callback(self, *_: object) -> object:  # type: ignore[override]
        raise OSError(errno.ENOSPC, "inotify watch limit reached")


def no_instance() -> InotifyFD:
    raise OSError(errno.EMFILE, "inotify instance limit reached")


@pytest.mark.parametrize(("opens", "sysctl"), [(LimitReached, "max_user_watches"), (no_instance, "max_user_instances")])
async def test_d74_where_the_limit_of_inotify_is_reached_folders_are_polled_and_status_says_so(
    tmp_path: Path, opens: Callable[[], InotifyFD], sysctl: str
) -> None:
    events = FolderEvents(lambda: None, opens)
    scene = await stage(instance(tmp_path), events=events)
    (tmp_path / "outbox" / "a").write_text("x")
    async with scene:
        await scene.turn(8)
        assert scene.runs.names == [["a"]]
        (degraded,) = scene.scheduler.status()[0].degraded
        assert sysctl in degraded
        assert "polled" in degraded


async def test_with_every_event_lost_only_time_is_lost(tmp_path: Path) -> None:
    scene = await stage(instance(tmp_path), events=FolderEvents(lambda: None))
    scene.scheduler._events.take = Pending  # type: ignore[union-attr, method-assign]
    async with scene:
        await scene.turn(7)
        (tmp_path / "outbox" / "a").write_text("x")
        await scene.turn(12)
        assert scene.runs.names == [["a"]]


class TimedRuns:
    """Notes when it was called; removes what it was given."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    async def run(self, due: Due) -> RunResult:
        files = [found for one in (due.judged or {}).values() for found in one]
        for found in files:
            self.at[found.relative] = time.monotonic()
            Path(found.path).unlink()
        return RunResult(run=1, outcome=Outcome.DONE, files=len(files))


async def live(root: Path, text: str, write: Callable[[Path], None], names: list[str]) -> dict[str, float]:
    """Run a scheduler by the real clock, write after its first look; when each file was offered, from then on.

    The next periodic look is far away: what is offered was offered for its events.
    """
    clock, wake, runs = SystemClock(), Wake(), TimedRuns()
    events = FolderEvents(wake.wake_from_thread)
    pace = Pace(grace=timedelta(seconds=1), check_every=timedelta(minutes=10))
    scheduler = Scheduler(runs, RememberedBook(), clock, wake, pace=pace, events=events)
    await scheduler.load([instance(root, text)])
    task = asyncio.create_task(scheduler.run())
    await settled()
    began = time.monotonic()
    await asyncio.to_thread(write, root / "outbox")
    async with asyncio.timeout(100):
        while not set(names) <= runs.at.keys():
            await asyncio.sleep(0.005)
    scheduler.stop()
    await task
    return {name: at - began for name, at in runs.at.items()}


async def test_with_events_a_file_is_offered_as_soon_as_it_is_stable_not_at_the_next_look(tmp_path: Path) -> None:
    def write(outbox: Path) -> None:
        for name in ("a", "b", "c"):
            (outbox / name).write_text(name)

    at = await live(tmp_path, f"{HEADER}@stable_for 1s\nPUT -DEL * /in/\n", write, ["a", "b", "c"])
    assert all(seconds >= 1.0 for seconds in at.values()), at


async def test_closed_takes_a_file_at_once_after_its_writer_closed_it_or_renamed_it_in(tmp_path: Path) -> None:
    def write(outbox: Path) -> None:
        with (outbox / "slow").open("w") as file:
            file.write("one")
            file.flush()
            time.sleep(0.3)
            file.write("two")
        (outbox / "x.part").write_text("x")
        (outbox / "x.part").rename(outbox / "x")

    script = f"{HEADER}@stability closed\n@stable_for 10m\nPUT -DEL * /in/\n"
    at = await live(tmp_path, script, write, ["slow", "x"])
    assert at["slow"] >= 0.3, at


async def test_a_tree_is_covered_as_it_grows(tmp_path: Path) -> None:
    def write(outbox: Path) -> None:
        (outbox / "one" / "two").mkdir(parents=True)
        (outbox / "one" / "two" / "deep").write_text("x")

    assert await live(tmp_path, f"{HEADER}@stable_for 1s\nPUT -DEL -REC * /in/\n", write, ["one/two/deep"])


async def test_in_the_folder_of_an_inbound_user_only_our_server_says_complete(tmp_path: Path) -> None:
    action = instance(tmp_path, f"{HEADER}@stability closed\nPUT -DEL * /in/\n")
    outbox = tmp_path / "outbox"
    wake_events: list[None] = []
    events = FolderEvents(lambda: wake_events.append(None))
    scene = await stage(action, events=events, own_folders=(outbox,))
    async with scene:
        await scene.turn(1)
        (outbox / "cut").write_text("the connection broke here")
        (outbox / "whole").write_text("x")
        while len(wake_events) < 1:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        scene.wake.wake(str(outbox / "whole"))
        await scene.turn(1)
        assert scene.runs.names == [["whole"]]
