"""Deliveries that failed half-way: what they brought is what the recipient has, whatever became of the rest."""

from pathlib import Path

from gateway.core.errors import LinkLost
from tests.channels.delivery_stage import channel_stage, lay_item
from tests.channels.test_engine import TIMES, at, clock, down, refusing, text
from tests.channels.test_frozen_content import marked

DAILY = TIMES.replace('every = "week", day = "Mo"', 'every = "day"')


async def test_metadata_that_overtook_a_failed_delivery_of_its_item_stays_what_the_recipient_has(
    tmp_path: Path,
) -> None:
    lay_item(tmp_path, "978", onix_xml="m0", book_epub="f0")
    async with channel_stage(tmp_path, text(tmp_path, DAILY), clock=clock()) as made:
        await made.go_on(at(22, 50))
        lay_item(tmp_path, "978", onix_xml="m1", book_epub="f1")
        is_down = refusing(made, "978_book.epub")
        await made.go_on(at(14, 10, day=23))
        lay_item(tmp_path, "978", onix_xml="m2")
        await made.go_on(at(15, 50, day=23))
        assert made.arrived["978_onix.xml"] == "m2"
        is_down.clear()
        before = len(await made.batches())
        await made.go_on(at(16, 50, day=24))
        assert (made.arrived["978_onix.xml"], made.arrived["978_book.epub"]) == ("m2", "f1")
        assert len(await made.batches()) == before


async def test_the_marker_of_a_delivery_that_was_overtaken_tells_of_what_stands_there(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", onix_xml="m0", book_epub="f0")
    lay_item(tmp_path, "979", onix_xml="m0", book_epub="f0")
    async with channel_stage(tmp_path, text(tmp_path, DAILY), clock=clock()) as made:
        await made.go_on(at(22, 50))
        for item in ("978", "979"):
            lay_item(tmp_path, item, onix_xml="m1", book_epub="f1")
        is_down = refusing(made, "978_book.epub")
        await made.go_on(at(14, 10, day=23))
        lay_item(tmp_path, "978", onix_xml="m2")
        await made.go_on(at(15, 50, day=23))
        is_down.clear()
        await made.go_on(at(16, 50, day=24))
        files = {f"{item}_{name}" for item in ("978", "979") for name in ("onix.xml", "book.epub")}
        (batch,) = [row for row in await made.batches() if row.kind == "file"]
        assert await marked(made, batch.number) == dict.fromkeys(files, True)


async def test_metadata_that_a_failed_delivery_brought_is_corrected_once_its_item_is_as_it_was(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", onix_xml="m0", book_epub="f0")
    rare = DAILY.replace('{ every = "hour", at = ":30" }', '{ every = "day", at = "15:00" }')
    async with channel_stage(tmp_path, text(tmp_path, rare), clock=clock()) as made:
        await made.go_on(at(22, 50))
        lay_item(tmp_path, "978", onix_xml="m1", book_epub="f1")
        refusing(made, "978_book.epub")
        await made.go_on(at(14, 10, day=23))
        assert made.arrived["978_onix.xml"] == "m1"
        lay_item(tmp_path, "978", onix_xml="m0", book_epub="f0")
        await made.go_on(at(16, 50, day=24))
        assert (made.arrived["978_onix.xml"], made.arrived["978_book.epub"]) == ("m0", "f0")
        assert await made.states() == {"978 first": "delivered", "978 metadata": "delivered", "978 file": "dropped"}


async def test_metadata_that_may_have_arrived_unheard_of_is_corrected_once_its_item_is_as_it_was(
    tmp_path: Path,
) -> None:
    lay_item(tmp_path, "978", onix_xml="m0")
    async with channel_stage(tmp_path, text(tmp_path, DAILY), clock=clock()) as made:
        await made.go_on(at(22, 50))
        is_down: set[str] = set()

        async def before(call: str, path: str) -> None:
            if call == "rename":
                next(made.made.far.glob(".978_onix.xml.*")).rename(made.made.far / path)
                lay_item(tmp_path, "978", onix_xml="m0")
                is_down.add("down")
            if is_down:
                raise LinkLost(f"{call} {path}: nobody answers")

        lay_item(tmp_path, "978", onix_xml="m1")
        made.made.disturb(before)
        await made.go_on(at(23, 40))
        assert (made.arrived["978_onix.xml"], is_down) == ("m1", {"down"})
        down(made).clear()
        await made.go_on(at(2, 40, day=23))
        assert made.arrived["978_onix.xml"] == "m0"
