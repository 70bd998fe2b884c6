"""Files of two items that would get one name at the recipient, in deliveries of two days."""

from pathlib import Path

from gateway.ledger import Connection, channel_events, channel_going
from tests.channels.delivery_stage import ChannelStage, channel_stage, channel_text, lay_item
from tests.channels.test_engine import TIMES, at, clock


async def reasons(made: ChannelStage) -> dict[str, str]:
    rows = await made.read(lambda connection: channel_events.queue(connection, "shop"))
    return {row.item: row.reason or "" for row in rows}


async def two_days(made: ChannelStage) -> None:
    """What there is goes out; 979 comes with a name that 978 has, and its time, too."""
    await made.go_on(at(22, 30))
    lay_item(made.made.root, "979", cover_jpg="of 979")
    await made.go_on(at(22, 30, day=23))


def text(root: Path) -> str:
    """Names without their items."""
    return channel_text(root, TIMES).replace('"{item}_{name}"', '"{name}"')


async def test_a_file_of_one_item_is_not_silently_replaced_by_that_of_another(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", cover_jpg="of 978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await two_days(made)
        assert made.arrived == {"cover.jpg": "of 978"}
        assert "979/cover.jpg would take the place of 978/cover.jpg" in (await reasons(made))["979"]


async def test_a_person_may_let_it_be_replaced(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", cover_jpg="of 978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await two_days(made)
        await made.made.engine.ledger.write(approve_all)
        await made.go_on(at(22, 30, day=24))
        assert made.arrived == {"cover.jpg": "of 979"}


async def test_who_took_a_name_has_it_from_then_on(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", cover_jpg="of 978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await two_days(made)
        await made.made.engine.ledger.write(approve_all)
        await made.go_on(at(22, 30, day=24))
        lay_item(tmp_path, "979", cover_jpg="new of 979")
        await made.go_on(at(14, 30, day=30))
        assert made.arrived == {"cover.jpg": "new of 979"}


async def test_a_person_is_told_of_every_file_that_would_be_replaced(tmp_path: Path) -> None:
    lay_item(tmp_path, "977", back_jpg="of 977")
    lay_item(tmp_path, "978", cover_jpg="of 978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(22, 30))
        lay_item(tmp_path, "979", cover_jpg="of 979", back_jpg="of 979")
        await made.go_on(at(22, 30, day=23))
        said = (await reasons(made))["979"]
        assert "977/back.jpg" in said
        assert "978/cover.jpg" in said


async def test_a_recipient_that_tells_no_case_apart_keeps_names_of_any_language(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", **{"Äpfel_jpg": "of 978"})
    async with channel_stage(tmp_path, text(tmp_path), clock=clock(), endpoint='case = "ignore"') as made:
        await made.go_on(at(22, 30))
        lay_item(tmp_path, "979", **{"äPFEL_jpg": "of 979"})
        await made.go_on(at(22, 30, day=23))
        assert made.arrived == {"Äpfel.jpg": "of 978"}


async def test_what_a_person_approved_and_names_held_goes_once_they_differ(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", cover_jpg="of 978")
    manual = text(tmp_path).replace('file = "auto"', 'file = "auto"\nfirst = "manual"')
    async with channel_stage(tmp_path, manual, clock=clock()) as made:
        await made.go_on(at(21, 30))
        await made.made.engine.ledger.write(approve_all)
        await made.go_on(at(22, 30))
        lay_item(tmp_path, "979", cover_jpg="of 979")
        await made.go_on(at(21, 30, day=23))
        await made.made.engine.ledger.write(approve_all)
        await made.go_on(at(22, 30, day=23))
        assert "978/cover.jpg" in (await reasons(made))["979"]
        await made.reload(manual.replace('"{name}"', '"{item}_{name}"'))
        await made.go_on(at(22, 30, day=24))
        assert made.arrived == {"cover.jpg": "of 978", "979_cover.jpg": "of 979"}


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


async def baselined(made: ChannelStage) -> None:
    """What there is counts as delivered; then 979 comes with the name of 978."""
    await made.made.ending(made.channels.baseline("shop"))
    lay_item(made.made.root, "979", cover_jpg="of 979")
    await made.go_on(at(22, 30))


async def test_what_counts_as_delivered_keeps_its_names(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", cover_jpg="of 978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await baselined(made)
        assert made.arrived == {}
        assert "979/cover.jpg would take the place of 978/cover.jpg" in (await reasons(made))["979"]


async def test_what_counted_when_a_channel_began_keeps_its_names(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", cover_jpg="of 978")
    now = text(tmp_path).replace('start = "all"', 'start = "now"')
    async with channel_stage(tmp_path, now, clock=clock()) as made:
        await made.go_on(at(12, 30))
        lay_item(tmp_path, "979", cover_jpg="of 979")
        await made.go_on(at(22, 30))
        assert "978/cover.jpg" in (await reasons(made))["979"]


async def test_what_counted_as_it_came_to_rest_keeps_its_names(tmp_path: Path) -> None:
    there = lay_item(tmp_path, "978", cover_jpg="of 978")
    (there / "book.part").write_text("half a book")
    now = text(tmp_path).replace('start = "all"', 'start = "now"')
    async with channel_stage(tmp_path, now, clock=clock()) as made:
        await made.go_on(at(12, 30))
        (there / "book.part").unlink()
        await made.go_on(at(13, 30))
        lay_item(tmp_path, "979", cover_jpg="of 979")
        await made.go_on(at(22, 30))
        assert "978/cover.jpg" in (await reasons(made))["979"]


async def test_who_took_the_name_of_what_counts_as_delivered_has_it_from_then_on(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", cover_jpg="of 978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await baselined(made)
        await made.made.engine.ledger.write(approve_all)
        await made.go_on(at(22, 30, day=23))
        lay_item(tmp_path, "979", cover_jpg="new of 979")
        await made.go_on(at(14, 30, day=30))
        assert made.arrived == {"cover.jpg": "new of 979"}


async def test_what_counts_as_delivered_under_the_name_of_another_is_held_once_it_changes(tmp_path: Path) -> None:
    for item in ("977", "978", "979"):
        lay_item(tmp_path, item, cover_jpg=f"of {item}")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.made.ending(made.channels.baseline("shop"))
        for item in ("977", "978", "979"):
            lay_item(tmp_path, item, cover_jpg=f"new of {item}")
        await made.go_on(at(14, 30, day=23))
        assert (set(await reasons(made)), made.arrived) == ({"977", "978", "979"}, {})


async def test_what_counts_keeps_no_name_where_each_delivery_has_others(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", cover_jpg="of 978")
    dated = text(tmp_path).replace('"{name}"', '"{date}/{name}"')
    async with channel_stage(tmp_path, dated, clock=clock()) as made:
        await baselined(made)
        assert made.arrived == {"20261122/cover.jpg": "of 979"}
