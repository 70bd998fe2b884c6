"""Old runs of jobs are forgotten with all that hangs on them; what the next start needs stays."""

from functools import partial
from pathlib import Path

from sqlalchemy import func, select

from gateway.jobs.working import Working
from gateway.ledger import Connection, Ledger, job_contents, job_retention, job_runs, retention
from gateway.ledger.job_tables import job_destination, job_file, job_run, manifest, manifest_entry
from gateway.ledger.tables import delivery, run
from tests.jobs.engine_stage import JobStage, job_stage
from tests.runner.harness import Stage, write


def real(made: Stage) -> Working:
    return Working(settle=made.engine.settling.look)


def counts(connection: Connection) -> dict[str, int]:
    tables = (job_run, job_destination, job_file, manifest, manifest_entry, delivery, run)
    return {one.name: connection.execute(select(func.count()).select_from(one)).scalar_one() for one in tables}


async def forget(ledger: Ledger, before: int) -> None:
    every = [*job_retention.forgetting(before)]
    every += [partial(retention.forget_deliveries, before=before), partial(retention.forget_runs, before=before)]
    for one in every:
        while await ledger.write(one):
            pass


async def run_once(made: JobStage) -> int:
    found = await made.jobs.start("prices")
    await made.over(found)
    return found


async def test_old_runs_go_but_the_latest_of_a_job_and_what_places_have(tmp_path: Path) -> None:
    async with job_stage(tmp_path, ["shop1"], real=real) as made:
        await run_once(made)
        write(tmp_path / "prices" / "b.csv", "b")
        await run_once(made)
        write(tmp_path / "prices" / "c.csv", "c")
        last = await run_once(made)
        assert (await made.read(counts))["job_run"] == 3
        ledger = made.stage.engine.ledger
        await forget(ledger, ledger.now_ns() + 1)
        left = await made.read(counts)
        assert left == {
            "job_run": 1,
            "job_destination": 1,
            "job_file": 1,
            "manifest": 1,
            "manifest_entry": 3,
            "delivery": 1,
            "run": 1,
        }
        (row,) = await made.read(partial(job_runs.of_job, job="prices"))
        assert row.id == last
        place = (await made.places(last))["shop1"].place
        assert set(await made.read(partial(job_contents.there, place=place))) == {"a.csv", "b.csv", "c.csv"}
        again = await run_once(made)
        assert (await made.places(again))["shop1"].bytes_sent == 0


async def test_what_is_not_old_stays(tmp_path: Path) -> None:
    async with job_stage(tmp_path, ["shop1"], real=real) as made:
        await run_once(made)
        await run_once(made)
        before = await made.read(counts)
        await forget(made.stage.engine.ledger, 1)
        assert await made.read(counts) == before
