"""What was held goes by itself once the reason is gone."""

import shutil
from functools import partial
from pathlib import Path

from gateway.channels.model import Kind
from gateway.language.pattern import compile_pattern
from gateway.ledger import channel_events
from gateway.service.operations_channels import drop
from tests.channels.catalogue import shop
from tests.channels.delivery_stage import ChannelStage, channel_stage, lay_item
from tests.channels.test_engine import at, clock, refusing
from tests.channels.test_overwriting import approve_all, reasons, text, two_days

NO_LONGER = "no longer held: 979/cover.jpg would take the place of 978/cover.jpg, which has the name cover.jpg there"


async def history(made: ChannelStage, item: str) -> list[tuple[str, str | None]]:
    rows = await made.read(partial(channel_events.history, channel="shop", item=item))
    return [(row.state.value, row.reason) for row in rows]


async def test_an_item_goes_once_the_one_that_had_its_name_is_gone(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", cover_jpg="of 978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await two_days(made)
        shutil.rmtree(tmp_path / "titles" / "978")
        await made.go_on(at(21, 30, day=24))
        assert await history(made, "979") == [("waiting", NO_LONGER)]
        await made.go_on(at(22, 30, day=24))
        assert made.arrived == {"cover.jpg": "of 979"}
        assert await history(made, "979") == [("delivered", NO_LONGER)]


async def test_of_two_that_want_a_name_that_is_free_again_one_goes(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", cover_jpg="of 978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await two_days(made)
        lay_item(tmp_path, "980", cover_jpg="of 980")
        await made.go_on(at(22, 30, day=24))
        shutil.rmtree(tmp_path / "titles" / "978")
        await made.go_on(at(21, 30, day=25))
        assert await made.states() == {"978 first": "delivered", "979 first": "waiting", "980 first": "held"}


async def test_what_was_held_by_an_item_that_is_dropped_goes(tmp_path: Path) -> None:
    for item in ("978", "979"):
        lay_item(tmp_path, item, cover_jpg=f"of {item}")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        is_down = refusing(made, "cover.jpg")
        await made.go_on(at(22, 30))
        assert "978/cover.jpg and 979/cover.jpg would both arrive" in (await reasons(made))["979"]
        await drop(made.channels, {"channel": "shop", "items": ["978"], "reason": "withdrawn", "by": "ann"})
        is_down.clear()
        await made.go_on(at(22, 30, day=23))
        assert made.arrived == {"cover.jpg": "of 979"}


async def test_what_was_held_by_a_name_of_that_day_goes_on_another(tmp_path: Path) -> None:
    for item in ("978", "979"):
        lay_item(tmp_path, item, cover_jpg=f"of {item}")
    dated = text(tmp_path).replace('"{name}"', '"{date}/{name}"')
    async with channel_stage(tmp_path, dated, clock=clock()) as made:
        await made.go_on(at(23, 30))
        assert set(await reasons(made)) == {"979"}
        await made.go_on(at(22, 30, day=23))
        assert made.arrived == {"20261122/cover.jpg": "of 978", "20261123/cover.jpg": "of 979"}


async def test_what_a_person_approved_still_is_once_it_goes(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", cover_jpg="of 978")
    manual = text(tmp_path).replace('file = "auto"', 'file = "auto"\nfirst = "manual"')
    async with channel_stage(tmp_path, manual, clock=clock()) as made:
        for day in (22, 23):
            lay_item(tmp_path, f"9{day + 56}", cover_jpg=f"of {day}")
            await made.go_on(at(21, 30, day=day))
            await made.made.engine.ledger.write(approve_all)
            await made.go_on(at(22, 30, day=day))
        assert set(await reasons(made)) == {"979"}
        shutil.rmtree(tmp_path / "titles" / "978")
        await made.go_on(at(22, 30, day=24))
        assert made.arrived == {"cover.jpg": "of 23"}


async def test_what_was_not_well_formed_goes_once_that_file_is_no_metadata_any_more(tmp_path: Path) -> None:
    async with shop(tmp_path, wellformed=True) as made:
        made.put("a", {"book.json": "{", "onix.xml": "<p/>"})
        await made.detect()
        assert await made.states() == {("a", "first"): "held"}
        without = made.channel.catalogue.metadata[:1]
        made.rules(catalogue=made.channel.catalogue.__class__("titles", made.path, without))
        await made.detect()
        assert await made.states() == {("a", "first"): "waiting"}
        assert await made.deliver("first") == ["a"]


async def test_what_is_not_well_formed_stays_held_though_its_names_are_free(tmp_path: Path) -> None:
    async with shop(tmp_path, wellformed=True) as made:
        made.put("a", {"onix.xml": "<p"})
        await made.detect()
        made.put("b")
        await made.detect()
        assert await made.states() == {("a", "first"): "held", ("b", "first"): "waiting"}
        made.rules(manual=frozenset({Kind.FILE}), exclude=(compile_pattern("x"),))
        await made.detect()
        assert (await made.states())["a", "first"] == "held"
