"""Many small files of this machine at once: only what was judged is read, only what was sent is removed."""

import asyncio
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.core.errors import GatewayError
from gateway.core.model import Stamp
from gateway.endpoints import local_bulk
from gateway.endpoints import local_calls as calls
from gateway.endpoints.base import Claim, Whole
from gateway.endpoints.disks import Disks
from gateway.endpoints.local_bulk import LocalBulk

ALGORITHMS = frozenset({"sha256", "md5"})


@pytest.fixture
def disks() -> Iterator[Disks]:
    made = Disks()
    yield made
    made.close()


@pytest.fixture
def bulk(tmp_path: Path, disks: Disks) -> LocalBulk:
    return LocalBulk(str(tmp_path), disks, 10, follow_links=False)


def claim(path: Path, *, kept: Path | None = None) -> Claim:
    stamp = calls.stamp_of(path.stat())
    return Claim(str(path), str(path.with_name(f".{path.name}.claim")), stamp, None if kept is None else str(kept))


def shown(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir()) if path.is_file()}


async def test_each_is_read_whole_with_its_stamps_and_digests(tmp_path: Path, bulk: LocalBulk) -> None:
    odd = os.fsdecode(b"caf\xe9")
    contents = {"a": b"", "b": b"x" * 100, odd: b"latin"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    read = await bulk.read_all(list(contents), most_bytes=100, algorithms=ALGORITHMS)
    for (name, content), whole in zip(contents.items(), read, strict=True):
        stamp = calls.stamp_of((tmp_path / name).stat())
        assert isinstance(whole, Whole)
        assert (whole.data, whole.opened, whole.after) == (content, stamp, stamp)
        assert whole.digests == {kind: hashlib.new(kind, content).hexdigest() for kind in ALGORITHMS}


async def test_what_is_no_small_file_is_left_and_the_others_are_read(tmp_path: Path, bulk: LocalBulk) -> None:
    (tmp_path / "good").write_text("good")
    (tmp_path / "large").write_bytes(b"x" * 101)
    (tmp_path / "link").symlink_to("good")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    names = ["missing", "large", "link", "folder", "pipe", "nul\0", "good"]
    read = await bulk.read_all(names, most_bytes=100, algorithms=ALGORITHMS)
    assert [isinstance(whole, GatewayError) for whole in read] == [True] * 6 + [False]


async def test_links_are_followed_where_that_is_wanted(tmp_path: Path, disks: Disks) -> None:
    (tmp_path / "good").write_text("good")
    (tmp_path / "link").symlink_to("good")
    bulk = LocalBulk(str(tmp_path), disks, 10, follow_links=True)
    (whole,) = await bulk.read_all(["link"], most_bytes=100, algorithms=ALGORITHMS)
    assert isinstance(whole, Whole)
    assert whole.data == b"good"
    assert await bulk.collect_all([claim(tmp_path / "link")]) == [None]
    assert shown(tmp_path) == {"good": "good"}, "the link is what is collected"


async def test_sources_are_removed_or_kept(tmp_path: Path, bulk: LocalBulk) -> None:
    sent = tmp_path / "sent"
    sent.mkdir()
    for name in "abc":
        (tmp_path / name).write_text(name)
    claims = [claim(tmp_path / "a"), claim(tmp_path / "b", kept=sent / "7-b"), claim(tmp_path / "c")]
    assert await bulk.collect_all(claims) == [None, None, None]
    assert shown(tmp_path) == {}
    assert shown(sent) == {"7-b": "b"}


async def test_one_that_was_replaced_stays_and_the_others_go(tmp_path: Path, bulk: LocalBulk) -> None:
    for name in "abc":
        (tmp_path / name).write_text(name)
    claims = [claim(tmp_path / name) for name in "abc"]
    (tmp_path / "b").write_text("newer")
    removed, replaced, gone = await bulk.collect_all(claims)
    assert (removed, gone) == (None, None)
    assert isinstance(replaced, GatewayError)
    assert shown(tmp_path) == {"b": "newer"}


async def test_one_that_is_replaced_in_the_moment_of_its_claim_is_not_removed(
    tmp_path: Path, bulk: LocalBulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("sent")
    (tmp_path / "newer").write_text("newer")
    wanted = claim(tmp_path / "a")
    rename = os.rename

    def replaced_first(source: str, target: str) -> None:
        if target == wanted.claim:
            rename(tmp_path / "newer", source)
        rename(source, target)

    monkeypatch.setattr(os, "rename", replaced_first)
    (error,) = await bulk.collect_all([wanted])
    assert isinstance(error, GatewayError)
    assert shown(tmp_path) == {".a.claim": "newer"}, "whoever collects it by itself puts it back"


def taken(path: Path, wanted: Claim) -> None:
    path.unlink()


def claimed(path: Path, wanted: Claim) -> None:
    Path(wanted.claim).write_text("claimed before")


def no_sentbox(path: Path, wanted: Claim) -> None:
    Path(wanted.kept or "").parent.rmdir()


@pytest.mark.parametrize("happens", [taken, claimed, no_sentbox], ids=lambda happens: happens.__name__)
async def test_what_is_not_as_expected_is_an_error_of_its_own(
    tmp_path: Path, bulk: LocalBulk, happens: Callable[[Path, Claim], None]
) -> None:
    (tmp_path / "sent").mkdir()
    for name in "ab":
        (tmp_path / name).write_text(name)
    odd, good = claim(tmp_path / "a", kept=tmp_path / "sent" / "1-a"), claim(tmp_path / "b")
    happens(tmp_path / "a", odd)
    error, fine = await bulk.collect_all([odd, good])
    assert isinstance(error, GatewayError)
    assert fine is None


async def test_whoever_stops_waiting_may_rely_on_nothing_being_touched_any_more(
    tmp_path: Path, bulk: LocalBulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(100):
        (tmp_path / f"{number:03}").write_text("sent")
    reached, go_on = threading.Event(), threading.Event()
    look = calls.look

    def slow(path: str, follow_links: bool = False) -> os.stat_result:
        if path.endswith("/010"):
            reached.set()
            go_on.wait(200)
        return look(path, follow_links)

    monkeypatch.setattr(local_bulk.calls, "look", slow)  # type: ignore[attr-defined]
    claims = [claim(tmp_path / f"{number:03}") for number in range(100)]
    collecting = asyncio.ensure_future(bulk.collect_all(claims))
    await asyncio.to_thread(reached.wait, 100)
    collecting.cancel()
    await asyncio.sleep(0.01)
    assert not collecting.done(), "one is still in hand"
    go_on.set()
    await asyncio.gather(collecting, return_exceptions=True)
    assert collecting.cancelled()
    assert sorted(shown(tmp_path)) == [f"{number:03}" for number in range(11, 100)]


async def test_a_stamp_without_all_its_parts_is_compared_by_what_it_has(tmp_path: Path, bulk: LocalBulk) -> None:
    (tmp_path / "a").write_text("sent")
    wanted = claim(tmp_path / "a")
    assert await bulk.collect_all([Claim(wanted.path, wanted.claim, Stamp(4))]) == [None]
