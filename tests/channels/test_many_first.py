"""Many first deliveries of a new channel wait for a person; those of an old one don't."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.channels import detect
from gateway.channels.snapshot import Brought
from gateway.language.pattern import compile_pattern
from tests.channels.catalogue import Shop, shop


@contextmanager
def filling(made: Shop, *items: str) -> Iterator[None]:
    """These items are being written while the block lasts."""
    with ExitStack() as writers:
        for item in items:
            made.put(item)
            writers.enter_context((made.path / item / "book.epub").open("a"))
        yield


async def states(made: Shop) -> set[str]:
    return set((await made.states()).values())


async def test_more_first_deliveries_than_a_new_channel_may_send_wait_for_a_person(tmp_path: Path) -> None:
    async with shop(tmp_path, most_first=3) as made:
        for item in "abc":
            made.put(item)
        await made.detect()
        assert await states(made) == {"waiting"}
        made.put("d")
        await made.detect()
        queue = await made.queue()
        assert {one.state for one in queue.values()} == {"review"}
        assert "`gateway channel approve shop`" in (queue["a", "first"].reason or "")
        await made.approve()
        made.put("e")
        await made.detect()
        assert await states(made) == {"waiting"}
        assert await made.deliver("first") == ["a", "b", "c", "d", "e"]


async def test_baseline_counts_what_waits_as_delivered(tmp_path: Path) -> None:
    async with shop(tmp_path, most_first=1) as made:
        made.put("a")
        made.put("b")
        await made.detect()
        assert await made.baseline() == 2
        assert await made.states() == {}
        made.put("c")
        made.put("d")
        await made.detect()
        assert await made.states() == {("c", "first"): "waiting", ("d", "first"): "waiting"}


async def test_many_items_that_a_new_selection_takes_wait_for_a_person(tmp_path: Path) -> None:
    async with shop(tmp_path, most_first=1, start="now", include=(compile_pattern("a"),)) as made:
        for item in "abc":
            made.put(item)
        await made.detect()
        made.rules(include=())
        await made.detect()
        assert await made.states() == {("b", "first"): "review", ("c", "first"): "review"}


@pytest.mark.parametrize("name", ["audio", "titles"])
async def test_many_items_of_another_catalogue_wait_for_a_person(tmp_path: Path, name: str) -> None:
    """Or of one of the same name that lies elsewhere now."""
    async with shop(tmp_path, most_first=1, start="now") as made:
        made.put("a")
        await made.detect()
        made.path = tmp_path / "audio"
        made.rules(catalogue=replace(made.channel.catalogue, name=name, path=made.path))
        for item in "bc":
            made.put(item)
        await made.detect()
        assert await made.states() == {("b", "first"): "review", ("c", "first"): "review"}
        await made.approve()
        made.put("d")
        made.put("e")
        await made.detect()
        assert await states(made) == {"waiting"}


async def test_what_is_still_being_written_counts_as_a_first_delivery(tmp_path: Path) -> None:
    async with shop(tmp_path, most_first=2) as made:
        made.put("a")
        with filling(made, "b", "c"):
            await made.detect()
        assert await made.states() == {("a", "first"): "review"}


async def test_what_comes_while_the_rest_is_read_counts_as_a_first_delivery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = detect.bring_up_to_date  # type: ignore[attr-defined]
    async with shop(tmp_path, most_first=2) as made:

        async def meanwhile(*of: Any) -> Brought:
            brought = await reading(*of)
            made.put(next(coming))
            return brought

        monkeypatch.setattr(detect, "bring_up_to_date", meanwhile)
        made.put("a")
        coming = iter("bcd")
        await made.detect()
        assert await made.deliver("first") == ["a"]
        await made.detect()
        assert await made.states() == {("b", "first"): "review"}


async def test_a_new_selection_counts_what_is_being_written_too(tmp_path: Path) -> None:
    async with shop(tmp_path, most_first=1, start="now", include=(compile_pattern("a"),)) as made:
        for item in "ab":
            made.put(item)
        await made.detect()
        made.rules(include=())
        with filling(made, "c"):
            await made.detect()
        assert await made.states() == {("b", "first"): "review"}


async def test_a_delivery_while_the_catalogue_is_filled_lets_no_others_go(tmp_path: Path) -> None:
    async with shop(tmp_path, most_first=2) as made:
        made.put("a")
        with filling(made, "b"):
            await made.detect()
            assert await made.deliver("first") == ["a"]
            for item in "cd":
                made.put(item)
            await made.detect()
        assert await made.states() == {("c", "first"): "review", ("d", "first"): "review"}
        made.put("e")
        await made.detect()
        assert await states(made) == {"review"}


async def test_what_arrived_of_a_catalogue_that_was_filled_counts_with_the_rest(tmp_path: Path) -> None:
    async with shop(tmp_path, most_first=2) as made:
        made.put("a")
        with filling(made, "b"):
            await made.detect()
            assert await made.deliver("first") == ["a"]
            await made.detect()
        made.put("c")
        await made.detect()
        assert await made.states() == {("b", "first"): "review", ("c", "first"): "review"}


async def test_who_approves_while_the_catalogue_is_filled_approves_for_good(tmp_path: Path) -> None:
    async with shop(tmp_path, most_first=1) as made:
        made.put("a")
        with filling(made, "b"):
            await made.detect()
            await made.approve()
            for item in "cd":
                made.put(item)
            await made.detect()
            await made.detect()
        await made.detect()
        assert await states(made) == {"waiting"}


async def test_a_baseline_while_the_catalogue_is_filled_holds_for_good(tmp_path: Path) -> None:
    async with shop(tmp_path, most_first=1) as made:
        made.put("a")
        with filling(made, "b"):
            await made.baseline()
            for item in "cd":
                made.put(item)
            await made.detect()
        await made.detect()
        assert await made.states() == {("c", "first"): "waiting", ("d", "first"): "waiting"}


async def test_an_old_channel_may_get_many_new_items_in_one_day(tmp_path: Path) -> None:
    async with shop(tmp_path, most_first=2) as made:
        made.put("a")
        await made.detect()
        await made.deliver("first")
        with filling(made, "x"):
            await made.detect()
            for item in "bcde":
                made.put(item)
            await made.detect()
        assert await states(made) == {"waiting"}


async def test_a_channel_is_an_old_one_once_its_catalogue_was_at_rest(tmp_path: Path) -> None:
    async with shop(tmp_path, most_first=2) as made:
        made.put("a")
        with filling(made, "b"):
            await made.detect()
            await made.deliver("first")
        await made.detect()
        for item in "cde":
            made.put(item)
        await made.detect()
        assert await states(made) == {"waiting"}


async def test_what_can_not_be_read_keeps_no_channel_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opening = os.open

    def fails(path: str, *rest: Any, **more: Any) -> int:
        if "lost+found" in str(path):
            raise OSError(13, "Permission denied")
        return opening(path, *rest, **more)

    monkeypatch.setattr(os, "open", fails)
    async with shop(tmp_path, most_first=2) as made:
        made.put("a")
        made.put("lost+found")
        assert (await made.detect()).unreadable
        await made.deliver("first")
        for item in "cde":
            made.put(item)
        await made.detect()
        assert await states(made) == {"waiting"}


async def test_once_a_person_is_asked_new_items_wait_for_the_answer_too(tmp_path: Path) -> None:
    async with shop(tmp_path, most_first=2) as made:
        for item in "abc":
            made.put(item)
        await made.detect()
        await made.drop("a", "b")
        made.put("d")
        await made.detect()
        assert await made.states() == {("c", "first"): "review", ("d", "first"): "review"}
        made.rules(most_first=4)
        await made.detect()
        assert await states(made) == {"waiting"}
