"""What a person drops: what waits for him, and what else only where he says so."""

from pathlib import Path

from gateway.service.operations_channels import drop
from tests.channels.delivery_stage import channel_stage, lay_item
from tests.channels.test_engine import TIMES, at, clock, text

MANUAL = TIMES.replace('file = "auto"', 'file = "manual"')


async def test_a_price_that_waits_for_its_time_stays_where_a_file_that_waits_for_a_person_is_dropped(
    tmp_path: Path,
) -> None:
    lay_item(tmp_path, "978", onix_xml="m0", book_epub="f0")
    async with channel_stage(tmp_path, text(tmp_path, MANUAL), clock=clock()) as made:
        await made.go_on(at(22, 40))
        lay_item(tmp_path, "978", onix_xml="m1", book_epub="f1")
        await made.go_on(at(23, 10))
        asked = {"channel": "shop", "items": ["978"], "reason": "bad cover", "by": "ann"}
        assert (await drop(made.channels, asked)).lines == (
            "shop: 1 change is not delivered; the item's next change is a new one",
            "  978: its metadata change goes out all the same; --kind metadata drops it",
        )
        assert await made.states() == {"978 first": "delivered", "978 metadata": "waiting", "978 file": "dropped"}
        assert (await drop(made.channels, asked)).lines == (
            "shop: 1 change is not delivered; the item's next change is a new one",
        )
        assert (await made.states())["978 metadata"] == "dropped"
