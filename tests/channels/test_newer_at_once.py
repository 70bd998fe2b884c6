"""What of a batch that failed is another one by now goes out as it is now when the batch is tried again, not later."""

from pathlib import Path

from tests.channels.delivery_stage import ChannelStage, channel_stage, lay_item
from tests.channels.test_engine import at, clock, down, text


async def fail_with_a_price(made: ChannelStage) -> None:
    """The recipient has 978, and was away when its price became m1; by now that is m2."""
    await made.go_on(at(22, 40))
    lay_item(made.made.root, "978", onix_xml="m1")
    is_down = down(made)
    await made.go_on(at(23, 40))
    lay_item(made.made.root, "978", onix_xml="m2")
    await made.go_on(at(0, 20, day=23))
    is_down.clear()


async def test_a_price_that_changed_after_its_delivery_failed_goes_out_at_the_next_time(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", onix_xml="m0")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await fail_with_a_price(made)
        await made.go_on(at(0, 31, day=23))
        assert made.arrived["978_onix.xml"] == "m2"
        assert await made.states() == {"978 first": "delivered", "978 metadata": "delivered"}


async def test_a_price_that_changed_after_its_delivery_failed_goes_out_by_hand(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", onix_xml="m0")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await fail_with_a_price(made)
        rows = await made.made.ending(made.channels.deliver_now("shop"))
        assert [row.state.value for row in rows] == ["given_up", "delivered"]
        assert made.arrived["978_onix.xml"] == "m2"


async def test_what_changed_and_was_not_looked_at_since_waits_for_the_look(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", onix_xml="m0")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await fail_with_a_price(made)
        lay_item(made.made.root, "978", onix_xml="m3")
        rows = await made.made.ending(made.channels.deliver_now("shop"))
        assert [row.state.value for row in rows] == ["given_up", "given_up"]
        assert made.arrived["978_onix.xml"] == "m0"
        assert (await made.states())["978 metadata"] == "waiting"
