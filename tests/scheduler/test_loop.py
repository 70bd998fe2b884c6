"""The scheduler by the clock: due times, pauses, reloads, crashes, its end; a year of it in seconds."""

import asyncio
import itertools
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.runner.due import Due, RunResult, Trigger
from gateway.runner.instance import Instance
from gateway.scheduler.make import Pace
from gateway.scheduler.pauses import Pause
from tests.scheduler.stage import Stage, instance, stage
from tests.settled import settled

SLOW_CLOCK = Pace(grace=timedelta(seconds=1), clock_check_every=timedelta(days=2), check_every=timedelta(hours=1))


def by_clock(root: Path, schedule: str, *, name: str = "nightly", zone: str = "UTC", more: str = "") -> Instance:
    return instance(root, f"@endpoint acme\n@schedule {schedule}\n{more}PUT * /in/\n", name, zone)


def held() -> "asyncio.Future[None]":
    return asyncio.get_running_loop().create_future()


async def test_a_year_of_a_daily_schedule_fires_once_a_day_through_both_changes_of_daylight_saving(
    tmp_path: Path,
) -> None:
    vienna = ZoneInfo("Europe/Vienna")
    action = by_clock(tmp_path, "on Su-Sa @02:30", zone="Europe/Vienna")
    start = datetime(2026, 1, 1, tzinfo=vienna).astimezone(UTC)
    began = time.process_time()
    async with await stage(action, start=start, pace=SLOW_CLOCK) as scene:
        await scene.clock.turn(timedelta(days=365))
        await scene.quiet()
        times = [(start + timedelta(seconds=at)).astimezone(vienna) for at, _ in scene.runs.started]
    assert len(times) == 365
    assert len({moment.date() for moment in times}) == 365
    odd = [f"{moment:%m-%d %H:%M %Z}" for moment in times if f"{moment:%H:%M}" != "02:30"]
    assert odd == ["03-29 03:00 CEST"]
    assert [f"{moment:%Z}" for moment in times if f"{moment:%m-%d}" == "10-25"] == ["CEST"]
    assert time.process_time() - began < 10


async def test_a_year_of_office_hours_polling_looks_only_within_them(tmp_path: Path) -> None:
    action = instance(
        tmp_path,
        "@endpoint acme\n@stable_for 1s\n@schedule on file polling on Mo-Fr @08:00-18:00\nPUT -DEL * /in/\n",
        zone="Europe/Vienna",
    )
    vienna = ZoneInfo("Europe/Vienna")
    start = datetime(2026, 3, 27, 17, 0, tzinfo=vienna).astimezone(UTC)
    async with await stage(action, start=start, pace=SLOW_CLOCK) as scene:
        await scene.turn(5400, step_s=600)
        (tmp_path / "outbox" / "friday-night").write_text("x")
        await scene.turn(72 * 3600, step_s=1800)
        times = [(start + timedelta(seconds=at)).astimezone(vienna) for at, _ in scene.runs.started]
        assert [f"{moment:%a %H}" for moment in times] == ["Mon 08"]


async def test_a_time_that_was_missed_while_down_is_caught_up_once(tmp_path: Path) -> None:
    action = by_clock(tmp_path, "on Su-Sa @06:00/00:10-07:00")
    start = datetime(2026, 5, 4, 6, 45, tzinfo=UTC)
    scene = await stage(action, start=start)
    scene.book.times["nightly"] = start - timedelta(hours=20)
    await scene.scheduler.load([])
    scene.scheduler._last_times = scene.book.times
    await scene.scheduler.load([action])  # type: ignore[list-item]
    async with scene:
        await scene.turn(60)
        assert [due.trigger for _, due in scene.runs.started] == [Trigger.CATCH_UP]
        assert scene.book.times["nightly"] == datetime(2026, 5, 4, 6, 40, tzinfo=UTC)


async def test_c40_what_comes_due_while_it_runs_starts_after_it_once(tmp_path: Path) -> None:
    action = by_clock(tmp_path, "every 10m")
    start = datetime(2026, 5, 4, 6, 5, tzinfo=UTC)
    async with await stage(action, start=start) as scene:
        waits = held()
        scene.runs.hook = lambda due: waits
        await scene.turn(2400, step_s=60)
        assert len(scene.runs.started) == 1
        assert scene.scheduler.status()[0].word == "run"
        waits.set_result(None)
        await scene.turn(60, step_s=10)
        assert len(scene.runs.started) == 2


async def test_a_file_that_comes_while_the_action_runs_gets_a_run_after_it(tmp_path: Path) -> None:
    async with await stage(instance(tmp_path)) as scene:
        waits = held()
        scene.runs.hook = lambda due: waits
        (tmp_path / "outbox" / "a").write_text("x")
        await scene.turn(12)
        (tmp_path / "outbox" / "b").write_text("x")
        await scene.turn(30)
        assert scene.runs.names == [["a"]]
        waits.set_result(None)
        await scene.turn(2)
        assert scene.runs.names == [["a"], ["b"]]


async def test_c43_a_clock_that_is_set_neither_loses_nor_doubles_a_time(tmp_path: Path) -> None:
    action = by_clock(tmp_path, "on Su-Sa @06:00")
    start = datetime(2026, 5, 4, 5, 50, tzinfo=UTC)
    async with await stage(action, start=start) as scene:
        scene.clock.step(timedelta(minutes=15))
        await scene.turn(60, step_s=10)
        assert len(scene.runs.started) == 1
        scene.clock.step(timedelta(minutes=-30))
        await scene.turn(3600, step_s=60)
        assert len(scene.runs.started) == 1
        await scene.turn(86400, step_s=900)
        assert len(scene.runs.started) == 2


async def test_c43_stability_is_untouched_by_a_clock_that_is_set(tmp_path: Path) -> None:
    async with await stage(instance(tmp_path)) as scene:
        (tmp_path / "outbox" / "a").write_text("x")
        await scene.turn(1)
        scene.clock.step(timedelta(days=3))
        await scene.turn(2)
        assert scene.runs.started == []
        await scene.turn(10)
        assert scene.runs.names == [["a"]]


async def test_a_run_that_crashes_is_held_back_and_shown_and_the_others_go_on(tmp_path: Path) -> None:
    good, bad = instance(tmp_path / "good", name="good"), instance(tmp_path / "bad", name="bad")

    def crash(due: Due) -> None:
        if due.action == "bad":
            raise RuntimeError("a defect")

    async with await stage(good, bad) as scene:
        scene.runs.hook = crash
        (tmp_path / "bad" / "outbox" / "b").write_text("x")
        for number in range(3):
            (tmp_path / "good" / "outbox" / str(number)).write_text("x")
            await scene.turn(15)
        names = [due.action for _, due in scene.runs.started]
        assert names.count("good") == 3
        assert names.count("bad") == 1
        status = {one.name: one for one in scene.scheduler.status()}
        assert (status["bad"].word, status["good"].word) == ("retry", "idle")
        assert "a defect" in status["bad"].why
        scene.runs.hook = None
        await scene.turn(40)
        assert [due.action for _, due in scene.runs.started].count("bad") == 2
        assert {one.word for one in scene.scheduler.status()} == {"idle"}


async def test_b24_after_a_full_disk_an_action_rests_half_as_long_as_the_file_whatever_else_arrives(
    tmp_path: Path,
) -> None:
    async with await stage(instance(tmp_path)) as scene:
        scene.runs.full = True
        for number in range(100):
            (tmp_path / "outbox" / str(number)).write_text("x")
            await scene.turn(60, step_s=5)
        begun = [at for at, _ in scene.runs.started]
        assert [round((after - before) / 30) for before, after in itertools.pairwise(begun)] == [1, 5, 15, 60, 60]
        assert scene.scheduler.status()[0].word == "retry"
        scene.scheduler.refresh("orders")  # what a retry does
        scene.runs.full = False
        await scene.turn(30)
        assert len(scene.runs.names[-1]) == 100
        assert scene.scheduler.status()[0].word == "idle"


async def test_a_rest_that_is_over_is_not_told_as_what_comes_next(tmp_path: Path) -> None:
    async with await stage(instance(tmp_path)) as scene:
        scene.scheduler.entries["orders"].retry_at_s = scene.clock.monotonic() - 1  # and nothing was ready then
        told = scene.scheduler.status()[0].next_at
        assert told is not None
        assert told > scene.clock.now()


async def test_actions_that_cannot_be_scheduled_say_why_and_the_others_run(tmp_path: Path) -> None:
    polled_get = instance(tmp_path, "@endpoint acme\n@schedule on file polling continuously\nGET *\n", "polled_get")
    good = instance(tmp_path, name="good")
    off = instance(tmp_path, "@endpoint acme\n@enabled no\n@schedule every 1m\nPUT * /in/\n", "off")
    (tmp_path / "outbox" / "a").write_text("x")
    async with await stage(polled_get, good, off) as scene:
        await scene.turn(120, step_s=5)
        assert scene.runs.names == [["a"]]
        status = {one.name: one for one in scene.scheduler.status()}
        assert (status["polled_get"].word, status["off"].word) == ("refused", "disabled")
        assert "give it a clock" in status["polled_get"].why


async def test_a_pause_of_everything_holds_the_clock_too_and_misfire_decides_after_it(tmp_path: Path) -> None:
    late, soon = by_clock(tmp_path, "on Su-Sa @06:00", name="late"), by_clock(tmp_path, "on Su-Sa @07:30", name="soon")
    start = datetime(2026, 5, 4, 5, 50, tzinfo=UTC)
    async with await stage(late, soon, start=start) as scene:
        scene.scheduler.hold([Pause("all")])
        await scene.turn(2 * 3600, step_s=300)
        assert scene.runs.started == []
        assert {one.word for one in scene.scheduler.status()} == {"paused"}
        scene.scheduler.hold([])
        await scene.turn(60, step_s=10)
        assert [(due.action, due.trigger) for _, due in scene.runs.started] == [("soon", Trigger.CATCH_UP)]


async def test_a_reload_keeps_what_is_known_of_unchanged_actions_and_ends_those_that_are_gone(tmp_path: Path) -> None:
    kept, gone = instance(tmp_path / "kept", name="kept"), instance(tmp_path / "gone", name="gone")
    async with await stage(kept, gone) as scene:
        for folder in ("kept", "gone"):
            (tmp_path / folder / "outbox" / "a").write_text("x")
        await scene.turn(7)
        await scene.scheduler.load([kept, instance(tmp_path / "new", name="new")])
        await scene.turn(4)
        assert [due.action for _, due in scene.runs.started] == ["kept"]
        assert [one.name for one in scene.scheduler.status()] == ["kept", "new"]


async def test_a_run_by_hand_waits_for_the_one_under_way_and_gives_its_result(tmp_path: Path) -> None:
    action = by_clock(tmp_path, "manually")
    async with await stage(action) as scene:
        first = scene.scheduler.start(Due(action="nightly", trigger=Trigger.HAND))
        second = scene.scheduler.start(Due(action="nightly", trigger=Trigger.HAND))
        third = scene.scheduler.start(Due(action="nightly", trigger=Trigger.HAND))
        results = await asyncio.gather(first, second, third)
        assert [result.run for result in results] == [1, 2, 2]


async def test_c45_stopping_lets_runs_end_within_the_grace_and_cancels_them_after_it(tmp_path: Path) -> None:
    def both(scene: Stage) -> "tuple[asyncio.Future[RunResult], asyncio.Future[RunResult]]":
        return tuple(scene.scheduler.start(Due(action=name, trigger=Trigger.HAND)) for name in ("quick", "stuck"))  # type: ignore[return-value]

    actions = [by_clock(tmp_path, "manually", name=name) for name in ("quick", "stuck")]
    pace = Pace(grace=timedelta(seconds=0.3))
    async with await stage(*actions, pace=pace) as scene:  # type: ignore[arg-type]
        waits = {"quick": held(), "stuck": held()}
        scene.runs.hook = lambda due: waits[due.action]
        quick, stuck = both(scene)
        await scene.quiet()
        scene.scheduler.stop()
        await settled()
        waits["quick"].set_result(None)
        assert (await quick).run
        with pytest.raises(asyncio.CancelledError):
            await stuck


async def test_sixty_actions_due_at_once_all_get_their_run(tmp_path: Path) -> None:
    actions = [replace(instance(tmp_path / str(number)), name=f"a{number:02d}") for number in range(60)]
    for number in range(60):
        (tmp_path / str(number) / "outbox" / "f").write_text("x")
    async with await stage(*actions) as scene:
        await scene.turn(12)
        assert sorted(due.action for _, due in scene.runs.started) == [action.name for action in actions]


async def test_an_autocheck_runs_when_its_condition_is_met_and_reports_again_later(tmp_path: Path) -> None:
    text = "@schedule on file polling continuously\n@on_check_met $LCOPY -DEL %file% done/\nCHECK -FIL * Age=>0D\n"
    action = instance(tmp_path, text, "tidy")
    async with await stage(action) as scene:
        await scene.turn(30)
        assert scene.runs.started == []
        (tmp_path / "outbox" / "old").write_text("x")
        await scene.turn(6)
        assert [[found.relative for found in due.reported or ()] for _, due in scene.runs.started] == [["old"]]
