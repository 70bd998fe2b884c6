"""Catalogues that belong to no channel any more are forgotten; what a channel has got never is."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from gateway.ledger import channel_catalogues, channel_retention
from tests.channels.catalogue import Shop, shop


async def tidy(made: Shop, before: int, *catalogues: str) -> None:
    for forget in channel_retention.forgetting(before, lambda: catalogues):
        while await made.services.ledger.write(forget):
            pass


async def held(made: Shop, catalogue: str) -> tuple[int, int, bool]:
    """Its items, files of one item, and whether it is known at all."""
    read = made.services.ledger.read
    files = await read(partial(channel_catalogues.files, catalogue=catalogue, wanted=["a"]))
    look = await read(partial(channel_catalogues.looked, catalogue=catalogue))
    return await read(partial(channel_catalogues.count, catalogue=catalogue)), len(files.get("a", ())), look is not None


async def test_a_catalogue_under_another_name_is_forgotten_under_its_old_one_in_time(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        made.put("b")
        await made.detect()
        await made.deliver("first")
        long_ago = made.services.ledger.now_ns()
        made.rules(catalogue=replace(made.channel.catalogue, name="books"))
        await made.detect()
        await tidy(made, long_ago - 10**9 * 60)
        await tidy(made, made.services.ledger.now_ns() + 1, "titles")
        assert (await held(made, "titles"), await held(made, "books")) == ((2, 2, True), (2, 2, True))
        await tidy(made, made.services.ledger.now_ns() + 1)
        assert (await held(made, "titles"), await held(made, "books")) == ((0, 0, False), (2, 2, True))
        assert await made.states() == {}
        assert (await made.detect()).nothing_changed


async def elsewhere(made: Shop, *items: str) -> None:
    """The channel had these items of `titles`, and takes them from another catalogue since."""
    for item in items:
        made.put(item)
    await made.detect()
    made.rules(catalogue=replace(made.channel.catalogue, name="books"))
    await made.detect()


async def bites(made: Shop, most: int, *catalogues: str) -> int:
    """What is old is forgotten, and cut off after so many bites; how many there were."""
    taken = 0
    for forget in channel_retention.forgetting(made.services.ledger.now_ns() + 1, lambda: catalogues):
        while taken < most and await made.services.ledger.write(forget) > 0:
            taken += 1
    return taken


@pytest.mark.parametrize("most", [1, 2, 3, 4])
async def test_a_catalogue_that_was_half_forgotten_is_whole_once_a_channel_has_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(channel_retention, "BITE", 1)
    async with shop(tmp_path) as made:
        await elsewhere(made, "b", "a", "c")
        before = await held(made, "titles")
        assert await bites(made, most) == most
        made.rules(catalogue=replace(made.channel.catalogue, name="titles"))
        await made.detect()
        assert (await held(made, "titles"), before) == ((3, 2, True), (3, 2, True))


async def test_a_catalogue_that_comes_back_while_it_is_forgotten_keeps_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_retention, "BITE", 1)
    async with shop(tmp_path) as made:
        await elsewhere(made, "a", "b", "c")
        names: set[str] = set()

        def in_use() -> set[str]:
            return names

        for forget in channel_retention.forgetting(made.services.ledger.now_ns() + 1, in_use):
            while await made.services.ledger.write(forget):
                names.add("titles")
        assert (await held(made, "titles"))[::2] == (2, True)


async def test_what_a_removed_channel_has_got_is_known_when_it_comes_back(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a", {"onix.xml": "<m><Header>1</Header><p>9</p></m>"})
        await made.detect()
        await made.deliver("first")
        await tidy(made, made.services.ledger.now_ns() * 2)
        made.ignoring("//Header")
        await made.detect()
        assert await made.states() == {}
        made.put("a", {"onix.xml": "<m><Header>2</Header><p>8</p></m>"})
        await made.detect()
        assert await made.states() == {("a", "metadata"): "waiting"}
