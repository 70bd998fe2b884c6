"""Beginning one destination anew: in a live run, in one that ends at that moment, and in one that is over."""

import asyncio
from pathlib import Path

import pytest

from gateway.core.errors import LoginRefused, Refused
from gateway.jobs import orders
from gateway.jobs.life_rows import read_rows
from gateway.ledger.job_states import AfterAll, JobState
from gateway.service.operations_jobs import restart
from tests.jobs.engine_stage import AFTER_ALL, JobStage, job_stage
from tests.jobs.fake_hands import FakeHands, forever


def ends_while_it_is_asked(made: JobStage, run: int, release: asyncio.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run comes to its end between the engine's look at it and its order."""
    adopt = made.jobs.adopt

    async def late() -> None:
        release.set()
        await made.over(run)
        await adopt()

    monkeypatch.setattr(made.jobs, "adopt", late)


async def test_a_run_that_ends_between_the_look_and_the_order_is_completed_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = asyncio.Event()

    async def before(doing: str) -> None:
        if doing == "carry shop2" and not release.is_set():
            await release.wait()
            raise LoginRefused("shop2: password not accepted")

    fake = FakeHands(before)
    async with job_stage(tmp_path, more=AFTER_ALL, fake=fake) as made:
        run = await made.jobs.start("prices")
        await made.until(lambda: fake.tries["carry shop2"] == 1)
        ends_while_it_is_asked(made, run, release, monkeypatch)
        await made.jobs.restart(run, "shop2")
        row = await made.over(run)
        assert (row.state, row.after_all, fake.tries["carry shop2"]) == (JobState.FINISHED, AfterAll.DONE, 2)


async def test_a_run_that_finishes_between_the_look_and_the_order_refuses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = asyncio.Event()

    async def before(doing: str) -> None:
        if doing == "carry shop2":
            await release.wait()

    fake = FakeHands(before)
    async with job_stage(tmp_path, fake=fake) as made:
        run = await made.jobs.start("prices")
        await made.until(lambda: fake.tries["carry shop2"] == 1)
        ends_while_it_is_asked(made, run, release, monkeypatch)
        with pytest.raises(Refused, match=f"is finished.* gateway job restart {run}"):
            await made.jobs.restart(run, "shop2")
        assert fake.tries["carry shop2"] == 1


async def test_rows_of_a_run_that_is_over_are_not_begun_anew_or_approved(tmp_path: Path) -> None:
    async with job_stage(tmp_path) as made:
        run = await made.jobs.start("prices")
        await made.over(run)
        ledger = made.stage.engine.ledger
        with pytest.raises(orders.RunIsOver, match="is over: finished; gateway job restart"):
            await ledger.write(lambda c: orders.begin_again(c, read_rows(c, run, 0), "shop1", 1))
        with pytest.raises(orders.RunIsOver, match="is over: finished"):
            await made.jobs.approve(run)


async def test_of_several_that_were_given_up_the_one_that_is_named_comes_back_and_the_others_are_told_of(
    tmp_path: Path,
) -> None:
    async def before(doing: str) -> None:
        if doing in ("carry shop2", "carry shop3"):
            await forever(doing)

    fake = FakeHands(before)
    more = AFTER_ALL + '[jobs.prices.settings]\ndeadline = "1s"\n'
    async with job_stage(tmp_path, more=more, fake=fake) as made:
        run = await made.jobs.start("prices")
        row = await made.over(run)
        assert (row.state, row.after_all) == (JobState.TIMED_OUT, AfterAll.NOT_RUN)
        assert await made.states(run) == {"shop1": "delivered", "shop2": "aborted", "shop3": "aborted"}
        fake.before = None
        said = await restart(made.jobs, {"run": run, "destination": "shop2"})
        assert said.lines == (
            f"run {run}: shop2 begins anew",
            f"shop3 stays aborted; gateway job restart {run} --destination shop3 brings it back, too",
        )
        row = await made.over(run)
        assert (row.state, row.after_all_note) == (JobState.FINISHED_WITH_ERRORS, "not run (shop3 aborted)")
        said = await restart(made.jobs, {"run": run, "destination": "shop3"})
        assert said.lines == (f"run {run}: shop3 begins anew",)
        row = await made.over(run)
        assert (row.state, row.after_all) == (JobState.FINISHED, AfterAll.DONE)
