"""One detection: what is new, what changed, and what can't be concluded."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.channels import snapshot
from gateway.channels.comparing import Comparing
from gateway.channels.detected import Detected
from gateway.channels.model import Kind
from gateway.core.errors import NeedsOperator, NotThere
from gateway.language.pattern import compile_pattern
from tests.channels.catalogue import shop


async def test_an_item_that_the_channel_never_got_is_a_first_delivery(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        found = await made.detect()
        (event,) = (await made.queue()).values()
    assert (found.first, found.metadata, found.file, found.nothing_changed) == (1, 0, 0, False)
    assert (event.item, event.kind, event.state, event.changed) == ("a", "first", "waiting", ("onix.xml", "book.epub"))


async def test_nothing_changed_reads_no_file_and_raises_nothing(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        first = await made.detect()
        again = await made.detect()
    assert (first.hashed_files, again.hashed_files, again.nothing_changed) == (2, 0, True)


async def test_only_files_with_another_stamp_are_read(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        made.put("b")
        await made.detect()
        made.put("b", {"book.epub": "errata corrected"})
        assert (await made.detect()).hashed_files == 1


async def test_changes_are_told_apart_by_what_changed(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        for item in ("a", "b", "c", "d"):
            made.put(item)
        await made.detect()
        await made.deliver("first")
        made.put("a", {"onix.xml": "<p>8.99</p>"})
        made.put("b", {"book.epub": "errata corrected"})
        made.put("c", {"onix.xml": "<p>8.99</p>", "cover.jpg": "new"})
        os.utime(made.path / "d" / "onix.xml")
        found = await made.detect()
        queue = await made.queue()
    assert {key: one.changed for key, one in queue.items()} == {
        ("a", "metadata"): ("onix.xml",),
        ("b", "file"): ("book.epub",),
        ("c", "metadata"): ("onix.xml",),
        ("c", "file"): ("onix.xml", "cover.jpg"),
    }
    assert (found.first, found.metadata, found.file) == (0, 2, 2)


async def test_several_changes_become_one_delivery_and_one_that_is_undone_becomes_none(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        made.put("b")
        await made.detect()
        await made.deliver("first")
        for price in ("8", "7"):
            made.put("a", {"onix.xml": f"<p>{price}</p>"})
            made.put("b", {"onix.xml": f"<p>{price}</p>"})
            await made.detect()
        made.put("b")
        await made.detect()
        assert await made.states() == {("a", "metadata"): "waiting"}
        assert await made.deliver("metadata") == ["a"]
        await made.detect()
        assert await made.states() == {}


async def test_a_first_delivery_swallows_the_changes_before_it(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        await made.detect()
        made.put("a", {"onix.xml": "<p>1</p>", "book.epub": "other"})
        await made.detect()
        assert await made.states() == {("a", "first"): "waiting"}
        await made.deliver("first")
        await made.detect()
        assert await made.states() == {}


async def test_a_file_delivery_takes_a_waiting_metadata_change_along(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        await made.detect()
        await made.deliver("first")
        made.put("a", {"onix.xml": "<p>1</p>", "book.epub": "other"})
        await made.detect()
        assert set(await made.states()) == {("a", "metadata"), ("a", "file")}
        await made.deliver("file")
        assert await made.states() == {}
        assert (await made.detect()).nothing_changed


async def test_start_now_counts_what_is_there_as_delivered(tmp_path: Path) -> None:
    async with shop(tmp_path, start="now") as made:
        made.put("a")
        found = await made.detect()
        made.put("b")
        made.put("a", {"onix.xml": "<p>1</p>"})
        later = await made.detect()
        assert await made.states() == {("a", "metadata"): "waiting", ("b", "first"): "waiting"}
    assert (found.counted, found.first, later.first, later.metadata) == (1, 0, 1, 1)


async def test_start_now_counts_also_what_was_not_at_rest_then(tmp_path: Path) -> None:
    async with shop(tmp_path, start="now") as made:
        made.put("a")
        with (made.path / "a" / "book.epub").open("a") as writer:
            found = await made.detect()
            writer.write("the rest")
        await made.detect()
        assert await made.states() == {}
        made.put("a", {"onix.xml": "<p>1</p>"})
        await made.detect()
        assert await made.states() == {("a", "metadata"): "waiting"}
    assert found.counted == 1
    assert "book.epub" in found.unstable[0]


async def test_an_item_that_is_being_written_waits_for_the_next_detection(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        made.put("b")
        with (made.path / "a" / "book.epub").open("a"):
            found = await made.detect()
            assert await made.states() == {("b", "first"): "waiting"}
        later = await made.detect()
        assert await made.states() == {("a", "first"): "waiting", ("b", "first"): "waiting"}
    assert found.unstable == ("a: book.epub: a process has it open for writing",)
    assert (later.first, later.hashed_files) == (1, 2)


async def test_a_change_that_is_being_written_leaves_what_was_at_rest(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        await made.detect()
        await made.deliver("first")
        with (made.path / "a" / "book.epub").open("w") as writer:
            writer.write("ha")
            writer.flush()
            await made.detect()
            assert await made.states() == {}
            writer.write("lf")
        await made.detect()
        assert await made.states() == {("a", "file"): "waiting"}


async def test_files_under_temporary_names_keep_an_item_waiting_while_they_grow_only(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a", {"onix.xml": "<p/>", ".book.epub.x7f": "ha"})
        with (made.path / "a" / ".book.epub.x7f").open("a"):
            assert (await made.detect()).unstable
        assert (await made.detect()).first == 1
        (event,) = (await made.queue()).values()
        assert event.changed == ("onix.xml",)


@pytest.mark.parametrize("how", ["gone", "emptied", "a file"])
async def test_a_catalogue_that_is_not_there_concludes_nothing(tmp_path: Path, how: str) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        made.put("b")
        await made.detect()
        await made.deliver("first")
        made.put("b", {"onix.xml": "<p>1</p>"})
        await made.detect()
        away = made.path.rename(tmp_path / "away")
        if how == "emptied":
            made.path.mkdir()
        elif how == "a file":
            made.path.write_text("")
        with pytest.raises((NotThere, NeedsOperator), match="nothing is concluded"):
            await made.detect()
        assert "nothing is concluded" in ((await made.look()).error or "")
        assert await made.states() == {("b", "metadata"): "waiting"}
        if how != "gone":
            made.path.rmdir() if how == "emptied" else made.path.unlink()
        away.rename(made.path)
        assert (await made.detect()).nothing_changed
        assert (await made.look()).error is None


async def test_a_catalogue_that_never_held_anything_may_be_empty(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        assert (await made.detect()).nothing_changed


async def test_an_item_that_vanished_is_reported_once_and_never_delivered(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        made.put("b")
        await made.detect()
        await made.deliver("first")
        made.put("a", {"onix.xml": "<p>1</p>"})
        await made.detect()
        (made.path / "a").rename(tmp_path / "kept")
        found, again = await made.detect(), await made.detect()
        assert await made.states() == {}
        (tmp_path / "kept").rename(made.path / "a")
        back = await made.detect()
        assert await made.states() == {("a", "metadata"): "waiting"}
    assert (found.vanished, again.vanished, again.nothing_changed, back.metadata) == (("a",), (), True, 1)


async def test_a_file_that_vanished_from_an_item_is_reported_and_no_event(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a", {"onix.xml": "<p/>", "a.epub": "a", "b.pdf": "b"})
        await made.detect()
        await made.deliver("first")
        (made.path / "a" / "b.pdf").unlink()
        found, again = await made.detect(), await made.detect()
        assert await made.states() == {}
        made.put("a", {"a.epub": "other"})
        await made.detect()
        (event,) = (await made.queue()).values()
    assert found.notes == ("gone, and no recipient is told to delete: a/b.pdf",)
    assert again.nothing_changed
    assert event.changed == ("a.epub",)


async def test_an_item_that_is_no_longer_selected_is_not_sent(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        made.put("b")
        await made.detect()
        made.rules(exclude=(compile_pattern("b"),))
        found, again = await made.detect(), await made.detect()
        assert await made.states() == {("a", "first"): "waiting"}
    assert found.notes == ("no longer selected, and no recipient is told to delete: b",)
    assert (found.nothing_changed, again.nothing_changed, again.notes) == (False, True, ())


async def test_an_item_that_vanishes_before_it_was_sent_is_reported_and_leaves_the_queue(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        made.put("b")
        await made.detect()
        (made.path / "a").rename(tmp_path / "kept")
        found = await made.detect()
        assert await made.states() == {("b", "first"): "waiting"}
        (tmp_path / "kept").rename(made.path / "a")
        assert (await made.detect()).first == 1
    assert (found.vanished, found.nothing_changed) == (("a",), False)


async def test_an_unreadable_file_keeps_its_item_back_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        made.put("b")
        opening = os.open

        def fails(path: str, *rest: Any, **more: Any) -> int:
            if str(path).endswith("a/book.epub"):
                raise OSError(5, "Input/output error")
            return opening(path, *rest, **more)

        monkeypatch.setattr(os, "open", fails)
        found = await made.detect()
        assert await made.states() == {("b", "first"): "waiting"}
        monkeypatch.undo()
        assert (await made.detect()).first == 1
    assert found.unreadable == ("a: book.epub: Input/output error",)


async def test_an_item_that_can_not_be_listed_is_not_taken_for_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        made.put("b")
        await made.detect()
        await made.deliver("first")
        listing = os.scandir

        def fails(path: str) -> object:
            if str(path).endswith("/a"):
                raise OSError(5, "Input/output error")
            return listing(path)

        monkeypatch.setattr(os, "scandir", fails)
        found = await made.detect()
        monkeypatch.undo()
        again = await made.detect()
    assert found.vanished == ()
    assert found.unreadable == ("a: Input/output error",)
    assert (again.hashed_files, again.nothing_changed) == (0, True)


async def test_manual_kinds_wait_for_approval_and_a_newer_change_for_another(tmp_path: Path) -> None:
    async with shop(tmp_path, manual=frozenset({Kind.FILE})) as made:
        made.put("a")
        await made.detect()
        await made.deliver("first")
        made.put("a", {"book.epub": "two"})
        await made.detect()
        assert await made.states() == {("a", "file"): "review"}
        await made.approve("a")
        assert await made.states() == {("a", "file"): "waiting"}
        made.put("a", {"book.epub": "three"})
        await made.detect()
        (event,) = (await made.queue()).values()
        assert (event.state, event.reason) == ("review", "it changed after ann approved it")


async def test_what_was_dropped_counts_as_got_until_it_changes(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        made.put("b")
        await made.detect()
        await made.deliver("first")
        made.put("c")
        made.put("a", {"onix.xml": "<p>1</p>"})
        await made.detect()
        await made.drop("a", "c")
        made.put("b", {"onix.xml": "<p>2</p>"})
        await made.detect()
        assert await made.states() == {("b", "metadata"): "waiting"}
        made.put("a", {"onix.xml": "<p>3</p>"})
        made.put("c", {"onix.xml": "<p>3</p>"})
        await made.detect()
        assert set(await made.states()) == {("a", "metadata"), ("b", "metadata"), ("c", "first")}


async def test_metadata_that_is_not_well_formed_is_sent_unless_the_channel_says_otherwise(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a", {"onix.xml": "<p>9.99", "book.epub": "text"})
        await made.detect()
        assert await made.states() == {("a", "first"): "waiting"}
        made.rules(wellformed=True)
        await made.detect()
        (event,) = (await made.queue()).values()
        assert (event.state, event.reason) == ("held", "onix.xml: line 1, column 8: no element found")
        made.put("a")
        await made.detect()
        assert await made.states() == {("a", "first"): "waiting"}


async def test_parts_of_metadata_that_are_ignored_are_no_change(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.ignoring("//Header")
        made.put("a", {"onix.xml": "<m><Header>monday</Header><p>9</p></m>"})
        await made.detect()
        await made.deliver("first")
        made.put("a", {"onix.xml": "<m><Header>tuesday</Header><p>9</p></m>"})
        found = await made.detect()
        assert (found.hashed_files, found.nothing_changed) == (1, True)
        made.put("a", {"onix.xml": "<m><Header>tuesday</Header><p>8</p></m>"})
        await made.detect()
        assert await made.states() == {("a", "metadata"): "waiting"}


async def test_new_rules_of_what_counts_are_no_change_of_any_item(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        made.put("b")
        await made.detect()
        await made.deliver("first")
        made.put("b", {"onix.xml": "<p>1</p>"})
        await made.detect()
        made.ignoring("//Header")
        found = await made.detect()
        assert await made.states() == {("b", "metadata"): "waiting"}
        assert (found.metadata, found.hashed_files) == (0, 2)
        await made.deliver("metadata")
        assert (await made.detect()).nothing_changed


async def test_a_change_while_its_kind_is_under_way_is_found_after_that(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        await made.detect()
        (event,) = await made.freeze("first")
        made.put("a", {"onix.xml": "<p>1</p>"})
        found = await made.detect()
        assert await made.states() == {}
        await made.arrive(event)
        await made.detect()
        assert await made.states() == {("a", "metadata"): "waiting"}
    assert "1 item changed while it goes out" in found.notes[0]


async def test_each_channel_of_a_catalogue_has_its_own_queue(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        other = replace(made.channel, name="library", include=(compile_pattern("b"),))
        made.put("a")
        made.put("b")
        await made.detect(other)
        await made.deliver("first")
        assert await made.states() == {}
        assert set(await made.queue("library")) == {("b", "first")}


async def test_what_another_channels_detection_saw_goes_out_as_it_is_now(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        await made.detect()
        made.put("a", {"onix.xml": "<p>1</p>"})
        mine, made.channel = made.channel, replace(made.channel, name="library")
        await made.detect()
        made.channel = mine
        await made.deliver("first")
        await made.detect()
        assert await made.states() == {}


async def test_a_change_that_comes_with_new_rules_is_found_all_the_same(tmp_path: Path) -> None:
    async with shop(tmp_path) as made:
        for item in ("a", "b", "c"):
            made.put(item, {"onix.xml": "<m><Header>1</Header><p>9</p></m>", "book.epub": "text"})
        await made.detect()
        await made.deliver("first")
        made.ignoring("//Header")
        made.put("a", {"onix.xml": "<m><Header>1</Header><p>8</p></m>"})
        made.put("b", {"book.epub": "errata corrected"})
        await made.detect()
        assert await made.states() == {("a", "metadata"): "waiting", ("b", "file"): "waiting"}


async def test_a_channel_that_can_not_be_compared_keeps_no_other_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop(tmp_path) as made:
        compared = Comparing.all

        async def crashes(mine: Comparing) -> Detected:
            if mine._channel.name == "library":
                raise RuntimeError("a fault of ours")
            return await compared(mine)

        monkeypatch.setattr(Comparing, "all", crashes)
        made.put("a")
        mine, made.channel = made.channel, replace(made.channel, name="library")
        with pytest.raises(RuntimeError, match="a fault of ours"):
            await made.detect(mine)
        assert set(await made.queue("shop")) == {("a", "first")}


@pytest.mark.parametrize("how", ["scandir", "open"])
async def test_new_rules_are_read_by_once_also_while_an_item_is_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async with shop(tmp_path) as made:
        for item in "abc":
            made.put(item, {"onix.xml": "<m><Header>1</Header><p>9</p></m>", "book.epub": "text"})
        await made.detect()
        await made.deliver("first")
        made.ignoring("//Header")
        does = getattr(os, how)

        def fails(path: str, *rest: Any, **more: Any) -> Any:
            if str(path).endswith(("titles/a", "a/onix.xml")):
                raise OSError(5, "Input/output error")
            return does(path, *rest, **more)

        monkeypatch.setattr(os, how, fails)
        found = [await made.detect() for _ in range(3)]
        assert [one.hashed_files for one in found] == [2, 0, 0]
        assert all("a: " in one.unreadable[0] for one in found)
        monkeypatch.undo()
        assert (await made.detect()).hashed_files == 1
        for item in "ab":
            made.put(item, {"onix.xml": "<m><Header>2</Header><p>9</p></m>"})
        assert (await made.detect()).hashed_files == 2
        assert await made.states() == {}
        assert (await made.detect()).nothing_changed


async def test_a_look_by_new_rules_that_was_cut_off_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop(tmp_path) as made:
        for item in "abc":
            made.put(item)
        await made.detect()
        await made.deliver("first")
        made.ignoring("//Header")
        does, opened = os.open, list[str]()

        def crashes(path: str, *rest: Any, **more: Any) -> Any:
            opened.append(str(path))
            if len(opened) == 3:
                raise RuntimeError("a fault of ours")
            return does(path, *rest, **more)

        monkeypatch.setattr(snapshot, "_PORTION", 1)
        monkeypatch.setattr(os, "open", crashes)
        with pytest.raises(RuntimeError, match="a fault of ours"):
            await made.detect()
        monkeypatch.undo()
        assert (await made.detect()).hashed_files == 1
        assert await made.states() == {}


@pytest.mark.parametrize("swap", ["a pipe", "nothing"])
async def test_a_file_that_is_swapped_before_it_is_read_keeps_its_item_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swap: str
) -> None:
    async with shop(tmp_path) as made:
        made.put("a")
        await made.detect()
        await made.deliver("first")
        made.put("a", {"book.epub": "errata corrected"})
        does, path = os.open, made.path / "a" / "book.epub"

        def swaps(where: str, *rest: Any, **more: Any) -> Any:
            if (
                str(where) == str(path) and path.is_file() and not rest[0] & os.O_NOCTTY
            ):  # O_NOCTTY: who asks for writers
                path.rename(tmp_path / "kept")
                if swap == "a pipe":
                    os.mkfifo(path)
            return does(where, *rest, **more)

        monkeypatch.setattr(os, "open", swaps)
        found = await made.detect()
        monkeypatch.undo()
        assert found.unstable == ("a: book.epub: it changed while it was read",)
        (tmp_path / "kept").rename(path)
        await made.detect()
        assert await made.states() == {("a", "file"): "waiting"}
