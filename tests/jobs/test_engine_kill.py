"""A run that is killed at many moments goes on where it was: nothing twice, nothing lost, after_all once."""

import asyncio
import os
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gateway.core.clock import SystemClock
from gateway.ledger import Connection, job_destinations, job_runs, open_ledger
from gateway.ledger.job_states import AfterAll, JobState
from gateway.ledger.tables import delivery
from tests.jobs.engine_stage import job_text
from tests.nursery import nursery
from tests.runner.harness import configuration, tree, write

SHOPS = ("shop1", "shop2")
FILES = {f"{n:02}.csv": f"{n}" * (n + 1) for n in range(12)}


def laid_out(root: Path, release: str) -> Path:
    for name, content in FILES.items():
        write(root / "prices" / name, content)
    for one in SHOPS:
        (root / one).mkdir()
    said = f"echo $JOB_RUN_ID $(basename $PWD) >> {root}/told.log"
    trigger = f"[jobs.prices.triggers.after_all]\nlinux = ['/bin/sh', '-c', \"{said}\"]\n"
    settings = f'[jobs.prices.settings]\nrelease = "{release}"\n'
    return configuration(root, job_text(root, SHOPS, trigger + settings), allow=["/bin/sh"])


async def life(config: Path, writes: int | str, when: str) -> str | None:
    """One process; how the run ended, None if it was killed before."""
    ran = partial(nursery().run, [str(config), str(writes), when], config.parent, os.environ, limit_s=100)
    ended = await asyncio.to_thread(ran, program="tests.jobs.engine_child:run")
    assert ended.returncode in (0, -9), ended.stderr
    return ended.stdout.splitlines()[-1] if ended.returncode == 0 else None


def delivered(connection: Connection) -> Counter[tuple[str, str]]:
    query = select(delivery.c.final, delivery.c.state, func.count()).group_by(delivery.c.final, delivery.c.state)
    return Counter({(final, state): count for final, state, count in connection.execute(query)})


@pytest.mark.parametrize(
    ("first", "step", "when", "release"),
    [(9, 13, "after", "each"), (26, 17, "before", "each"), (19, 17, "after", "together")],
)
async def test_nothing_is_sent_twice_or_lost_and_after_all_runs_once(
    tmp_path: Path, first: int, step: int, when: str, release: str
) -> None:
    config = laid_out(tmp_path, release)
    ended, kills = None, 0
    for number in range(40):
        ended = await life(config, first + step * number, when)
        if ended is not None:
            break
        kills += 1
    assert (ended, kills > 2) == ("finished", True)
    await prove_once(tmp_path)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_files_that_were_named_and_not_told_of_are_counted_once(tmp_path: Path, when: str) -> None:
    config = laid_out(tmp_path, "together")
    laid = len(FILES) * len(SHOPS)
    assert await life(config, f"_move:{laid + 1}", when) is None
    assert await life(config, "never:1", when) == "finished"
    await prove_once(tmp_path)


async def prove_once(tmp_path: Path) -> None:
    for one in SHOPS:
        there = tree(tmp_path / one)
        assert {name: there[name] for name in there if not name.startswith(".")} == FILES  # partials are swept later
    lines = (tmp_path / "told.log").read_text().splitlines()
    assert sorted(lines) == ["1 prices", "1 shop1", "1 shop2"]
    assert lines[-1] == "1 prices"
    async with open_ledger(tmp_path / "var", SystemClock(), reserve_bytes=0) as ledger:
        (row,) = await ledger.read(job_runs.of_job)
        assert (row.state, row.after_all) == (JobState.FINISHED, AfterAll.DONE)
        places = await ledger.read(partial(job_destinations.of_run, run=row.id))
        assert {(one.files, one.delivered + one.unchanged, one.failed) for one in places} == {
            (len(FILES), len(FILES), 0)
        }
        done = {key: count for key, count in (await ledger.read(delivered)).items() if key[1] == "done"}
        assert set(done.values()) == {1}
        assert len(done) == len(FILES) * len(SHOPS)
