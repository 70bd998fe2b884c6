"""How a catalogue is listed: items are folders with files; nothing else is taken for one."""

import os
from pathlib import Path

import pytest

from gateway.channels.scanning import list_item, look_at
from gateway.core.errors import NotThere, PathRefused
from tests.runner.harness import write


def test_items_are_folders_that_hold_a_file(tmp_path: Path) -> None:
    write(tmp_path / "a" / "onix.xml")
    write(tmp_path / "b" / "deep" / "er" / "book")
    write(tmp_path / "loose.txt")
    write(tmp_path / ".git" / "config")
    write(tmp_path / "upload.tmp" / "book")
    (tmp_path / "empty" / "empty too").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a")
    looked = look_at(str(tmp_path))
    assert (set(looked.items), looked.linked, looked.loose) == ({"a", "b"}, ["link"], 1)


def test_links_hidden_folders_and_what_is_no_file_are_no_part_of_an_item(tmp_path: Path) -> None:
    for name in ("onix.xml", "deep/book.epub", "deep/.book.pdf.x7f", ".cache/thumb"):
        write(tmp_path / "a" / name)
    (tmp_path / "a" / "link").symlink_to("onix.xml")
    (tmp_path / "a" / "more").symlink_to("deep")
    os.mkfifo(tmp_path / "a" / "pipe")
    listing = list_item(str(tmp_path), "a")
    assert [one.relative for one in listing.files] == ["deep/book.epub", "onix.xml"]
    assert [one.relative for one in listing.unfinished] == ["deep/.book.pdf.x7f"]


def test_both_ways_of_looking_agree_and_see_whatever_changes(tmp_path: Path) -> None:
    looks = set()
    for change in (
        lambda: write(tmp_path / "a" / "b\udce9", "1"),
        lambda: write(tmp_path / "a" / "b\udce9", "12"),
        lambda: os.utime(tmp_path / "a" / "b\udce9", ns=(1, 1)),
        lambda: (tmp_path / "a" / "b\udce9").rename(tmp_path / "a" / "c'\"\n"),
        lambda: write(tmp_path / "a" / ".part"),
        lambda: (tmp_path / "a" / ".part").chmod(0o600),
    ):
        change()
        look = look_at(str(tmp_path)).items["a"]
        assert list_item(str(tmp_path), "a").look == look
        looks.add(look)
    assert len(looks) == 6


def test_the_digest_of_all_tells_every_item_apart(tmp_path: Path) -> None:
    write(tmp_path / "a" / "x")
    write(tmp_path / "b" / "x")
    both = look_at(str(tmp_path))
    (tmp_path / "b").rename(tmp_path / "c")
    other = look_at(str(tmp_path))
    assert both.digest() == look_at(str(tmp_path)).digest() or both.items != other.items
    assert both.digest() != other.digest()


def test_a_catalogue_that_is_not_there_or_no_folder_says_so(tmp_path: Path) -> None:
    write(tmp_path / "file")
    for name, said in (("none", "does not exist"), ("file", "is no folder")):
        with pytest.raises(NotThere, match=f"{said}; nothing is concluded from that"):
            look_at(str(tmp_path / name))


def test_an_item_that_is_gone_is_none_and_one_that_fails_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for item in ("a", "b", "c"):
        write(tmp_path / item / "x")
    listing = os.scandir

    def fails(path: str) -> object:
        if path.endswith("/a"):
            raise FileNotFoundError(2, "No such file or directory")
        if path.endswith("/b"):
            (tmp_path / "b" / "x").unlink(missing_ok=True)
            (tmp_path / "b").rmdir()
        return listing(path)

    monkeypatch.setattr(os, "scandir", fails)
    looked = look_at(str(tmp_path))
    assert (set(looked.items), looked.unreadable) == ({"c"}, {"a": "it changed while it was looked at"})


def test_times_that_no_ledger_holds_are_refused_with_the_remedy(tmp_path: Path) -> None:
    path = write(tmp_path / "a" / "x")
    try:
        os.utime(path, (2**34, 2**34))
    except OSError:
        pytest.skip("this file system holds no such time")
    if path.stat().st_mtime_ns < 2**63:
        pytest.skip("this file system holds no such time")
    with pytest.raises(PathRefused, match="beyond the year 2262; `touch` it"):
        list_item(str(tmp_path), "a")


def test_a_link_that_leads_nowhere_keeps_no_item_back(tmp_path: Path) -> None:
    write(tmp_path / "a" / "x")
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "gone").symlink_to("nowhere")
    looked = look_at(str(tmp_path))
    assert (set(looked.items), looked.unreadable, looked.linked, looked.loose) == ({"a"}, {}, [], 2)
