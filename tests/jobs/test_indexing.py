"""What a source holds is listed and hashed once, and frozen."""

import hashlib
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from gateway.core.errors import NotThere, PathRefused
from gateway.ledger.job_tables import manifest_entry
from tests.jobs.indexer import indexer

FILES = {"a.csv": "a", "deep/b.csv": "bb", "deep/er/c.csv": "ccc"}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def test_every_file_is_hashed_once_and_frozen_in_the_order_of_paths(tmp_path: Path) -> None:
    async with indexer(tmp_path, FILES) as made:
        found = await made.index()
        manifest, row = await made.manifest(), await made.row()
    assert (found.files, found.hashed_files, found.kept_hashes, found.bytes_read) == (3, 3, 0, 6)
    assert [(one.n, one.relative, one.size, one.sha256) for one in manifest.values()] == [
        (1, "a.csv", 1, sha256("a")),
        (2, "deep/b.csv", 2, sha256("bb")),
        (3, "deep/er/c.csv", 3, sha256("ccc")),
    ]
    assert found.entries == tuple(manifest.values())
    assert (row.manifest, row.hashed_files, row.kept_hashes, row.source_bytes_read) == (found.manifest, 3, 0, 6)


async def test_a_second_start_with_nothing_changed_reads_no_file_and_keeps_the_manifest(tmp_path: Path) -> None:
    async with indexer(tmp_path, FILES) as made:
        first = await made.index()
        again = await made.index()
        row = await made.row()
    assert (again.hashed_files, again.kept_hashes, again.bytes_read) == (0, 3, 0)
    assert again.manifest == first.manifest == row.manifest
    assert (row.hashed_files, row.kept_hashes, row.source_bytes_read) == (0, 3, 0)


async def test_only_what_changed_is_hashed_again(tmp_path: Path) -> None:
    async with indexer(tmp_path, FILES) as made:
        first = await made.index()
        made.put({"deep/b.csv": "BB", "new.csv": "n"})
        (made.folder / "a.csv").unlink()
        again = await made.index()
        manifest = await made.manifest()
    assert (again.hashed_files, again.kept_hashes, again.bytes_read) == (2, 1, 3)
    assert again.manifest != first.manifest
    assert {name: one.sha256 for name, one in manifest.items()} == {
        "deep/b.csv": sha256("BB"),
        "deep/er/c.csv": sha256("ccc"),
        "new.csv": sha256("n"),
    }


async def test_a_manifest_that_is_being_forgotten_is_whole_again_when_a_source_comes_back_to_it(tmp_path: Path) -> None:
    async with indexer(tmp_path, FILES) as made:
        first = await made.index()
        (made.folder / "a.csv").rename(made.folder / "z.csv")
        await made.index()
        (made.folder / "z.csv").rename(made.folder / "a.csv")
        some = delete(manifest_entry).where(manifest_entry.c.manifest == first.manifest, manifest_entry.c.n < 3)
        await made.services.ledger.write(lambda connection: connection.execute(some).rowcount)
        again = await made.index()
        manifest = await made.manifest()
    assert again.manifest == first.manifest
    assert sorted(manifest) == sorted(FILES)


async def test_a_change_that_keeps_size_and_time_is_seen(tmp_path: Path) -> None:
    async with indexer(tmp_path, FILES) as made:
        await made.index()
        made.put({"a.csv": "A"})
        again = await made.index()
        manifest = await made.manifest()
    assert again.hashed_files == 1
    assert manifest["a.csv"].sha256 == sha256("A")


async def test_rehash_hashes_everything_but_not_twice_when_the_run_was_killed(tmp_path: Path) -> None:
    async with indexer(tmp_path, FILES) as made:
        await made.index()
        await made.clock.turn(timedelta(minutes=1))
        asked = await made.index(rehash=True)
        goes_on = await made.index(rehash=True, goes_on=True)
        row = await made.row()
    assert (asked.hashed_files, asked.kept_hashes) == (3, 0)
    assert (goes_on.hashed_files, goes_on.kept_hashes, goes_on.bytes_read) == (3, 0, 6)
    assert row.source_bytes_read == 6


async def test_after_a_week_everything_is_hashed_again(tmp_path: Path) -> None:
    async with indexer(tmp_path, FILES) as made:
        first = await made.index()
        await made.clock.turn(timedelta(days=6))
        later = await made.index()
        await made.clock.turn(timedelta(days=1, minutes=1))
        week = await made.index()
    assert (later.hashed_files, week.hashed_files) == (0, 3)
    assert week.manifest == first.manifest


async def test_a_missing_or_empty_source_is_told_in_plain_words(tmp_path: Path) -> None:
    async with indexer(tmp_path, {}) as made:
        with pytest.raises(NotThere, match="holds no file; put some there"):
            await made.index()
        made.folder.rmdir()
        with pytest.raises(NotThere, match="does not exist; make it before the job starts"):
            await made.index()
        made.folder.write_text("")
        with pytest.raises(NotThere, match="is no folder"):
            await made.index()


async def test_the_executable_bit_and_empty_folders_are_part_of_the_manifest(tmp_path: Path) -> None:
    async with indexer(tmp_path, FILES) as made:
        (made.folder / "deep" / "none").mkdir()
        first = await made.index()
        os.chmod(made.folder / "a.csv", 0o754)
        second = await made.index()
        manifest = await made.manifest()
    assert first.manifest != second.manifest
    assert (manifest["a.csv"].mode, manifest["deep/b.csv"].mode) == (0o755, 0o644)
    assert [(one.relative, one.kind) for one in manifest.values()][1:3] == [
        ("deep/b.csv", "file"),
        ("deep/er/c.csv", "file"),
    ]
    assert manifest["deep/none"].kind == "folder"
    assert second.files == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_folder_that_cant_be_read_fails_and_never_passes_for_empty(tmp_path: Path) -> None:
    async with indexer(tmp_path, FILES) as made:
        os.chmod(made.folder / "deep", 0)
        try:
            with pytest.raises(PathRefused, match="deep: this folder can't be read"):
                await made.index()
        finally:
            os.chmod(made.folder / "deep", 0o755)


async def test_another_hash_is_made_in_the_same_read(tmp_path: Path) -> None:
    async with indexer(tmp_path, {"a.csv": "a"}) as made:
        await made.index()
        made.job = replace(made.job, hash="md5")
        again = await made.index()
        manifest = await made.manifest()
        made.job = replace(made.job, hash="sha1")
        other = await made.index()
        third = await made.index()
    assert again.bytes_read == 1
    assert (manifest["a.csv"].sha256, manifest["a.csv"].digest) == (
        sha256("a"),
        hashlib.md5(b"a", usedforsecurity=False).hexdigest(),
    )
    assert (other.hashed_files, third.hashed_files) == (1, 0)
