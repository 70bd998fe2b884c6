"""The witness of the tests: what it saw is what happened, and what it could not see it says."""

import os
from pathlib import Path

import pytest

from tests.acceptance import inotify
from tests.acceptance.arrivals import arrivals_in
from tests.acceptance.inotify import OVERFLOW


def arrive(folder: Path, name: str, data: bytes = b"whole") -> None:
    (folder / f".{name}.part").write_bytes(data)
    (folder / f".{name}.part").rename(folder / name)


def test_an_arrival_is_counted_the_moment_that_it_is_there(tmp_path: Path) -> None:
    with arrivals_in(tmp_path / "in", tmp_path / "taken") as arrivals:
        for number in range(300):
            arrive(tmp_path / "in", f"{number % 100:02}", bytes([number % 7]) * 100_000)
            assert arrivals.counts.total() == number + 1
        assert set(arrivals.counts.values()) == {3}
        assert len(list((tmp_path / "taken").iterdir())) == 300
        assert len(set(arrivals.digests.values())) == 7
        assert arrivals.torn == []


def test_what_is_made_or_written_under_its_final_name_is_torn(tmp_path: Path) -> None:
    with arrivals_in(tmp_path) as arrivals:
        arrive(tmp_path, "whole")
        (tmp_path / "made").touch()
        with (tmp_path / "whole").open("ab") as file:
            file.write(b" and more")
        assert arrivals.torn == ["made", "whole"]
        assert arrivals.counts == {"whole": 1}


def test_events_that_the_kernel_dropped_are_told_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = inotify.events
    monkeypatch.setattr(inotify, "events", lambda number: [*events(number), (-1, OVERFLOW, "")])
    watching = arrivals_in(tmp_path)
    arrivals = watching.__enter__()
    arrive(tmp_path, "a")
    with pytest.raises(OSError, match="dropped events"):
        arrivals.counts  # noqa: B018
    with pytest.raises(OSError, match="dropped events"):
        watching.__exit__(None, None, None)


def test_what_came_before_the_end_is_counted_after_it(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with arrivals_in(tmp_path) as arrivals:
        arrive(tmp_path, "a")
    assert arrivals.counts == {"a": 1}
    assert len(os.listdir("/proc/self/fd")) == before
