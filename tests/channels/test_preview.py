"""What is told of batches to come: each with the number that it will have."""

from functools import partial
from pathlib import Path

from gateway.channels.model import Kind
from gateway.channels.preview import previews
from tests.channels.delivery_stage import channel_stage, lay_item
from tests.channels.test_engine import at, clock, text


async def test_batches_to_come_are_numbered_in_the_order_of_their_times(tmp_path: Path) -> None:
    for item in ("978", "979"):
        lay_item(tmp_path, item)
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(22, 40))
        lay_item(tmp_path, "977")
        lay_item(tmp_path, "978", book_epub="f1")
        lay_item(tmp_path, "979", onix_xml="m1")
        await made.go_on(at(23, 10))
        shop = made.channels.channel("shop")
        times = {Kind.FIRST: at(22, day=23), Kind.FILE: at(14, day=23), Kind.METADATA: at(23, 30)}
        found = await made.read(partial(previews, channel=shop, due=times))
        assert [(one.kind, one.number, one.files[-1].final) for one in found] == [
            (Kind.METADATA, 2, "2.done"),
            (Kind.FILE, 1, "1.done"),
            (Kind.FIRST, 2, "2.done"),
        ]
