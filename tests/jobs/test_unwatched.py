"""Commands that were started and of which nobody sees how they end: nobody guesses."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from gateway.core.clock import TurnedClock
from gateway.core.errors import LoginRefused
from gateway.ledger import job_triggers
from gateway.ledger.job_states import AfterAll, JobState, TriggerState
from tests.jobs.engine_stage import AFTER_ALL, job_stage
from tests.jobs.fake_hands import FakeHands, forever

NOW = datetime(2026, 11, 3, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize("place", ["shop2", ""])
async def test_where_after_all_was_started_and_nobody_may_look_at_it_a_person_is_awaited(
    tmp_path: Path, place: str
) -> None:
    """It may have ended well behind its guard."""

    async def before(doing: str) -> None:
        if doing == f"after_all {place}":
            raise LoginRefused("the login was refused")

    fake = FakeHands(before)
    async with job_stage(tmp_path, more=AFTER_ALL, fake=fake) as made:
        run = await made.jobs.start("prices")

        async def unknown() -> bool:
            return (await made.run(run)).after_all is AfterAll.UNKNOWN or (await made.run(run)).terminal

        await made.until(unknown)
        assert ("after_all", place, "unknown") in await made.starts(run)
        assert (await made.run(run)).state is JobState.COMPLETING
        assert "clean" not in fake.done
        fake.before = None
        await made.jobs.approve(run)
        row = await made.over(run)
        assert (row.state, row.after_all, row.error) == (JobState.FINISHED, AfterAll.DONE, None)
        assert f"after_all {place}" not in fake.done


async def test_once_a_run_is_over_no_command_is_told_to_be_under_way_or_due(tmp_path: Path) -> None:
    async with job_stage(tmp_path, more='[jobs.prices.settings]\ndeadline = "3m"\n', clock=TurnedClock(NOW)) as made:

        async def before(doing: str) -> None:
            if doing.startswith("carry"):
                place = doing.removeprefix("carry ")
                due = partial(job_triggers.due, run=run, moment="after_endpoint", place=place, line="x", at=1)
                row = await made.stage.engine.ledger.write(due)
                if place != "shop1":
                    started = partial(job_triggers.advance, row=row, target=TriggerState.STARTED)
                    row = await made.stage.engine.ledger.write(started)
                if place == "shop3":
                    ended = partial(job_triggers.advance, row=row, target=TriggerState.OK)
                    await made.stage.engine.ledger.write(ended)
                await forever(doing)

        made.fake.before = before
        run = await made.jobs.start("prices")
        assert (await made.over(run)).state is JobState.TIMED_OUT
        states = {place: state for _, place, state in await made.starts(run)}
    assert states == {"shop1": "not_run", "shop2": "unknown", "shop3": "ok"}
