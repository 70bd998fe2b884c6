"""What arrives is what was frozen, however much a file that was rewritten looks like the one before."""

import hashlib
import os
from pathlib import Path

import pytest

from tests.channels.delivery_stage import ChannelStage, channel_stage, lay_item
from tests.channels.test_engine import TIMES, at, clock, text

AFTER_THE_LOOK = TIMES.replace("22:00", "22:10")
LARGE = 1024 * 1024 + 1
"""Bytes of a file that goes by itself."""


def rewrite(path: Path, letter: str) -> None:
    """Other content of the same size, in the same inode, under the same time of change."""
    before = path.stat()
    with path.open("r+") as file:
        file.write(letter * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


async def marked(made: ChannelStage, index: int) -> dict[str, bool]:
    """By name, whether what the recipient has hashes as the marker says."""
    lines = (line.split("  ") for line in made.arrived[f"{index}.done"].splitlines())
    return {name: hashlib.sha256(made.arrived[name].encode()).hexdigest() == said for said, name in lines}


@pytest.mark.parametrize("size", [10, LARGE])
@pytest.mark.parametrize("name", ["book.epub", "onix.xml"])
async def test_a_file_that_was_rewritten_under_its_old_looks_is_not_sent_as_the_old_one(
    tmp_path: Path, name: str, size: int
) -> None:
    for item in ("978", "979"):
        lay_item(tmp_path, item, book_epub="a" * size, onix_xml="a" * size)
    async with channel_stage(tmp_path, text(tmp_path, AFTER_THE_LOOK), clock=clock()) as made:
        await made.go_on(at(22, 5))
        rewrite(tmp_path / "titles" / "978" / name, "b")
        await made.go_on(at(22, 11))
        assert f"978_{name}" not in made.arrived
        assert await marked(made, 1) == {"979_book.epub": True, "979_onix.xml": True}
        assert await made.states() == {"978 first": "waiting", "979 first": "delivered"}
        await made.go_on(at(22, 11, day=23))
        assert made.arrived[f"978_{name}"] == "b" * size
        assert await marked(made, 1) == {"978_book.epub": True, "978_onix.xml": True}
        assert set((await made.states()).values()) == {"delivered"}


async def test_a_file_whose_rights_changed_is_sent_all_the_same(tmp_path: Path) -> None:
    lay_item(tmp_path, "978")
    async with channel_stage(tmp_path, text(tmp_path, AFTER_THE_LOOK), clock=clock()) as made:
        await made.go_on(at(22, 5))
        (tmp_path / "titles" / "978" / "book.epub").chmod(0o640)
        await made.go_on(at(22, 11))
        assert await made.states() == {"978 first": "delivered"}


async def test_a_file_that_is_written_in_place_is_not_told_of_as_the_old_one(tmp_path: Path) -> None:
    for item in ("978", "979"):
        lay_item(tmp_path, item)
    inplace = "inplace = true"
    async with channel_stage(tmp_path, text(tmp_path, AFTER_THE_LOOK), clock=clock(), endpoint=inplace) as made:
        await made.go_on(at(22, 5))
        rewrite(tmp_path / "titles" / "978" / "book.epub", "b")
        await made.go_on(at(22, 11))
        assert set(await marked(made, 1)) == {"979_book.epub", "979_onix.xml"}
        assert await made.states() == {"978 first": "waiting", "979 first": "delivered"}
