"""Reading what changed: a fault in one thread ends the others."""

import asyncio
import os
import threading
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from gateway.channels.looking import Looking
from gateway.channels.model import Catalogue
from gateway.channels.reading import Reader
from gateway.core.clock import SystemClock
from gateway.transfer.seen import seen_as


async def test_a_thread_that_crashes_ends_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abcd":
        (tmp_path / name).write_text(name)
    files = [seen_as(name, (tmp_path / name).stat()) for name in "abcd"]
    opening, opened, goes_on = os.open, list[str](), Event()

    def crashes(path: Any, *rest: Any, **more: Any) -> int:
        opened.append(os.path.basename(path))
        if opened[-1] == "a":
            raise RuntimeError("a fault of ours")
        goes_on.wait(200)
        return opening(path, *rest, **more)

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "open", crashes)
    reader = Reader(Catalogue("titles", tmp_path, ()), Looking(str(tmp_path), SystemClock()), lambda: 1)
    try:
        with pytest.raises(RuntimeError, match="a fault of ours"):
            await reader.read(files)
    finally:
        goes_on.set()
        for thread in threading.enumerate():
            if thread.name == "look":
                await asyncio.to_thread(thread.join, 20)
    assert set(opened) <= {"a", "b"}
