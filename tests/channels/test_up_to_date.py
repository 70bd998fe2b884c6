"""What waits goes out by the rules of the moment, also where they changed after the last look."""

import asyncio
from pathlib import Path

from gateway.channels.model import Kind
from gateway.language.pattern import compile_pattern
from tests.channels.catalogue import shop
from tests.channels.delivery_stage import channel_stage, lay_item
from tests.channels.test_engine import TIMES, at, clock, text


async def test_a_kind_that_is_manual_from_now_on_waits_for_approval_before_the_next_look(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        await made.detect()
        made.rules(manual=frozenset({Kind.FIRST}))
        assert await made.deliver("first") == []
        assert await made.states() == {("a", "first"): "review"}


async def test_what_was_approved_goes_out_also_by_newer_rules(tmp_path: Path) -> None:
    async with shop(tmp_path, manual=frozenset({Kind.FIRST})) as made:
        made.put("a")
        await made.detect()
        await made.approve("a")
        made.rules(manual=frozenset({Kind.FIRST, Kind.FILE}))
        assert await made.deliver("first") == ["a"]


async def test_an_item_that_left_the_selection_does_not_go_out_before_the_next_look(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        made.put("b")
        await made.detect()
        made.rules(exclude=(compile_pattern("a"),))
        assert await made.deliver("first") == ["b"]
        await made.detect()
        assert await made.states() == {}


async def test_a_delivery_by_hand_that_waits_for_another_goes_by_what_was_reloaded_meanwhile(tmp_path: Path) -> None:
    lay_item(tmp_path, "978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(21, 50))
        is_writing, may_go = asyncio.Event(), asyncio.Event()

        async def before(call: str, path: str) -> None:
            if call == "write":
                is_writing.set()
                await may_go.wait()

        made.made.disturb(before)
        earlier = asyncio.ensure_future(made.channels.deliver_now("shop"))
        await made.made.ending(is_writing.wait())
        lay_item(tmp_path, "979")
        await made.made.ending(made.channels.detect(["shop"]))
        later = asyncio.ensure_future(made.channels.deliver_now("shop"))
        await asyncio.sleep(0)
        await made.reload(text(tmp_path, f'{TIMES}first = "manual"'))
        may_go.set()
        await made.made.ending(asyncio.gather(earlier, later))
        assert await made.states() == {"978 first": "delivered", "979 first": "review"}
