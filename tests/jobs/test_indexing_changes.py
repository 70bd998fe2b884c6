"""A source that changes while it is indexed: never half a file, and the others go along."""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.errors import NotThere
from gateway.core.model import Stamp
from gateway.jobs.content_cache import ContentCache
from gateway.transfer import hashing
from tests.jobs.indexer import indexer
from tests.jobs.test_indexing import sha256


@dataclass
class Between:
    """Does something each time a file was read, and before it is looked at again."""

    what: Callable[[str, int], None]
    times: dict[str, int] = field(default_factory=dict)

    def __call__(self, path: str, *, follow_symlinks: bool) -> os.stat_result:
        number = self.times[path] = self.times.get(path, 0) + 1
        self.what(path, number)
        return os.stat(path, follow_symlinks=follow_symlinks)


def between(monkeypatch: pytest.MonkeyPatch, what: Callable[[str, int], None]) -> Between:
    made = Between(what)
    monkeypatch.setattr(hashing, "look", made)
    return made


async def test_a_file_that_changes_once_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(path: str, number: int) -> None:
        if path.endswith("a.csv") and number == 1:
            Path(path).write_text("changed")

    async with indexer(tmp_path, {"a.csv": "a", "b.csv": "b"}) as made:
        between(monkeypatch, change)
        found = await made.index()
        manifest = await made.manifest()
        again = await made.index()
    assert found.skipped == ()
    assert manifest["a.csv"].sha256 == sha256("changed")
    assert (manifest["a.csv"].size, found.bytes_read) == (7, 9)
    assert again.hashed_files == 0


async def test_a_file_that_never_rests_is_left_out_and_named_and_the_others_go_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(path: str, number: int) -> None:
        if path.endswith("a.csv"):
            Path(path).write_text("x" * number)

    async with indexer(tmp_path, {"a.csv": "", "b.csv": "b"}) as made:
        seen = between(monkeypatch, change)
        found = await made.index()
        manifest = await made.manifest()
        monkeypatch.undo()
        again = await made.index()
        healed = await made.manifest()
    assert [(one.relative, one.failed) for one in found.skipped] == [("a.csv", True)]
    assert "changes while it is read" in found.skipped[0].why
    assert seen.times[str(made.folder / "a.csv")] == 3
    assert sorted(manifest) == ["b.csv"]
    assert (sorted(healed), again.hashed_files, again.kept_hashes) == (["a.csv", "b.csv"], 1, 1)


async def test_a_file_that_is_replaced_by_another_name_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(path: str, number: int) -> None:
        if path.endswith("a.csv") and number == 1:
            Path(path).with_name("new").write_text("b")
            os.utime(Path(path).with_name("new"), ns=(10**18, 10**18))
            os.replace(Path(path).with_name("new"), path)

    async with indexer(tmp_path, {"a.csv": "a"}) as made:
        between(monkeypatch, replace)
        await made.index()
        manifest = await made.manifest()
    assert manifest["a.csv"].sha256 == sha256("b")


async def test_a_file_that_goes_while_others_are_read_is_no_part_of_the_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with indexer(tmp_path, {"a.csv": "a", "b.csv": "b"}) as made:
        between(monkeypatch, lambda path, _: (made.folder / "b.csv").unlink(missing_ok=True))
        found = await made.index()
        manifest = await made.manifest()
        between(monkeypatch, lambda path, _: Path(path).unlink())
        await made.clock.turn(timedelta(minutes=1))
        with pytest.raises(NotThere, match="holds no file"):
            await made.index(rehash=True)
    assert found.skipped == ()
    assert sorted(manifest) == ["a.csv"] or sorted(manifest) == ["b.csv"]


async def test_a_file_that_cant_be_read_is_named_and_the_others_go_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, number: int) -> None:
        if path.endswith("a.csv"):
            raise PermissionError(errno.EACCES, "Permission denied", path)

    async with indexer(tmp_path, {"a.csv": "a", "b.csv": "b"}) as made:
        between(monkeypatch, refuse)
        found = await made.index()
        manifest = await made.manifest()
    assert [(one.relative, one.failed) for one in found.skipped] == [("a.csv", True)]
    assert found.skipped[0].why == "Permission denied; give the gateway's user access"
    assert sorted(manifest) == ["b.csv"]


async def test_a_link_that_takes_a_files_place_meanwhile_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("s")

    def swap(path: str, number: int) -> None:
        other = made.folder / ("b.csv" if path.endswith("a.csv") else "a.csv")
        if not other.is_symlink():
            other.unlink()
            other.symlink_to(tmp_path / "secret")

    async with indexer(tmp_path, {"a.csv": "a", "b.csv": "b"}) as made:
        between(monkeypatch, swap)
        found = await made.index()
        manifest = await made.manifest()
    assert len(manifest) == 1
    assert all(one.sha256 != sha256("s") for one in manifest.values())
    assert [one.failed for one in found.skipped] == [True]


async def test_the_index_fills_the_cache_of_contents(tmp_path: Path) -> None:
    async with indexer(tmp_path, {"a.csv": "a", "b.csv": "b" * 5000}) as made:
        cache = ContentCache(readers=1, limit_bytes=4000)
        await made.index(cache=cache)
        path = made.folder / "a.csv"
        whole, big = cache.take(str(path)), cache.take(str(made.folder / "b.csv"))
        seen = path.stat()
    assert big is None
    assert whole is not None
    assert whole.data == b"a"
    assert whole.opened == whole.after == Stamp(1, seen.st_mtime_ns, seen.st_ino, seen.st_dev)
