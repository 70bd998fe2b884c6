"""A job's actions run as any action does."""

import asyncio
from pathlib import Path

from gateway.jobs.compiled import compiled
from gateway.jobs.instances import instance_of, job_values
from gateway.jobs.read import folders_of, read_jobs
from gateway.runner.due import Due, Outcome, Trigger
from tests.runner.harness import stage, tree, write

JOB = """
[endpoints.shop]
url = "file://{root}/shop"
tags = {{ country = "at" }}
[jobs.prices]
description = "prices"
[jobs.prices.source]
path = "{root}/prices"
[[jobs.prices.destinations]]
endpoint = "shop"
path = "in/{{country}}"
[jobs.prices.triggers.after_endpoint]
linux = ["/bin/sh", "-c", 'echo "$JOB_NAME $JOB_ROLE $JOB_RUN_ID $TAG_COUNTRY $PWD" > told']
"""


async def test_a_destinations_action_sends_the_tree_and_runs_its_command_there(tmp_path: Path) -> None:
    write(tmp_path / "prices" / "a.csv", "a")
    write(tmp_path / "prices" / "deep" / "b.csv", "b")
    (tmp_path / "shop").mkdir()
    async with stage(tmp_path, JOB.format(root=tmp_path), allow=["/bin/sh"]) as made:
        loaded = made.engine.loaded
        jobs = await asyncio.to_thread(read_jobs, loaded)
        assert jobs.findings == ()
        parts = {part.name: part for part in compiled(jobs.jobs["prices"], folders_of(loaded.state, "prices"))}
        instance = instance_of(loaded, parts["prices@shop"], job_values(17, "2026-11-22T01:00:00+01:00", 0, 0))
        made.engine.runner.renew(made.engine.runner.services, {instance.name: instance})
        due = Due(action="jobs/prices@shop", trigger=Trigger.HAND, skip_wait=True)
        first = await made.ending(made.engine.runner.run(due))
        again = await made.ending(made.engine.runner.run(due))
    assert (first.outcome, first.error, first.files) == (Outcome.DONE, None, 2)
    assert again.files == 0
    there = tree(tmp_path / "shop" / "in" / "at")
    assert there == {
        "a.csv": "a",
        "deep/b.csv": "b",
        "told": f"prices RO 17 at {tmp_path}/shop/in/at\n",
    }
