"""One destination of a job's run, from queued to delivered, and what stands in its row when it is not."""

from pathlib import Path

from gateway.ledger.job_states import PlaceState
from tests.jobs.load_stage import loads
from tests.runner.harness import tree, write


async def test_a_destination_gets_what_it_lacks_and_a_second_run_sends_nothing(tmp_path: Path) -> None:
    write(tmp_path / "prices" / "a.csv", "a")
    write(tmp_path / "prices" / "deep" / "b.csv", "bb")
    (tmp_path / "prices" / "empty").mkdir()
    async with loads(tmp_path) as made:
        first = await made.distributed()
        again = await made.distributed()
        rows = await made.made.deliveries()
    assert (first.state, first.error) == (PlaceState.DELIVERED, None)
    assert (first.files, first.delivered, first.unchanged, first.bytes, first.bytes_sent) == (2, 2, 0, 3, 3)
    assert (again.state, again.delivered, again.unchanged, again.bytes_sent) == (PlaceState.DELIVERED, 0, 2, 0)
    assert len(rows) == 2
    assert tree(tmp_path / "far" / "in") == {"a.csv": "a", "deep/b.csv": "bb"}
    assert (tmp_path / "far" / "in" / "empty").is_dir()
