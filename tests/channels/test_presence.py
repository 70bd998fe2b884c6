"""Whether a catalogue is there is asked with a limit: a file server that hangs keeps no command waiting."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from gateway.transfer.presence import trouble


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Once it is set the server of `/titles` answers."""
    event, looking = Event(), os.stat

    def hangs(path: Any, **more: Any) -> os.stat_result:
        if str(path).endswith("/titles"):
            event.wait(200)
        return looking(path, **more)

    monkeypatch.setattr(os, "stat", hangs)
    yield event
    event.set()


def test_a_server_that_hangs_is_told_and_asked_by_one_thread_at_a_time(tmp_path: Path, answers: Event) -> None:
    (tmp_path / "titles").mkdir()
    assert "doesn't answer" in (trouble(tmp_path / "titles", 0.05) or "")
    began_s = time.monotonic()
    assert "doesn't answer" in (trouble(tmp_path / "titles", 150) or "")
    assert time.monotonic() - began_s < 100
    answers.set()
    while trouble(tmp_path / "titles", 150) is not None:
        time.sleep(0.01)


def test_what_is_missing_no_folder_or_refused_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    assert trouble(tmp_path) is None
    for name in ("none", "file", "file/titles"):
        assert "does not exist" in (trouble(tmp_path / name) or "")

    def refused(path: Any) -> os.stat_result:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", refused)
    assert trouble(tmp_path) == "can't be looked at: Permission denied; give the gateway's user access"
