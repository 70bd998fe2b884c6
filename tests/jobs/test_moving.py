"""Bytes of files under way count in what is shown of a run, and only as long as they are under way."""

import asyncio
from datetime import UTC
from functools import partial
from pathlib import Path

import pytest

from gateway.cli.job_table import Rates, place_cells
from gateway.jobs.report import Standing, read_report
from gateway.jobs.working import Working
from gateway.ledger import Connection, job_moving
from gateway.ledger.job_states import JobState, PlaceState
from gateway.ledger.job_tables import job_moving as table
from gateway.runner import moving
from tests.jobs.engine_stage import JobStage, job_stage
from tests.runner.harness import Stage, write

SIZE = 10_000_000
SLOW = '[profiles.slow]\nbandwidth = "5M"\n[jobs.prices.settings]\nprofile = "slow"\n'


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "_EVERY_S", 0.1)


def real(made: Stage) -> Working:
    return Working(settle=made.engine.settling.look)


async def place_of(made: JobStage, run: int) -> Standing:
    report = await made.read(partial(read_report, found=run))
    assert report is not None
    return report.places[0]


async def looks_until_the_end(made: JobStage, run: int) -> list[tuple[int, list[str]]]:
    """What is shown of the destination while it loads, five times a second."""
    seen: list[tuple[int, list[str]]] = []
    rates, clock = Rates(), made.stage.engine.clock
    while not (await made.run(run)).terminal:
        report = await made.read(partial(read_report, found=run))
        assert report is not None
        rates.look(report, clock.monotonic())
        place = report.places[0]
        if place.row.state is PlaceState.LOADING:
            seen.append((place.bytes_there, place_cells(place, rates, UTC)))
        await asyncio.sleep(0.2)
    return seen


async def test_a_big_file_shows_its_bytes_its_rate_and_the_time_that_is_left(tmp_path: Path) -> None:
    write(tmp_path / "prices" / "big", b"x" * SIZE)
    async with job_stage(tmp_path, ["shop1"], SLOW, real=real) as made:
        run = await made.jobs.start("prices")
        seen = await made.stage.ending(looks_until_the_end(made, run))
        place, rows = await place_of(made, run), await made.read(lambda c: len(c.execute(table.select()).all()))
    under_way = {count for count, _ in seen if 1 < count < SIZE}
    assert len(under_way) >= 2, "it grows while the file is on its way"
    assert [count for count, _ in seen] == sorted(count for count, _ in seen)
    shown = [cells for _, cells in seen if cells[4] != "-" and cells[5] != "-"]
    assert shown, "rate and time left are told before the file has arrived"
    assert all(" of " in cells[3] for cells in shown)
    assert (place.row.bytes_sent, place.bytes_there, place.moving) == (SIZE + 1, SIZE + 1, 0)
    assert rows <= 1, "what has arrived is forgotten, at the next look at the latest"


async def test_names_that_wait_for_others_show_that_all_bytes_are_there(tmp_path: Path) -> None:
    write(tmp_path / "prices" / "big", b"x" * SIZE)
    together = SLOW + 'release = "together"\ndeadline = "10s"\n'
    async with job_stage(tmp_path, ["shop1", "shop2"], together, real=real) as made:
        (tmp_path / "shop2").rmdir()
        write(tmp_path / "shop2", "no folder: nothing can be laid there")
        run = await made.jobs.start("prices")
        seen: list[int] = []
        while (place := await place_of(made, run)).row.state is not PlaceState.PLACING:
            assert not (await made.run(run)).terminal
            seen.append(place.bytes_there)
            await asyncio.sleep(0.1)
        assert (place.row.bytes_sent, place.bytes_there) == (0, SIZE + 1)
        assert seen == sorted(seen)
        assert any(1 < count < SIZE for count in seen)
        await made.jobs.stop(run)


async def test_only_what_is_under_way_counts_and_what_is_gone_in_a_moment_is_never_written(tmp_path: Path) -> None:
    async with job_stage(tmp_path, ["shop1"], real=real) as made:
        run = await made.jobs.start("prices")
        assert (await made.over(run)).state is JobState.FINISHED
        ledger = made.stage.engine.ledger

        def rows(connection: Connection) -> dict[int, int]:
            return {row.delivery: row.bytes for row in connection.execute(table.select())}

        def delivered(connection: Connection) -> tuple[int, int]:
            found = connection.exec_driver_sql("SELECT id, run FROM delivery").one()
            return int(found[0]), int(found[1])

        delivery, of = await ledger.read(delivered)
        await ledger.write(partial(job_moving.note, moved={delivery: 1, 999: 5}))
        assert await ledger.read(partial(job_moving.moving, runs=[of])) == {}, "it has arrived"
        await ledger.write(partial(job_moving.note, moved={}))
        assert await ledger.read(rows) == {}
        files = moving.Moving()
        files.sent[7] = 10
        await files.look(ledger)
        assert await ledger.read(rows) == {}, "it may be gone in a moment"
        files.sent[7] = 20
        await files.look(ledger)
        assert await ledger.read(rows) == {7: 20}
        del files.sent[7]
        await files.look(ledger)
        assert await ledger.read(rows) == {}
