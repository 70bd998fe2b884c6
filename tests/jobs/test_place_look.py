"""A place that looks as it did when it had everything is not compared file by file."""

import os
from pathlib import Path

import pytest

from gateway.jobs import bringing
from gateway.ledger.job_states import PlaceState
from tests.jobs.load_stage import loads
from tests.runner.harness import tree, write


def count_comparisons(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Told of each place that is compared from now on."""
    compared, real = [], bringing.compare  # type: ignore[attr-defined]

    async def compare(*asked: object) -> object:
        compared.append("far")
        return await real(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(bringing, "compare", compare)
    return compared


async def test_what_was_sent_and_made_is_known_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "prices" / "a.csv", "a")
    write(tmp_path / "prices" / "deep" / "er" / "b.csv", "bb")
    (tmp_path / "prices" / "none" / "at all").mkdir(parents=True)
    compared = count_comparisons(monkeypatch)
    async with loads(tmp_path) as made:
        await made.distributed()
        again = await made.distributed()
        write(tmp_path / "prices" / "deep" / "c.csv", "ccc")
        more = await made.distributed()
        last = await made.distributed()
    assert len(compared) == 2, "the first time, and when there was more"
    assert (again.state, again.files, again.unchanged, again.bytes_sent) == (PlaceState.DELIVERED, 2, 2, 0)
    assert (more.files, more.delivered, more.unchanged) == (3, 1, 2)
    assert (last.files, last.delivered, last.unchanged) == (3, 0, 3)


@pytest.mark.parametrize("what", ["changed", "removed", "folder removed", "replaced by a folder"])
async def test_a_place_that_looks_otherwise_is_compared(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "prices" / "a.csv", "a")
    write(tmp_path / "prices" / "b.csv", "b")
    (tmp_path / "prices" / "none").mkdir()
    there = tmp_path / "far" / "in"
    async with loads(tmp_path) as made:
        await made.distributed()
        compared = count_comparisons(monkeypatch)
        if what == "changed":
            write(there / "a.csv", "A")
            os.utime(there / "a.csv", ns=(10**18, 10**18))
        elif what == "folder removed":
            (there / "none").rmdir()
        else:
            (there / "a.csv").unlink()
        if what == "replaced by a folder":
            (there / "a.csv").mkdir()
        row = await made.distributed()
    assert len(compared) == 1
    if what == "replaced by a folder":
        assert row.failed == 1
    else:
        assert row.state is PlaceState.DELIVERED
        assert tree(there) == {"a.csv": "a", "b.csv": "b"}
        assert (there / "none").is_dir()


async def test_a_place_that_somebody_else_adds_to_is_compared_and_then_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "prices" / "a.csv", "a")
    async with loads(tmp_path) as made:
        await made.distributed()
        write(tmp_path / "far" / "in" / "theirs", "t")
        compared = count_comparisons(monkeypatch)
        await made.distributed()
        row = await made.distributed()
    assert len(compared) == 1
    assert (row.unchanged, row.delivered) == (1, 0)
