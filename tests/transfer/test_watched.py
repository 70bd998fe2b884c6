"""Sightings: small, and looked at only where something may have changed."""

import gc
import os
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from gateway.language.settings import Empty, Stability
from gateway.transfer.check_paths import check_spec, list_checked
from gateway.transfer.sightings import Sightings
from gateway.transfer.sources import source_spec
from gateway.transfer.stability import Rule, Verdict
from gateway.transfer.watched import Hints, Instant, Watched

RULE = Rule(Stability.QUIET, None, 0.0, Empty.SEND, 60.0)


def watched(folder: Path, text: str = "*", *, recurse: bool = False) -> Watched:
    return Watched(1, source_spec(text, folder, recurse=recurse), RULE)


def look(one: Watched, at_s: float, **hints: object) -> list[str]:
    """Sweep and judge at `at_s`; the names that were judged."""
    now = Instant(at_s, time.time_ns())
    one.sweep(now, Hints(**hints))  # type: ignore[arg-type]
    judged = one.judge(now, 100_000)
    for file in judged:
        again = file.judgement.again_after_s
        file.view.sights.settle(file.name, file.judgement.verdict, None if again is None else at_s + again)
    return sorted(file.name for file in judged)


def age(folder: Path) -> None:
    """Let the folder look as if nothing happened in it for a while."""
    os.utime(folder, (1_000_000_000, 1_000_000_000))


def test_a_file_costs_under_300_bytes_its_name_included(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    seen = (tmp_path / "x").stat()
    gc.collect()
    tracemalloc.start()
    folders = [Sightings() for _ in range(50)]
    for number, sights in enumerate(folders):
        names = [f"invoice_{number:04d}_{index:06d}.csv" for index in range(200)]
        for name in names:
            sights.see(name, seen, 1.0)
        for name in names:
            sights.settle(name, Verdict.SEEN, None)
    size_bytes = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert size_bytes / 10_000 < 300
    assert sum(map(len, folders)) == 10_000


def test_settled_files_are_not_looked_at_again_unless_all_are(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    one = watched(tmp_path)
    look(one, 0)
    assert look(one, 6) == ["a"]
    assert one.has_ready
    assert look(one, 100) == []
    (tmp_path / "a").write_text("grown in place")
    age(tmp_path)
    assert look(one, 105) == []
    assert look(one, 110, every_file=True) == ["a"]
    assert not one.has_ready


def test_an_event_makes_one_file_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("x")
    one = watched(tmp_path)
    look(one, 0)
    look(one, 6)
    (tmp_path / "a").write_text("grown in place")
    assert look(one, 7, folders=False, touched={str(tmp_path / "a"): True}) == ["a"]
    assert [found.relative for found in one.ready()] == ["b"]


def test_a_folder_that_did_not_move_is_not_listed(tmp_path: Path) -> None:
    one = watched(tmp_path)
    age(tmp_path)
    look(one, 0)
    assert not one.stirs(10)
    before = tmp_path.stat()
    (tmp_path / "a").write_text("x")
    os.utime(tmp_path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert look(one, 10) == []
    assert look(one, 15, rescan=True) == ["a"]


def test_a_folder_that_changed_just_before_its_listing_is_listed_again(tmp_path: Path) -> None:
    one = watched(tmp_path)
    (tmp_path / "a").write_text("x")
    look(one, 0)
    assert one.stirs(0.1)


def test_a_file_that_another_one_took_the_place_of_is_judged_anew(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("one")
    one = watched(tmp_path)
    look(one, 0)
    look(one, 6)
    assert one.has_ready
    seen = path.stat()
    (tmp_path / "new").write_text("two")
    os.utime(tmp_path / "new", ns=(seen.st_atime_ns, seen.st_mtime_ns))
    (tmp_path / "new").rename(path)
    assert look(one, 7) == ["a"]
    assert not one.has_ready


def test_a_name_that_becomes_a_folder_means_its_files(tmp_path: Path) -> None:
    one = watched(tmp_path, "data")
    (tmp_path / "data").write_text("x")
    look(one, 0)
    look(one, 6)
    assert [found.relative for found in one.ready()] == ["data"]
    (tmp_path / "data").unlink()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "inner").write_text("x")
    look(one, 7)
    look(one, 13)
    assert [found.relative for found in one.ready()] == ["inner"]


def test_a_folder_of_a_tree_that_goes_takes_its_files_along(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").write_text("x")
    one = watched(tmp_path, recurse=True)
    look(one, 0)
    assert one.file_count == 1
    (tmp_path / "sub").rename(tmp_path.parent / f"{tmp_path.name}-moved")
    look(one, 5)
    assert one.file_count == 0


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("*", {}, ["a.txt"]),
        ("*/b.txt", {}, ["one/b.txt", "two/b.txt"]),
        ("[o.*]/*", {}, ["one/b.txt"]),
        ("*.txt", {"recurse": True}, ["a.txt", "one/b.txt", "two/b.txt", "two/deep/c.txt"]),
        ("two/", {}, ["b.txt"]),
        ("two", {}, ["two/b.txt"]),
        ("*", {"folders": True}, ["one", "two"]),
        ("*", {"folders": True, "recurse": True}, ["one", "two", "two/deep"]),
        ("two/deep", {"folders": True}, ["deep"]),
        ("missing/*", {}, []),
    ],
)
def test_patterns_of_a_check_stand_in_every_token(
    tmp_path: Path, text: str, options: dict[str, Any], expected: list[str]
) -> None:
    for name in ("a.txt", "one/b.txt", "two/b.txt", "two/deep/c.txt", "two/.hidden"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert sorted(found.relative for found in list_checked(check_spec(text, tmp_path, **options))) == expected
