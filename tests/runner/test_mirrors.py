"""-DIF and -MIR: only what differs is sent, and what the source lacks is deleted, never too much."""

import os
from pathlib import Path

import pytest

from gateway.core.errors import LinkLost
from gateway.runner.due import Outcome, Trigger
from tests.runner.harness import Stage, stage, tree, write


async def test_dif_sends_only_what_differs_in_size_or_content(act: Stage) -> None:
    for name, ours, theirs in (("same", "1", "1"), ("size", "22", "1"), ("content", "a", "b"), ("new", "n", None)):
        write(act.outbox / name, ours)
        if theirs is not None:
            write(act.far / name, theirs)
    result = await act.run("PUT -DIF *")
    assert result.files == 3
    assert "1 files are there already with the same content" in result.notes[0]
    assert tree(act.far) == {"same": "1", "size": "22", "content": "a", "new": "n"}


@pytest.mark.parametrize("option", ["-DEL", "-NEW"])
async def test_what_is_there_already_counts_as_delivered_where_it_would_be_due_for_ever(
    act: Stage, option: str
) -> None:
    path = write(act.outbox / "a", "same")
    write(act.far / "a", "same")
    inode = (act.far / "a").stat().st_ino
    result = await act.run(f"PUT -DIF {option} *", trigger=Trigger.POLL, judged={1: [path]})
    assert (result.files, (act.far / "a").stat().st_ino) == (1, inode)
    assert path.exists() is (option == "-NEW")
    assert (await act.run(f"PUT -DIF {option} *")).outcome is Outcome.NOTHING


def mirror(act: Stage, ours: int, theirs: int) -> None:
    for n in range(ours):
        write(act.outbox / f"site/p{n % 3}/{n}", str(n))
    for n in range(ours, ours + theirs):
        write(act.far / f"www/p{n % 3}/{n}", "extra")


async def test_a_mirror_deletes_what_the_source_lacks(act: Stage) -> None:
    mirror(act, 20, 2)
    write(act.far / "www/.hidden", "theirs")
    write(act.far / "www/upload.part", "theirs")
    result = await act.run("PUT -REC -MIR site www/")
    assert (result.outcome, result.files) == (Outcome.DONE, 22), result
    assert set(tree(act.far / "www")) == {*tree(act.outbox / "site"), ".hidden", "upload.part"}


async def test_beyond_the_limit_nothing_is_deleted_until_it_is_approved(act: Stage) -> None:
    mirror(act, 20, 5)
    result = await act.run("PUT -REC -MIR site www/")
    assert (result.outcome, len(tree(act.far))) == (Outcome.FAILED, 25)
    assert "would delete 5 of 25 files, more than 2" in (result.error or "")
    assert "gateway run job --approve" in (result.error or "")
    assert (await act.run("PUT -REC -MIR site www/", approved=True)).outcome is Outcome.DONE
    assert len(tree(act.far)) == 20


@pytest.mark.parametrize(
    ("header", "endpoint", "outcome"),
    [
        ("@delete_limit 5", "", Outcome.DONE),
        ("@delete_limit 4", "delete_limit = 9", Outcome.FAILED),
        ("", "delete_limit = 9", Outcome.DONE),
        ("", "delete_limit = 0", Outcome.FAILED),
    ],
)
async def test_the_limit_is_the_script_s_else_the_endpoint_s(
    tmp_path: Path, header: str, endpoint: str, outcome: Outcome
) -> None:
    async with stage(tmp_path, endpoint=endpoint) as act:
        mirror(act, 20, 5)
        assert (await act.run(f"{header}\nPUT -REC -MIR site www/")).outcome is outcome


async def test_an_empty_or_missing_source_deletes_nothing(act: Stage) -> None:
    mirror(act, 0, 3)
    (act.outbox / "site").mkdir()
    result = await act.run("@delete_limit 100\nPUT -REC -MIR site/ www/")
    assert (result.outcome, "deletes nothing" in result.notes[0], len(tree(act.far))) == (Outcome.NOTHING, True, 3)
    os.rmdir(act.outbox / "site")
    await act.run("@delete_limit 100\nPUT -REC -MIR site/ www/")
    assert len(tree(act.far)) == 3


async def test_a_listing_that_fails_deletes_nothing(act: Stage) -> None:
    mirror(act, 20, 2)

    async def fails(call: str, path: str) -> None:
        if call == "scan" and path.endswith("p1"):
            raise LinkLost("gone")

    act.disturb(fails)
    result = await act.run("@retries 0\nPUT -REC -MIR site www/")
    assert (result.outcome, len(tree(act.far))) == (Outcome.FAILED, 22)


async def test_a_mirror_of_a_pattern_leaves_other_names_alone(act: Stage) -> None:
    write(act.outbox / "a.csv")
    for name in ("b.csv", "other.txt"):
        write(act.far / "www" / name)
    await act.run("@delete_limit 9\nPUT -REC -MIR *.csv www/")
    assert set(tree(act.far / "www")) == {"a.csv", "other.txt"}


async def test_a_mirror_after_a_failed_transfer_deletes_nothing(act: Stage) -> None:
    mirror(act, 20, 2)
    (act.far / "www/p0/0/in the way").mkdir(parents=True)
    result = await act.run("PUT -REC -MIR site www/")
    assert result.outcome is Outcome.FAILED
    assert "extra" in tree(act.far / "www").values()
