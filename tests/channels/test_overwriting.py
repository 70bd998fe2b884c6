"""Files of two items that would get one name at the recipient, in deliveries of two days."""

from pathlib import Path

from gateway.ledger import Connection, channel_events, channel_going
from tests.channels.delivery_stage import ChannelStage, channel_stage, channel_text, lay_item
from tests.channels.test_engine import TIMES, at, clock


async def reasons(made: ChannelStage) -> dict[str, str]:
    rows = await made.read(lambda connection: channel_events.queue(connection, "shop"))
    return {row.item: row.reason or "" for row in rows}


def text(root: Path) -> str:
    """Names without their items."""
    return channel_text(root, TIMES).replace('"{item}_{name}"', '"{name}"')


async def test_a_file_of_one_item_is_not_silently_replaced_by_that_of_another(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", cover_jpg="of 978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(22, 30))
        lay_item(tmp_path, "979", cover_jpg="of 979")
        await made.go_on(at(22, 30, day=23))
        assert made.arrived == {"cover.jpg": "of 978"}
        assert "979/cover.jpg would take the place of 978/cover.jpg" in (await reasons(made))["979"]


async def test_a_person_may_let_it_be_replaced(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", cover_jpg="of 978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(22, 30))
        lay_item(tmp_path, "979", cover_jpg="of 979")
        await made.go_on(at(22, 30, day=23))
        await made.made.engine.ledger.write(approve_all)
        await made.go_on(at(22, 30, day=24))
        assert made.arrived == {"cover.jpg": "of 979"}


async def test_an_item_overwrites_its_own_files(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", cover_jpg="of 978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(22, 30))
        lay_item(tmp_path, "978", cover_jpg="new")
        await made.go_on(at(14, 30, day=23))
        assert made.arrived == {"cover.jpg": "new"}


async def test_a_renamed_item_takes_the_names_that_it_had(tmp_path: Path) -> None:
    there = lay_item(tmp_path, "978", cover_jpg="of 978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(22, 30))
        there.rename(there.with_name("979"))
        (there.with_name("979") / "cover.jpg").write_text("better")
        await made.go_on(at(22, 30, day=23))
        assert made.arrived == {"cover.jpg": "better"}


def approve_all(connection: Connection) -> int:
    events = channel_events.queue(connection, "shop")
    return channel_going.approve(connection, "shop", events, "ann")
