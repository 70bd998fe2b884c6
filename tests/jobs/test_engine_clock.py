"""Jobs start by the clock: on time, made good within their limit, never twice; saving starts, holding holds."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from gateway.core.clock import TurnedClock
from gateway.core.moments import moment, ns
from gateway.jobs.clockwork import Clockwork
from gateway.jobs.starting import Start, frozen_run, start_row
from gateway.ledger import instances, job_runs, pauses
from gateway.ledger import runs as action_runs
from gateway.ledger.job_runs import JobRunRow
from gateway.ledger.job_states import JobState
from gateway.ledger.pauses import Pause
from tests.jobs.engine_stage import JobStage, job_stage
from tests.jobs.fake_hands import FakeHands, forever
from tests.settled import settled

NOW = datetime(2026, 11, 3, 10, 0, tzinfo=UTC)
DAILY = '[jobs.prices.schedule]\nrepeat = "daily"\nat = "22:00"\n'


@asynccontextmanager
async def clockwork(
    root: Path,
    schedule: str = DAILY,
    at: datetime = NOW,
    fake: FakeHands | None = None,
    shops: Sequence[str] = ("shop1",),
    zones: Sequence[str] = (),
) -> AsyncIterator[tuple[Clockwork, JobStage, TurnedClock]]:
    clock = TurnedClock(at)
    async with job_stage(root, shops, schedule=schedule, clock=clock, fake=fake, zones=zones) as made:
        yield Clockwork(made.jobs), made, clock


async def runs(made: JobStage) -> list[JobRunRow]:
    found = await made.read(partial(job_runs.of_job, job="prices"))
    for row in found:
        await made.over(row.id)
    return list(reversed(await made.read(partial(job_runs.of_job, job="prices"))))


async def test_a_job_starts_at_its_time_and_once(tmp_path: Path) -> None:
    async with clockwork(tmp_path) as (works, made, clock):
        assert await works.look() == datetime(2026, 11, 3, 22, 0, tzinfo=UTC)
        await clock.turn(timedelta(hours=11, minutes=59))
        await works.look()
        assert await runs(made) == []
        await clock.turn(timedelta(minutes=1))
        assert await works.look() == datetime(2026, 11, 4, 22, 0, tzinfo=UTC)
        await works.look()
        (row,) = await runs(made)
        assert (row.trigger, row.wall, row.state) == ("schedule", "2026-11-03T22:00:00", JobState.FINISHED)
        assert moment(row.due_at, UTC) == datetime(2026, 11, 3, 22, 0, tzinfo=UTC)


async def test_a_missed_start_is_made_good_within_its_limit_and_an_older_one_stands_as_skipped(tmp_path: Path) -> None:
    async with clockwork(tmp_path) as (works, _, clock):
        await works.look()
        await clock.turn(timedelta(hours=1))
    async with clockwork(tmp_path, at=NOW + timedelta(days=2, hours=12, minutes=30)) as (works, made, _):
        await works.look()
        await works.look()
        skipped, row = await runs(made)
        assert (skipped.state, row.trigger) == (JobState.SKIPPED, "catch_up")
        assert skipped.notes == ("2 missed (2026-11-03 22:00 to 2026-11-04 22:00); misfire says not to make it good",)
    async with clockwork(tmp_path, at=NOW + timedelta(days=4)) as (works, made, _):
        await works.look()
        assert [one.state for one in await runs(made)][-1] is JobState.SKIPPED
        assert len(await runs(made)) == 3


async def test_a_start_beside_a_run_that_goes_on_is_skipped(tmp_path: Path) -> None:
    longer = DAILY + '[jobs.prices.settings]\ndeadline = "1d"\n'
    async with clockwork(tmp_path, longer, fake=FakeHands(forever)) as (works, made, clock):
        await works.look()
        run = await made.jobs.start("prices")
        await clock.turn(timedelta(hours=12))
        await works.look()
        first, second = await made.read(partial(job_runs.of_job, job="prices"))
        assert (second.id, first.state, first.trigger) == (run, JobState.SKIPPED, "schedule")


async def test_a_start_at_the_deadline_of_the_run_before_takes_its_place(tmp_path: Path) -> None:
    """The deadline is the next start: with one shop down for days each other start would be left out, for all shops."""
    async with clockwork(tmp_path, fake=FakeHands(forever)) as (_, made, clock):
        before = await made.run(await made.jobs.start("prices"))
        await made.until(lambda: made.fake.tries["prepare"])
        assert before.deadline_at == ns(NOW + timedelta(hours=12))
        frozen = frozen_run(made.jobs.loaded, made.jobs.job("prices"), Start(), NOW, clock.now())
        begin = partial(start_row, frozen=frozen, asked=False, skip_if_running=True)
        states = []
        for at in (before.deadline_at - 1, before.deadline_at, before.deadline_at + 1):
            states.append((await made.run(await made.stage.engine.ledger.write(partial(begin, at=at)))).state)
    assert states == [JobState.SKIPPED, JobState.SCHEDULED, JobState.SKIPPED], "one waits, not more"


async def test_saving_starts_what_is_neither_manual_nor_in_the_future(tmp_path: Path) -> None:
    async with clockwork(tmp_path) as (works, made, _):
        run = await works.save("prices", by="ann")
        (row,) = await runs(made)
        assert (row.id, row.trigger, row.asked_by) == (run, "saved", "ann")
    later = DAILY + "start = 2026-12-01\n"
    async with clockwork(tmp_path, later) as (works, _, _clock):
        assert await works.save("prices") is None


async def test_a_job_that_is_held_starts_by_hand_alone_and_then_by_its_schedule_again(tmp_path: Path) -> None:
    async with clockwork(tmp_path) as (works, made, clock):
        assert await works.save("prices", start=False) is None
        await clock.turn(timedelta(days=1))
        assert await works.look() is None
        assert await runs(made) == []
        await made.jobs.start("prices")
        assert await works.look() == datetime(2026, 11, 4, 22, 0, tzinfo=UTC)
        assert [row.trigger for row in await runs(made)] == ["hand"]
        await clock.turn(timedelta(hours=12))
        await works.look()
        assert [row.trigger for row in await runs(made)] == ["hand", "schedule"]


async def test_another_schedule_misses_nothing(tmp_path: Path) -> None:
    async with clockwork(tmp_path) as (works, _, clock):
        await works.look()
        await clock.turn(timedelta(hours=1))
    other = DAILY.replace("22:00", "09:00")
    async with clockwork(tmp_path, other, at=NOW + timedelta(days=1)) as (works, made, _):
        assert await works.look() == datetime(2026, 11, 5, 9, 0, tzinfo=UTC)
        assert await runs(made) == []


async def test_nothing_starts_while_all_is_paused_and_the_late_start_is_made_good(tmp_path: Path) -> None:
    async with clockwork(tmp_path) as (works, made, clock):
        await works.look()
        ledger = made.stage.engine.ledger
        await ledger.write(partial(pauses.hold, wanted=Pause("all", None, "ann", 1)))
        await clock.turn(timedelta(hours=12))
        assert await works.look() is None
        assert await runs(made) == []
        await ledger.write(partial(pauses.let_go, scope="all"))
        await clock.turn(timedelta(minutes=10))
        await works.look()
        assert [row.trigger for row in await runs(made)] == ["catch_up"]


async def test_with_each_every_destination_begins_by_its_own_clock(tmp_path: Path) -> None:
    schedule = DAILY + 'zone = "each"\n'
    async with clockwork(tmp_path, schedule, shops=("shop1", "shop2")) as (works, made, clock):
        await works.look()
        await clock.turn(timedelta(hours=12))
        await works.look()
        (row,) = await made.read(partial(job_runs.of_job, job="prices"))
        begins = {one.begins_at for one in (await made.places(row.id)).values()}
        assert begins == {row.due_at}


async def test_the_loop_wakes_for_the_next_start_and_for_what_is_saved(tmp_path: Path) -> None:
    async with clockwork(tmp_path) as (works, made, clock):
        loop = asyncio.create_task(works.run())
        try:
            await settled()
            await Clockwork(made.jobs).save("prices", start=False)
            await settled()
            await clock.turn(timedelta(hours=24))
            assert await runs(made) == []
            await Clockwork(made.jobs).hold("prices", held=False)
            await settled()
            await clock.turn(timedelta(hours=11, minutes=59, seconds=50))
            await settled()
            await clock.turn(timedelta(seconds=10))

            async def ran() -> bool:
                return bool(await runs(made))

            await made.until(ran)
            assert [row.trigger for row in await runs(made)] == ["schedule"]
        finally:
            loop.cancel()


async def test_runs_of_jobs_actions_that_a_kill_left_are_nobodys_but_the_jobs_engines(tmp_path: Path) -> None:
    async with clockwork(tmp_path) as (_, made, _clock):
        ledger = made.stage.engine.ledger
        dead = await ledger.write(partial(instances.begin, what="serve", at=1, alone=False))
        for action in ("jobs/prices@shop1", "other"):
            start = partial(action_runs.start, endpoint=None, trigger="job", owner=dead, script_sha256="", at=1)
            await ledger.write(partial(start, action=action))
        await ledger.write(partial(instances.end, owner=dead, at=2))
        assert [row.action for row in await made.stage.engine.interrupted()] == ["other"]


async def test_once_by_each_clock_waits_for_the_clocks_that_have_not_shown_its_time(tmp_path: Path) -> None:
    each = '[jobs.prices.schedule]\nrepeat = "once"\nstart = 2026-11-03\nat = "18:00"\n'
    zones = {"Asia/Tokyo": None, "America/Lima": datetime(2026, 11, 3, 23, 0, tzinfo=UTC)}
    async with clockwork(tmp_path, each, shops=("shop1", "shop2"), zones=tuple(zones)) as (works, made, _):
        run = await works.save("prices", by="ann")
        assert run is not None, "in Tokyo it is past six"
        begins = {name: row.begins_at for name, row in (await made.places(run)).items()}
        assert moment(begins["shop2"] or 0, UTC) == zones["America/Lima"]
        assert moment(begins["shop1"] or 0, UTC) < NOW
        assert (await made.run(run)).trigger == "saved"
        await made.until(lambda: "carry shop1" in made.fake.done)
        assert "carry shop2" not in made.fake.done
