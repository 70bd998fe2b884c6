"""What a person lets go goes: what never can is refused, with the reason."""

from pathlib import Path

import pytest

from gateway.core.errors import Refused
from gateway.service.operations_channels import approve
from tests.channels.delivery_stage import channel_stage, channel_text, lay_item
from tests.channels.test_engine import TIMES, at, clock


async def test_an_item_whose_own_files_want_one_name_is_not_let_go(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", a_jpg="a", b_jpg="b")
    there = channel_text(tmp_path, TIMES).replace("{item}_{name}", "{item}{ext}")
    async with channel_stage(tmp_path, there, clock=clock()) as made:
        await made.go_on(at(22, 1))
        with pytest.raises(Refused, match=r"978 can't go out: 978/a\.jpg and 978/b\.jpg would both arrive as 978\.jpg"):
            await approve(made.channels, {"channel": "shop", "items": ["978"], "by": "ann"})
        assert await made.states() == {"978 first": "held"}
