"""A delivery of the whole item that a delivery of newer metadata overtook."""

from pathlib import Path

from tests.channels.delivery_stage import channel_stage, lay_item
from tests.channels.test_engine import at, clock, refusing, text


async def test_metadata_that_overtook_a_failed_delivery_of_its_item_stays_what_the_recipient_has(
    tmp_path: Path,
) -> None:
    lay_item(tmp_path, "978", onix_xml="m0", book_epub="f0")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(22, 50))
        lay_item(tmp_path, "978", onix_xml="m1", book_epub="f1")
        is_down = refusing(made, "978_book.epub")
        await made.go_on(at(14, 10, day=23))
        lay_item(tmp_path, "978", onix_xml="m2")
        await made.go_on(at(15, 50, day=23))
        assert made.arrived["978_onix.xml"] == "m2"
        is_down.clear()
        before = len(await made.batches())
        await made.go_on(at(16, 50, day=30))
        assert (made.arrived["978_onix.xml"], made.arrived["978_book.epub"]) == ("m2", "f1")
        assert len(await made.batches()) == before
