"""What crashes in one look, or for one channel, keeps nothing else back."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.core.errors import GatewayError
from gateway.ledger import channel_catalogues, channel_states
from gateway.ledger.channel_states import Hand
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
        look = await made.read(partial(channel_catalogues.looked, catalogue="titles"))
        assert look is not None
        assert "a fault of ours" in (look.error or "")
        monkeypatch.undo()
        await made.go_on(at(23, 1))
        assert (await made.states())["979 first"] == "waiting"


OTHER = """
[catalogues.{name}]
path = "{root}/{name}"
[channels.{name}]
endpoint = "far"
catalogue = "{name}"
start = "all"
"""


def with_other(root: Path, name: str) -> str:
    """A second catalogue with a channel of its own, both called `name`."""
    (root / name).mkdir(exist_ok=True)
    return text(root) + OTHER.format(name=name, root=root)


async def test_a_channel_whose_times_can_not_be_told_keeps_no_other_back(tmp_path: Path) -> None:
    lay_item(tmp_path, "978")
    async with channel_stage(tmp_path, with_other(tmp_path, "audio"), clock=clock(at(21, 50))) as made:
        broken = partial(channel_states.set_hands, channel="audio", at=dict[Hand, int](), times="not JSON")
        await made.made.engine.ledger.write(broken)
        await made.go_on(at(22, 1))
        assert set(made.arrived) == {"978_onix.xml", "978_book.epub", "1.done"}


async def test_a_catalogue_that_can_not_be_looked_at_keeps_no_other_back(tmp_path: Path) -> None:
    async with channel_stage(tmp_path, with_other(tmp_path, "audio"), clock=clock()) as made:
        lay_item(tmp_path, "978")
        (tmp_path / "audio").rmdir()
        seen = await made.made.ending(made.channels.detect(["audio", "shop"]))
        assert seen.found["shop"].first == 1
        assert "audio" in str(seen.failed["audio"])
        assert await made.states() == {"978 first": "waiting"}


async def test_all_catalogues_that_can_not_be_looked_at_are_told(tmp_path: Path) -> None:
    async with channel_stage(tmp_path, with_other(tmp_path, "audio"), clock=clock()) as made:
        for name in ("audio", "titles"):
            (tmp_path / name).rmdir()
        with pytest.raises(GatewayError, match=r"(?s)audio.*titles"):
            (await made.made.ending(made.channels.detect(["audio", "shop"]))).all()
