"""`gateway status` says which runs of jobs go on, and which did not end well."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.cli.status_show import show_state
from gateway.core.errors import LinkLost, LoginRefused
from gateway.endpoints.login_memory import Trouble
from gateway.jobs.absent import ApprovalNeeded
from gateway.ledger.job_states import AfterAll, JobState, TriggerState
from gateway.service.state import GatewayState, gather
from gateway.transfer.logins import LedgerLogins
from tests.jobs.engine_stage import AFTER_ALL, JobStage, job_stage
from tests.jobs.fake_hands import FakeHands


def failing(error: Exception) -> FakeHands:
    async def before(doing: str) -> None:
        if doing == "carry shop2":
            raise error

    return FakeHands(before)


async def looked(made: JobStage) -> GatewayState:
    """The state; a test is no gateway that serves."""
    return replace(await gather(made.stage.engine.loaded, made.stage.clock), holder=None, silent=None)


async def test_a_run_under_way_stands_with_its_destinations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake = failing(LinkLost("shop2: connection refused"))
    async with job_stage(tmp_path, fake=fake) as made:
        run = await made.jobs.start("prices")

        async def offline() -> bool:
            return sorted((await made.states(run)).values()) == ["delivered", "delivered", "offline"]

        await made.until(offline)
        show_state(await looked(made), unfold=False)
        said = capsys.readouterr().out
        assert f"JOB prices: run {run} transferring since " in said
        assert "; 2 of 3 destinations\n  1 offline\n" in said
        assert f"`gateway job show {run}`" in said


async def test_a_destination_that_a_person_begins_anew_is_tried_at_once(tmp_path: Path) -> None:
    fake = failing(LinkLost("shop2: connection refused"))
    async with job_stage(tmp_path, fake=fake) as made:
        run = await made.jobs.start("prices")

        async def offline() -> bool:
            return (await made.states(run))["shop2"] == "offline"

        await made.until(offline)
        logins, now = LedgerLogins(made.stage.engine.ledger), made.stage.clock.now()
        later = now + timedelta(minutes=5)
        refused = Trouble(failures=9, since=now, next_at=later, error="connection refused", error_class="LinkLost")
        await logins.remember("shop2", refused)
        fake.before = None
        await made.jobs.restart(run, "shop2")
        assert await logins.recall("shop2") is None, "nobody waits for what is over"
        assert (await made.over(run)).state is JobState.FINISHED


async def test_what_a_run_waits_for_a_person_to_say_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake = FakeHands(answers={"after_all shop2": TriggerState.UNKNOWN})
    async with job_stage(tmp_path, more=AFTER_ALL, fake=fake) as made:
        run = await made.jobs.start("prices")

        async def unknown() -> bool:
            return (await made.run(run)).after_all is AfterAll.UNKNOWN

        await made.until(unknown)
        show_state(await looked(made), unfold=False)
    assert "\n  nobody knows whether after_all ran at shop2; look there: " in capsys.readouterr().out


async def test_deletions_that_wait_for_a_word_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake = failing(ApprovalNeeded("delete_absent would delete 5 of 20 files at shop2"))
    async with job_stage(tmp_path, fake=fake) as made:
        run = await made.jobs.start("prices")

        async def asks() -> bool:
            return (await made.states(run))["shop2"] == "error"

        await made.until(asks)
        show_state(await looked(made), unfold=False)
    told = f"1 would delete more than delete_limit: gateway job show {run} says what, gateway job approve {run} lets it"
    assert told in capsys.readouterr().out


async def test_a_run_that_did_not_end_well_stands_until_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = failing(LoginRefused("shop2: password not accepted"))
    async with job_stage(tmp_path, fake=fake) as made:
        run = await made.jobs.start("prices")
        await made.over(run)
        show_state(await looked(made), unfold=False)
        said = capsys.readouterr().out
        assert f"JOB prices: run {run} finished_with_errors" in said
        assert "2 of 3 destinations have everything: shop2 error" in said
        fake.before = None
        await made.over(await made.jobs.start("prices"))
        show_state(await looked(made), unfold=False)
        assert "JOB" not in capsys.readouterr().out
