"""What crashes in one look, or for one channel, keeps nothing else back."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.channels.delivery_stage import channel_stage, lay_item
from tests.channels.test_engine import at, clock, text


async def test_a_look_that_crashes_keeps_no_delivery_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_item(tmp_path, "978")
    opening = os.open

    def crashes(path: Any, *rest: Any, **more: Any) -> int:
        if "979" in str(path):
            raise RuntimeError("a fault of ours")
        return opening(path, *rest, **more)

    monkeypatch.setattr(os, "open", crashes)
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(21, 30))
        lay_item(tmp_path, "979")
        await made.go_on(at(22, 1))
        assert set(made.arrived) == {"978_onix.xml", "978_book.epub", "1.done"}
        monkeypatch.undo()
        await made.go_on(at(23, 1))
        assert (await made.states())["979 first"] == "waiting"
