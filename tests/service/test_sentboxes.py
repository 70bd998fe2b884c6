import os
import time
from datetime import timedelta
from pathlib import Path

from gateway.service.sentboxes import tidy_sentbox


def _kept(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 1000)


def _names(folder: Path) -> list[str]:
    return sorted(name for _, _, names in os.walk(folder) for name in names)


def test_what_was_kept_for_long_enough_goes_and_the_rest_stays(tmp_path: Path) -> None:
    _kept(tmp_path, "2026/a", "2026/b")
    assert tidy_sentbox(tmp_path, timedelta(hours=1), time.time() + 3500, most_bytes=1e9) == 0
    assert _names(tmp_path) == ["a", "b"]
    assert tidy_sentbox(tmp_path, timedelta(hours=1), time.time() + 3700, most_bytes=1e9) == 2
    assert _names(tmp_path) == []


def test_an_old_mtime_does_not_make_a_file_that_just_came_go(tmp_path: Path) -> None:
    _kept(tmp_path, "a")
    os.utime(tmp_path / "a", (0, 0))
    assert tidy_sentbox(tmp_path, timedelta(hours=1), time.time(), most_bytes=1e9) == 0


def test_a_sentbox_that_takes_too_much_loses_its_oldest_files_first(tmp_path: Path) -> None:
    for name in ("first", "second", "third"):
        _kept(tmp_path, name)
        time.sleep(0.02)  # ctimes can't be set, and two files of one tick have no order
    assert tidy_sentbox(tmp_path, timedelta(days=9), time.time(), most_bytes=1500) == 2
    assert _names(tmp_path) == ["third"]


def test_an_endpoint_without_a_sentbox_costs_nothing(tmp_path: Path) -> None:
    assert tidy_sentbox(tmp_path / "none", timedelta(0), time.time()) == 0
