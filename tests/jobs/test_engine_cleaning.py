"""after_success takes away what was distributed and is unchanged since, also after a kill in the middle."""

from pathlib import Path

import pytest

from gateway.jobs.cleaning import Cleaning, clean_one
from gateway.ledger.job_contents import Entry
from tests.runner.harness import tree, write


def entry(path: Path) -> Entry:
    seen = path.stat()
    return Entry(1, path.name, "file", seen.st_size, seen.st_mtime_ns, 0o644, "aa", None)


@pytest.mark.parametrize("archive", [None, "kept"])
def test_a_file_is_taken_away_once_and_a_second_time_finds_nothing(tmp_path: Path, archive: str | None) -> None:
    path = write(tmp_path / "src" / "a.csv", "a")
    what = Cleaning(tmp_path / "src", tmp_path / archive if archive else None, 7, "mark")
    one = entry(path)
    clean_one(what, one)
    clean_one(what, one)
    assert tree(tmp_path) == ({"kept/a.csv": "a"} if archive else {})


def test_one_that_was_changed_since_stays(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a", age_s=60)
    one = entry(path)
    write(path, "b")
    clean_one(Cleaning(tmp_path, None, 7, "mark"), one)
    assert tree(tmp_path) == {"a.csv": "b"}


def test_what_a_kill_left_claimed_goes_and_a_newer_one_under_its_name_stays(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a")
    what, one = Cleaning(tmp_path, None, 7, "mark"), entry(path)
    path.rename(what.claim(str(path), one))
    write(path, "newer")
    clean_one(what, one)
    assert tree(tmp_path) == {"a.csv": "newer"}
