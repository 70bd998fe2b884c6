"""The life of a run, with hands that only write arrows: barrier, errors, deadline, commands of a person, kills."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import structlog

from gateway.core.clock import TurnedClock
from gateway.core.errors import GatewayError, LinkLost, LoginRefused, NotThere, Refused, Unknown
from gateway.jobs.schedule import Start as DueStart
from gateway.jobs.starting import Start
from gateway.ledger import pauses
from gateway.ledger.job_runs import JobAlreadyRuns
from gateway.ledger.job_states import AfterAll, JobState, TriggerState
from gateway.ledger.pauses import Pause
from tests.jobs.engine_stage import AFTER_ALL, JobStage, job_stage
from tests.jobs.fake_hands import FakeHands, forever
from tests.settled import settled

NOW = datetime(2026, 11, 3, 10, 0, tzinfo=UTC)
REQUIRE_2 = "[jobs.prices.settings]\nrequire = 2\n"


def failing(*what: str, error: GatewayError) -> FakeHands:
    async def before(doing: str) -> None:
        if doing in what:
            raise error

    return FakeHands(before)


async def test_a_run_goes_from_its_start_to_finished_with_after_all_at_each_place_and_the_source_last(
    tmp_path: Path,
) -> None:
    async with job_stage(tmp_path, more=AFTER_ALL) as made:
        run = await made.jobs.start("prices")
        row = await made.over(run)
        assert (row.state, row.after_all, row.cleaned, row.error) == (JobState.FINISHED, AfterAll.DONE, "done", None)
        assert set((await made.states(run)).values()) == {"done"}
        assert made.fake.done[0] == "prepare"
        assert made.fake.done[-2:] == ["after_all ", "clean"]
        assert sorted(made.fake.done[1:4]) == ["carry shop1", "carry shop2", "carry shop3"]


@pytest.mark.parametrize(("error", "end"), [(None, "finished"), (LoginRefused("no"), "finished_with_errors")])
async def test_the_end_of_a_run_stands_in_the_log_once(tmp_path: Path, error: GatewayError | None, end: str) -> None:
    fake = failing("carry shop2", error=error) if error is not None else FakeHands()
    with structlog.testing.capture_logs() as logs:
        async with job_stage(tmp_path, fake=fake) as made:
            await made.over(await made.jobs.start("prices"))
    told = [one["state"] for one in logs if one["event"] == "job run"]
    assert (told[0], told[-1], told.count(end)) == ("preparing", end, 1)


async def test_a_source_that_is_not_there_fails_the_run_in_plain_words(tmp_path: Path) -> None:
    fake = failing("prepare", error=NotThere("/data/prices: there is no such folder"))
    async with job_stage(tmp_path, more=AFTER_ALL, fake=fake) as made:
        run = await made.jobs.start("prices")
        row = await made.over(run)
        assert (row.state, row.error, row.error_class) == (
            JobState.FAILED,
            "/data/prices: there is no such folder",
            "NotThere",
        )
        assert row.after_all is AfterAll.NOT_RUN
        assert set((await made.states(run)).values()) == {"aborted"}


async def test_one_that_refuses_the_login_keeps_after_all_from_running_and_its_restart_completes_the_run(
    tmp_path: Path,
) -> None:
    fake = failing("carry shop2", error=LoginRefused("shop2: password not accepted"))
    async with job_stage(tmp_path, more=AFTER_ALL, fake=fake) as made:
        run = await made.jobs.start("prices")
        row = await made.over(run)
        assert (row.state, row.after_all) == (JobState.FINISHED_WITH_ERRORS, AfterAll.NOT_RUN)
        assert row.after_all_note == "not run (shop2 error)"
        assert await made.states(run) == {"shop1": "delivered", "shop2": "error", "shop3": "delivered"}
        fake.before = None
        assert await made.jobs.restart(run, "shop2") == run
        row = await made.over(run)
        assert (row.state, row.after_all, row.error) == (JobState.FINISHED, AfterAll.DONE, None)
        assert fake.tries["carry shop1"] == 1


async def test_one_that_is_down_is_tried_again_while_the_others_go_on_and_catches_up(tmp_path: Path) -> None:
    clock = TurnedClock(NOW)
    fake = failing("carry shop2", error=LinkLost("shop2: connection refused"))
    async with job_stage(tmp_path, more=AFTER_ALL, fake=fake, clock=clock) as made:
        run = await made.jobs.start("prices")
        await made.until(lambda: fake.tries["carry shop2"] == 1 and "carry shop3" in fake.done)
        assert (await made.run(run)).state is JobState.TRANSFERRING
        fake.before = None
        row = await made.over(run)
        assert row.state is JobState.FINISHED
        assert fake.tries["carry shop2"] == 2
        assert timedelta(minutes=1) <= clock.now() - NOW < timedelta(minutes=2)


async def test_at_the_deadline_one_that_is_down_ends_the_run_with_errors_and_after_all_was_not_run(
    tmp_path: Path,
) -> None:
    clock = TurnedClock(NOW)
    fake = failing("carry shop2", error=LinkLost("shop2: connection refused"))
    more = AFTER_ALL + '[jobs.prices.settings]\ndeadline = "3m"\n'
    async with job_stage(tmp_path, more=more, fake=fake, clock=clock) as made:
        run = await made.jobs.start("prices")
        row = await made.over(run)
        assert (row.state, row.after_all_note) == (JobState.FINISHED_WITH_ERRORS, "not run (shop2 offline)")
        assert await made.states(run) == {"shop1": "delivered", "shop2": "offline", "shop3": "delivered"}
        assert clock.now() - NOW >= timedelta(minutes=3)


async def test_at_the_deadline_one_that_still_loads_is_ended_and_the_run_timed_out(tmp_path: Path) -> None:
    clock = TurnedClock(NOW)

    async def before(doing: str) -> None:
        if doing == "carry shop2":
            await forever(doing)

    more = AFTER_ALL + '[jobs.prices.settings]\ndeadline = "3m"\n'
    async with job_stage(tmp_path, more=more, fake=FakeHands(before), clock=clock) as made:
        run = await made.jobs.start("prices")
        row = await made.over(run)
        assert (row.state, row.after_all) == (JobState.TIMED_OUT, AfterAll.NOT_RUN)
        assert (await made.states(run))["shop2"] == "aborted"


async def test_a_quorum_opens_the_barrier_and_the_straggler_is_left_at_the_deadline(tmp_path: Path) -> None:
    clock = TurnedClock(NOW)
    fake = failing("carry shop2", error=LinkLost("shop2: connection refused"))
    more = AFTER_ALL + REQUIRE_2 + 'deadline = "3m"\n'
    async with job_stage(tmp_path, more=more, fake=fake, clock=clock) as made:
        run = await made.jobs.start("prices")
        await made.until(lambda: "after_all shop3" in fake.done and "after_all shop1" in fake.done)
        row = await made.over(run)
        assert (row.state, row.after_all) == (JobState.FINISHED_WITH_ERRORS, AfterAll.DONE)
        assert row.after_all_note == "not at: shop2 offline"
        assert fake.done[-2:] == ["after_all ", "clean"]


async def test_one_that_is_down_for_too_long_is_left_out(tmp_path: Path) -> None:
    clock = TurnedClock(NOW)
    fake = failing("carry shop2", error=LinkLost("shop2: connection refused"))
    more = AFTER_ALL + '[jobs.prices.settings]\noffline = "exclude after 2m"\n'
    async with job_stage(tmp_path, more=more, fake=fake, clock=clock) as made:
        run = await made.jobs.start("prices")
        row = await made.over(run)
        assert (row.state, row.after_all) == (JobState.FINISHED_WITH_ERRORS, AfterAll.DONE)
        place = (await made.places(run))["shop2"]
        assert (place.state.value, place.excluded) == ("offline", True)
        assert clock.now() - NOW < timedelta(minutes=4)


async def test_names_are_given_together_once_every_required_one_has_all_bytes(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def before(doing: str) -> None:
        if doing == "carry shop2":
            await gate.wait()

    fake = FakeHands(before)
    more = AFTER_ALL + '[jobs.prices.settings]\nrelease = "together"\n'
    async with job_stage(tmp_path, more=more, fake=fake) as made:
        run = await made.jobs.start("prices")
        await made.until(lambda: "carry shop1" in fake.done and "carry shop3" in fake.done)
        await settled()
        assert not [one for one in fake.done if one.startswith("place")]
        gate.set()
        assert (await made.over(run)).state is JobState.FINISHED
        assert len([one for one in fake.done if one.startswith("place")]) == 3


async def test_a_failed_after_all_ends_the_run_with_errors_and_leaves_the_source_alone(tmp_path: Path) -> None:
    fake = FakeHands(answers={"after_all shop2": TriggerState.FAILED})
    async with job_stage(tmp_path, more=AFTER_ALL, fake=fake) as made:
        run = await made.jobs.start("prices")
        row = await made.over(run)
        assert (row.state, row.after_all, row.after_all_note) == (
            JobState.FINISHED_WITH_ERRORS,
            AfterAll.FAILED,
            "failed at shop2",
        )
        assert "clean" not in fake.done
        assert "after_all " not in fake.done
        with pytest.raises(Refused, match="can't be completed any more"):
            await made.jobs.restart(run, "shop2")


async def test_where_after_all_cant_be_run_it_has_failed_and_the_source_is_left_alone(tmp_path: Path) -> None:
    fake = failing("reach shop2", error=LoginRefused("shop2: the login was refused"))
    async with job_stage(tmp_path, more=AFTER_ALL, fake=fake) as made:
        run = await made.jobs.start("prices")
        row = await made.over(run)
        assert (row.state, row.after_all, row.after_all_note) == (
            JobState.FINISHED_WITH_ERRORS,
            AfterAll.FAILED,
            "failed at shop2",
        )
        assert (await made.places(run))["shop2"].error == "shop2: the login was refused"
        assert not {"clean", "after_all "} & set(fake.done)


async def test_of_what_after_all_had_to_be_asked_again_for_nothing_is_left_once_it_went_well(tmp_path: Path) -> None:
    fake = FakeHands(answers={"after_all shop2": TriggerState.AGAIN})
    async with job_stage(tmp_path, more=AFTER_ALL, clock=TurnedClock(NOW), fake=fake) as made:
        run = await made.jobs.start("prices")

        async def asks_again() -> bool:
            return (await made.places(run))["shop2"].error == "after_all asks to be run again"

        await made.until(asks_again)
        fake.answers.clear()
        assert (await made.over(run)).state is JobState.FINISHED
        shop2 = (await made.places(run))["shop2"]
        assert (shop2.error, shop2.error_class, shop2.next_at, shop2.failures) == (None, None, None, 0)


async def test_where_after_all_was_put_off_until_the_deadline_the_source_is_left_alone(tmp_path: Path) -> None:
    fake = failing("reach shop2", error=LinkLost("shop2 is down"))
    more = AFTER_ALL + '[jobs.prices.settings]\ndeadline = "1h"\n'
    async with job_stage(tmp_path, more=more, clock=TurnedClock(NOW), fake=fake) as made:
        run = await made.jobs.start("prices")
        row = await made.over(run)
        assert (row.state, row.after_all_note) == (JobState.FINISHED_WITH_ERRORS, "failed at shop2")
        assert (await made.places(run))["shop2"].error == "after_all: shop2 is down"
        assert not {"clean", "after_all "} & set(fake.done)


@pytest.mark.parametrize("says", ["ok", "again"])
async def test_where_nobody_knows_whether_after_all_ran_a_person_is_awaited(tmp_path: Path, says: str) -> None:
    fake = FakeHands(answers={"after_all shop2": TriggerState.UNKNOWN})
    async with job_stage(tmp_path, more=AFTER_ALL, fake=fake) as made:
        run = await made.jobs.start("prices")

        async def unknown() -> bool:
            return (await made.run(run)).after_all is AfterAll.UNKNOWN

        await made.until(unknown)
        fake.answers.clear()
        await (made.jobs.approve(run, "shop2") if says == "ok" else made.jobs.restart(run, "shop2"))
        row = await made.over(run)
        assert (row.state, row.after_all, row.after_all_note) == (JobState.FINISHED, AfterAll.DONE, None)
        states = [state for _, place, state in await made.starts(run) if place == "shop2"]
        assert states == (["ok"] if says == "ok" else ["again", "ok"])


async def test_a_paused_run_does_nothing_until_it_is_resumed(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def before(doing: str) -> None:
        if doing.startswith("carry"):
            await gate.wait()

    fake = FakeHands(before)
    async with job_stage(tmp_path, fake=fake) as made:
        run = await made.jobs.start("prices")
        await made.until(lambda: sum(fake.tries.values()) == 4)
        await made.jobs.pause(run, "ann")
        gate.set()
        await settled()
        assert set((await made.states(run)).values()) == {"queued"}
        assert (await made.run(run)).state is JobState.PAUSED
        assert fake.done == ["prepare"]
        assert (await made.run(run)).notes == ("paused by ann",)
        await made.jobs.resume(run)
        assert (await made.run(run)).notes == ("was paused by ann",)
        row = await made.over(run)
        assert (row.state, row.notes) == (JobState.FINISHED, ("was paused by ann",))


async def test_a_stopped_run_is_aborted_and_starts_anew_by_restart(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def before(doing: str) -> None:
        if doing == "carry shop2":
            await gate.wait()

    async with job_stage(tmp_path, more=AFTER_ALL, fake=FakeHands(before)) as made:
        run = await made.jobs.start("prices")
        await made.until(lambda: "carry shop1" in made.fake.done and "carry shop3" in made.fake.done)
        with pytest.raises(Refused, match="stop it first"):
            await made.jobs.restart(run)
        with pytest.raises(JobAlreadyRuns, match=f"run {run} of prices is transferring"):
            await made.jobs.start("prices")
        await made.jobs.stop(run, "ann")
        row = await made.over(run)
        assert (row.state, row.error, row.after_all) == (JobState.ABORTED, "stopped by ann", AfterAll.NOT_RUN)
        gate.set()
        again = await made.jobs.restart(run)
        row = await made.over(again)
        assert (row.state, row.restarted_from) == (JobState.FINISHED, run)


async def test_a_destination_of_a_live_run_begins_anew(tmp_path: Path) -> None:
    stuck = asyncio.Event()

    async def before(doing: str) -> None:
        if doing == "carry shop2" and fake.tries[doing] == 1:
            await stuck.wait()

    fake = FakeHands(before)
    async with job_stage(tmp_path, fake=fake) as made:
        run = await made.jobs.start("prices")
        await made.until(lambda: fake.tries["carry shop2"] == 1)
        await made.jobs.restart(run, "shop2")
        assert (await made.over(run)).state is JobState.FINISHED
        assert (await made.places(run))["shop2"].begun == 1


async def test_a_run_whose_process_died_goes_on_where_it_was(tmp_path: Path) -> None:
    async def before(doing: str) -> None:
        if doing == "carry shop2":
            await forever(doing)

    async with job_stage(tmp_path, more=AFTER_ALL, fake=FakeHands(before)) as made:
        run = await made.jobs.start("prices")

        async def others_are_there() -> bool:
            return sorted((await made.states(run)).values()) == ["comparing", "delivered", "delivered"]

        await made.until(others_are_there)
    async with job_stage(tmp_path, more=AFTER_ALL) as made:
        assert (await made.run(run)).state is JobState.TRANSFERRING
        await made.jobs.adopt()
        assert (await made.over(run)).state is JobState.FINISHED
        assert [one for one in made.fake.done if one.startswith("carry")] == ["carry shop2"]


async def test_a_second_run_waits_for_the_first_where_the_schedule_does_not_skip(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def before(doing: str) -> None:
        if doing == "prepare":
            await gate.wait()

    schedule = '[jobs.prices.schedule]\nrepeat = "daily"\nskip_if_running = false\n'
    async with job_stage(tmp_path, fake=FakeHands(before), schedule=schedule) as made:
        first = await made.jobs.start("prices")
        await settled()
        job = made.jobs.job("prices")
        due = next(iter(due_starts(made)))
        second = await made.jobs.start_job(job, Start(trigger="schedule", due=due))
        await settled()
        assert (await made.run(second)).state is JobState.SCHEDULED
        gate.set()
        assert (await made.over(first)).state is JobState.FINISHED
        assert (await made.over(second)).state is JobState.FINISHED


async def test_a_start_that_comes_while_a_run_goes_on_is_skipped_and_stands_in_history(tmp_path: Path) -> None:
    async def before(doing: str) -> None:
        await forever(doing)

    schedule = '[jobs.prices.schedule]\nrepeat = "daily"\n'
    async with job_stage(tmp_path, fake=FakeHands(before), schedule=schedule) as made:
        first = await made.jobs.start("prices")
        due = next(iter(due_starts(made)))
        second = await made.jobs.start_job(made.jobs.job("prices"), Start(trigger="schedule", due=due))
        row = await made.run(second)
        assert row.state is JobState.SKIPPED
        assert row.notes[0].startswith(f"run {first} of prices is ")


def due_starts(made: JobStage) -> list[DueStart]:
    now = made.stage.clock.now()
    return [DueStart(now, now.replace(tzinfo=None))]


async def test_a_destination_that_is_configured_no_more_is_removed_from_a_run_that_goes_on(tmp_path: Path) -> None:
    async def before(doing: str) -> None:
        if doing.startswith("carry"):
            await forever(doing)

    async with job_stage(tmp_path, ["shop1", "shop2"], AFTER_ALL, fake=FakeHands(before)) as made:
        run = await made.jobs.start("prices")
        await made.until(lambda: made.fake.tries["carry shop2"] == 1)
    async with job_stage(tmp_path, ["shop1"], AFTER_ALL) as made:
        await made.jobs.adopt()
        assert (await made.over(run)).state is JobState.FINISHED
        assert await made.states(run) == {"shop1": "done", "shop2": "removed"}


async def test_a_fault_of_ours_while_preparing_fails_the_run_and_says_so(tmp_path: Path) -> None:
    async def before(doing: str) -> None:
        raise ValueError(doing)

    async with job_stage(tmp_path, fake=FakeHands(before)) as made:
        run = await made.jobs.start("prices")
        row = await made.over(run)
        assert (row.state, row.error_class) == (JobState.FAILED, "ValueError")
        assert "fault of the gateway" in (row.error or "")


async def test_a_paused_endpoint_gets_nothing_while_the_others_go_on(tmp_path: Path) -> None:
    clock = TurnedClock(NOW)
    async with job_stage(tmp_path, fake=FakeHands(), clock=clock) as made:
        ledger = made.stage.engine.ledger
        await ledger.write(partial(pauses.hold, wanted=Pause("endpoint:shop2", None, "ann", 1)))
        run = await made.jobs.start("prices")
        await made.until(lambda: "carry shop1" in made.fake.done and "carry shop3" in made.fake.done)
        assert (await made.states(run))["shop2"] == "queued"
        await ledger.write(partial(pauses.let_go, scope="endpoint:shop2"))
        assert (await made.over(run)).state is JobState.FINISHED


async def test_while_after_all_is_at_work_no_destination_begins_anew_and_a_stop_ends_the_run(tmp_path: Path) -> None:
    async def before(doing: str) -> None:
        if doing == "after_all shop2":
            await forever(doing)

    fake = FakeHands(before)
    async with job_stage(tmp_path, more=AFTER_ALL, fake=fake) as made:
        run = await made.jobs.start("prices")
        await made.until(lambda: fake.tries["after_all shop2"] == 1 and "after_all shop3" in fake.done)
        with pytest.raises(Refused, match="after_all is at work"):
            await made.jobs.restart(run, "shop2")
        with pytest.raises(Refused, match="only one that prepares or transfers is paused"):
            await made.jobs.pause(run)
        assert fake.tries["after_all shop2"] == 1  # nothing was disturbed
        await made.jobs.stop(run)
        row = await made.over(run)
        assert (row.state, row.after_all) == (JobState.ABORTED, AfterAll.UNKNOWN)
        assert row.after_all_note == "stopped; under way at shop2"
        assert sorted(await made.starts(run))[1] == ("after_all", "shop2", "unknown")
        assert "after_all " not in fake.done


async def test_what_there_is_not_is_said_with_what_there_is(tmp_path: Path) -> None:
    async with job_stage(tmp_path) as made:
        with pytest.raises(Unknown, match="there is no job 'prizes'"):
            await made.jobs.start("prizes")
        with pytest.raises(Unknown, match="there is no job run 7"):
            await made.jobs.stop(7)
        run = await made.jobs.start("prices")
        await made.over(run)
        with pytest.raises(Unknown, match="has no destination 'shop9'; it has shop1, shop2, shop3"):
            await made.jobs.restart(run, "shop9")
        with pytest.raises(Refused, match="is over: finished"):
            await made.jobs.stop(run)
        with pytest.raises(Refused, match="not paused"):
            await made.jobs.resume(run)
