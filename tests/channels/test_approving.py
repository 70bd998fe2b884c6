"""What a person lets go goes: what can't is held with the reason, before a delivery finds it."""

from pathlib import Path

import pytest

from gateway.core.errors import NeedsOperator
from gateway.service.operations import Said
from gateway.service.operations_channels import approve
from tests.channels.delivery_stage import ChannelStage, channel_stage, channel_text, lay_item
from tests.channels.test_engine import TIMES, at, clock

MANUAL = TIMES.replace('file = "auto"', 'first = "manual"')


async def let_go(made: ChannelStage, *items: str) -> Said:
    return await approve(made.channels, {"channel": "shop", "items": items, "by": "ann"})


async def test_an_item_whose_own_files_want_one_name_is_not_let_go(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", a_jpg="a", b_jpg="b")
    there = channel_text(tmp_path, TIMES).replace("{item}_{name}", "{item}{ext}")
    async with channel_stage(tmp_path, there, clock=clock()) as made:
        await made.go_on(at(22, 1))
        said = await let_go(made, "978")
        assert said.exit_code == NeedsOperator.exit_code
        assert "  978 is held: 978/a.jpg and 978/b.jpg would both arrive as 978.jpg" in said.lines[1]
        assert await made.states() == {"978 first": "held"}


@pytest.mark.parametrize("items", [(), ("978", "979")])
async def test_of_two_items_that_want_one_name_the_later_is_held_as_they_are_let_go(
    tmp_path: Path, items: tuple[str, ...]
) -> None:
    for item in ("978", "979"):
        lay_item(tmp_path, item, cover_jpg=item)
    there = channel_text(tmp_path, MANUAL).replace("{item}_{name}", "{name}")
    async with channel_stage(tmp_path, there, clock=clock()) as made:
        await made.go_on(at(21, 59))
        said = await let_go(made, *items)
        assert said.lines[0].startswith("shop: 1 change goes out at its next time")
        assert said.facts["held"]["979"].startswith("978/cover.jpg and 979/cover.jpg would both arrive as cover.jpg")
        assert await made.states() == {"978 first": "waiting", "979 first": "held"}
        assert (await let_go(made, "979")).facts["approved"] == 0
        await made.go_on(at(22, 1))
        assert made.arrived == {"cover.jpg": "978"}
        assert "would take the place of" in (await let_go(made, "979")).facts["held"]["979"]
        assert (await let_go(made, "979")).facts["approved"] == 1
        await made.go_on(at(22, 1, day=23))
        assert made.arrived == {"cover.jpg": "979"}
