"""Many events at once: told some at a time, in their order, and no receiver is asked on that hears nothing."""

import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.core.errors import LinkLost
from gateway.jobs.telling import bite
from gateway.ledger.job_tellings import Telling
from tests.jobs.engine_stage import JobStage, job_stage
from tests.jobs.fake_hands import FakeHands

SHOPS = [f"shop{n:02}" for n in range(1, 11)]


def telling(job: str, n: int) -> Telling:
    return Telling(job=job, run=n, event="error", endpoint="far", at=n, attempts=0)


def notify(line: str) -> str:
    return f"[jobs.prices.notify]\ncommand = ['/bin/sh', '-c', '''{line}''']\non = ['error']\n"


async def none_can_be_reached(doing: str) -> None:
    if doing.startswith("carry"):
        raise LinkLost("connection refused")


async def look(made: JobStage) -> None:
    """A run in which no destination can be reached, until somebody has told of them."""
    run = await made.jobs.start("prices")

    async def all_down() -> bool:
        return set((await made.states(run)).values()) == {"offline"}

    await made.until(all_down)
    await made.stage.ending(made.stage.engine.tellings.look())


def rows(root: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(root / "var" / "ledger.sqlite")) as connection:
        return list(
            connection.execute("SELECT state, attempts FROM job_telling WHERE event = 'error' ORDER BY endpoint")
        )


def test_a_job_with_many_events_leaves_room_for_others() -> None:
    many = [telling("prices", n) for n in range(100)]
    few = [telling("images", n) for n in range(100, 102)]
    assert bite([*many, *few]) == [*many[:4], *few]
    others = [telling(f"job{n}", n) for n in range(40)]
    assert bite(others) == others[:16]


async def test_all_are_told_a_few_at_a_time(tmp_path: Path) -> None:
    log = tmp_path / "told"
    line = f"echo begin >>{log}; sleep 0.1; echo end $JOB_ENDPOINT >>{log}"
    async with job_stage(tmp_path, SHOPS, notify(line), fake=FakeHands(none_can_be_reached)) as made:
        await look(made)
    at_once, most = 0, 0
    for word in log.read_text().split("\n"):
        at_once += 1 if word == "begin" else -1 if word else 0
        most = max(most, at_once)
    assert most <= 4
    assert sorted(word[4:] for word in log.read_text().splitlines() if word.startswith("end")) == SHOPS
    assert rows(tmp_path) == [("told", 1)] * 10


async def test_one_that_hears_nothing_is_not_asked_on_and_that_counts_as_no_try(tmp_path: Path) -> None:
    log = tmp_path / "told"
    line = f"echo $JOB_ENDPOINT >>{log}; exit 1"
    async with job_stage(tmp_path, SHOPS, notify(line), fake=FakeHands(none_can_be_reached)) as made:
        await look(made)
        await made.stage.ending(made.stage.engine.tellings.look())
    assert len(log.read_text().splitlines()) == 4
    assert sorted(rows(tmp_path)) == [("due", 0)] * 6 + [("due", 1)] * 4
