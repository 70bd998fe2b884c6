"""What of a source is taken, and what is kept back and named."""

import os
from pathlib import Path

from gateway.ledger.job_contents import Skipped
from tests.jobs.indexer import indexer


async def test_hidden_and_temporary_names_are_kept_back_and_named(tmp_path: Path) -> None:
    async with indexer(tmp_path, {"a.csv": "a", ".git/config": "c", "b.tmp": "t", "deep/.env": "e"}) as made:
        found = await made.index()
        manifest = await made.manifest()
    assert [(one.relative, one.failed) for one in found.skipped] == [
        (".git/", False),
        ("b.tmp", False),
        ("deep/.env", False),
    ]
    assert 'ignore = ["!.env"]' in found.skipped[2].why
    assert {name: one.kind for name, one in manifest.items()} == {"a.csv": "file", "deep": "folder"}


async def test_what_all_destinations_leave_out_is_not_even_read(tmp_path: Path) -> None:
    async with indexer(tmp_path, {"a.csv": "a", "a.bak": "aa", "old/b.csv": "b", ".env": "e"}) as made:
        made.each_ignoring(("*.bak", "old/"), ("*.bak", "!.env"))
        found = await made.index()
        manifest = await made.manifest()
        made.ignoring("old/")
        other = await made.index()
    assert (sorted(manifest), found.bytes_read) == ([".env", "a.csv", "old/b.csv"], 3)
    assert found.skipped == ()
    assert (other.files, other.hashed_files) == (2, 1)


async def test_links_are_kept_back_and_named(tmp_path: Path) -> None:
    async with indexer(tmp_path, {"a.csv": "a", "deep/b.csv": "b"}) as made:
        (made.folder / "link.csv").symlink_to("a.csv")
        (made.folder / "more").symlink_to("deep")
        os.mkfifo(made.folder / "pipe")
        found = await made.index()
        manifest = await made.manifest()
    assert sorted(manifest) == ["a.csv", "deep/b.csv"]
    assert [one.relative for one in found.skipped] == ["link.csv", "more", "pipe"]
    assert 'links = "follow"' in found.skipped[0].why
    assert found.skipped[2] == Skipped("pipe", "neither file, folder nor link")


async def test_links_are_followed_but_never_out_of_the_source_nor_in_circles(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret").write_text("s")
    async with indexer(tmp_path, {"a.csv": "a", "deep/b.csv": "b"}) as made:
        made.following()
        (made.folder / "link.csv").symlink_to("a.csv")
        (made.folder / "more").symlink_to("deep")
        (made.folder / "out").symlink_to(tmp_path / "elsewhere")
        (made.folder / "secret").symlink_to(tmp_path / "elsewhere" / "secret")
        (made.folder / "deep" / "up").symlink_to("..")
        (made.folder / "gone").symlink_to("nowhere")
        found = await made.index()
        manifest = await made.manifest()
    assert sorted(manifest) == ["a.csv", "deep/b.csv", "link.csv", "more/b.csv"]
    why = {one.relative: one.why for one in found.skipped}
    assert sorted(why) == ["deep/up", "gone", "more/up", "out", "secret"]
    assert "a folder that it lies in" in why["deep/up"]
    assert "leads out of the source" in why["out"]
    assert "leads out of the source" in why["secret"]
    assert "leads to nothing" in why["gone"]


async def test_names_that_are_no_text_are_taken(tmp_path: Path) -> None:
    async with indexer(tmp_path, {"a.csv": "a"}) as made:
        odd = os.fsdecode(b"caf\xe9 \n.csv")
        (made.folder / odd).write_text("x")
        await made.index()
        manifest = await made.manifest()
        again = await made.index()
    assert sorted(manifest) == ["a.csv", odd]
    assert again.hashed_files == 0


async def test_a_time_that_no_ledger_holds_is_told(tmp_path: Path) -> None:
    async with indexer(tmp_path, {"a.csv": "a", "late.csv": "l"}) as made:
        os.utime(made.folder / "late.csv", (10**10, 10**10))
        found = await made.index()
    if (made.folder / "late.csv").stat().st_mtime > 9 * 10**9:  # else the file system knows no such time
        assert [(one.relative, one.failed) for one in found.skipped] == [("late.csv", True)]
        assert found.files == 1
