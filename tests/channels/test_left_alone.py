"""What in an item is neither file nor folder is left alone, and told."""

import os
from pathlib import Path

from gateway.language.pattern import compile_pattern
from tests.channels.catalogue import shop


async def test_links_and_pipes_in_an_item_are_told_to_who_selects_it(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        (made.path / "a" / "covers").mkdir()
        (made.path / "a" / "cover.jpg").symlink_to("/nowhere")
        (made.path / "a" / "all").symlink_to(tmp_path)
        os.mkfifo(made.path / "a" / "covers" / "pipe")
        told = "links, pipes and the like in items, which are left alone: a/all, a/cover.jpg, a/covers/pipe"
        assert (await made.detect()).notes == (told,)
        assert (await made.detect()).notes == (told,)
        made.rules(exclude=(compile_pattern("a"),))
        assert told not in (await made.detect()).notes
