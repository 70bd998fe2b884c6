"""What a place lacks, judged from one listing, what was noted of it, and its own hashes."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from gateway.core.clock import SystemClock
from gateway.core.errors import LinkLost, PathRefused
from gateway.core.model import Entry as Listed
from gateway.core.model import Span
from gateway.endpoints.memory import MemoryEndpoint, MemoryStore
from gateway.jobs.comparing import Asked, Compared, compare
from gateway.jobs.model import Destination, Machine, Profile, Route
from gateway.ledger import Ledger, job_contents, job_places, open_ledger
from gateway.ledger.job_contents import Entry, There

AT = Span("job", 1, 1, 1)
TO = Destination(
    endpoint="far",
    scheme="sftp",
    folder="/in",
    place="/in",
    route=Route("endpoint far", AT),
    priority=5,
    place_at=None,
    profile=Profile(),
    machine=Machine(platform="linux", zone="UTC", runs_commands=False, tags={}, command_folder=""),
)


class Peer(MemoryEndpoint):
    """Counts what it is asked for; `hashes` says whether it computes any."""

    def __init__(self, *, hashes: bool = True, **features: object) -> None:
        able = frozenset({"sha256"}) if hashes else frozenset[str]()
        super().__init__(MemoryStore())
        self._features = replace(self._features, remote_hash=able, **features)  # type: ignore[arg-type]
        self.hashed: list[str] = []
        self.refuses: str | None = None

    async def remote_hash(self, path: str, algorithm: str, *, first_bytes: int | None = None) -> str | None:
        self.hashed.append(path)
        return await super().remote_hash(path, algorithm, first_bytes=first_bytes)

    async def scan(self, folder: str) -> AsyncIterator[Listed]:
        if folder == self.refuses:
            raise PathRefused(f"{folder}: permission denied")
        async for entry in super().scan(folder):
            yield entry


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with open_ledger(tmp_path, SystemClock(), reserve_bytes=0) as made:
        yield made


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def wanted(*texts: str, folders: Sequence[str] = ()) -> list[Entry]:
    """Files whose name and content are equal, then empty folders."""
    files = [Entry(n, text, "file", len(text), 0, 0o644, sha(text), None) for n, text in enumerate(texts, 1)]
    return files + [Entry(len(files) + n, one, "folder", 0, 0, 0o755, None, None) for n, one in enumerate(folders, 1)]


async def place(ledger: Ledger) -> int:
    return await ledger.write(partial(job_places.place_id, endpoint="far", folder="/in"))


async def judged(
    ledger: Ledger, peer: Peer, entries: Sequence[Entry], to: Destination = TO, **asked: object
) -> Compared:
    made = Asked(place=await place(ledger), algorithm="sha256", **asked)  # type: ignore[arg-type]
    return await compare(to, entries, peer, ledger, made)


def names(entries: Sequence[Entry]) -> list[str]:
    return [entry.relative for entry in entries]


async def test_at_a_place_that_is_not_there_yet_everything_is_missing(ledger: Ledger) -> None:
    made = await judged(ledger, Peer(), wanted("a", "b/c", folders=["d/e"]))
    assert (names(made.missing), made.folders, made.unchanged, made.count) == (["a", "b/c"], ["d/e"], 0, 0)


async def test_a_peer_that_hashes_is_asked_only_about_files_of_the_right_size_that_nobody_knows(ledger: Ledger) -> None:
    peer = Peer()
    for name, text in {"same": "same", "other": "OTHER", "longer": "longer than it was"}.items():
        peer.store.put(f"/in/{name}", text.encode())
    made = await judged(ledger, peer, wanted("same", "other", "longer", "new"))
    assert (names(made.missing), made.unchanged) == (["other", "longer", "new"], 1)
    assert sorted(peer.hashed) == ["/in/other", "/in/same"]
    assert made.standing == {"other", "longer"}
    peer.hashed.clear()
    again = await judged(ledger, peer, wanted("same", "other"))
    assert (names(again.missing), again.unchanged, peer.hashed) == (["other"], 1, ["/in/other"]), "it was noted"


async def test_a_line_that_goes_while_a_peer_hashes_one_after_the_other_leaves_no_call_waiting(ledger: Ledger) -> None:
    class Lost(Peer):
        async def remote_hash(self, path: str, algorithm: str, *, first_bytes: int | None = None) -> str | None:
            await super().remote_hash(path, algorithm, first_bytes=first_bytes)
            raise LinkLost("gone")

    peer = Lost(concurrent=False)
    for name in ("first", "second"):
        peer.store.put(f"/in/{name}", name.encode())
    with pytest.raises(LinkLost):
        await judged(ledger, peer, wanted("first", "second"))
    assert peer.hashed == ["/in/first"]


async def test_a_peer_that_can_not_hash_is_known_by_what_was_noted(ledger: Ledger) -> None:
    peer = Peer(hashes=False)
    for name in ("known", "unknown", "touched"):
        peer.store.put(f"/in/{name}", name.encode())
    stamps = {name: peer.store.files[f"/in/{name}"].mtime_ns for name in ("known", "touched")}
    there = [There(name, len(name), at, 1, sha(name), None, 1) for name, at in stamps.items()]
    await ledger.write(partial(job_contents.note_there, place=await place(ledger), files=there))
    peer.store.files["/in/touched"].mtime_ns += 10**9
    made = await judged(ledger, peer, wanted("known", "unknown", "touched"))
    assert (names(made.missing), made.unchanged, peer.hashed) == (["unknown", "touched"], 1, [])


@pytest.mark.parametrize(("later_ns", "unchanged"), [(999_999_999, 1), (1_000_000_000, 0)])
async def test_times_are_compared_as_finely_as_both_sides_know_them(
    ledger: Ledger, later_ns: int, unchanged: int
) -> None:
    peer = Peer(hashes=False)
    peer.store.put("/in/a", b"a")
    peer.store.files["/in/a"].mtime_ns = 5_000_000_000 + later_ns
    there = [There("a", 1, 5_000_000_000, 10**9, sha("a"), None, 1)]
    await ledger.write(partial(job_contents.note_there, place=await place(ledger), files=there))
    assert (await judged(ledger, peer, wanted("a"))).unchanged == unchanged


async def test_what_is_noted_of_a_file_that_is_gone_is_forgotten(ledger: Ledger) -> None:
    there = [There("a", 1, 5, 1, sha("a"), None, 1)]
    await ledger.write(partial(job_contents.note_there, place=await place(ledger), files=there))
    made = await judged(ledger, Peer(hashes=False), wanted("a"))
    assert names(made.missing) == ["a"]
    assert await ledger.read(partial(job_contents.there, place=await place(ledger))) == {}


async def test_a_new_version_is_missing_though_the_old_one_is_as_it_was(ledger: Ledger) -> None:
    peer = Peer(hashes=False)
    peer.store.put("/in/a", b"b")
    there = [There("a", 1, peer.store.files["/in/a"].mtime_ns, 1, sha("b"), None, 1)]
    await ledger.write(partial(job_contents.note_there, place=await place(ledger), files=there))
    assert names((await judged(ledger, peer, wanted("a"))).missing) == ["a"]


async def test_a_place_that_looks_as_it_did_is_not_compared_file_by_file(ledger: Ledger) -> None:
    peer = Peer()
    peer.store.put("/in/a", b"a")
    for expected in (["/in/a"], []):
        peer.hashed.clear()
        made = await judged(ledger, peer, wanted("a"), known_as="manifest 1")
        assert (made.unchanged, names(made.missing), peer.hashed) == (1, [], expected)
    place_id = await place(ledger)
    await ledger.write(lambda c: c.exec_driver_sql("DELETE FROM place_content"))
    assert await ledger.read(partial(job_contents.there, place=place_id)) == {}
    assert (await judged(ledger, peer, wanted("a"), known_as="manifest 1")).unchanged == 1
    assert peer.hashed == [], "its look was enough"
    peer.store.files["/in/a"].mtime_ns += 10**9
    peer.store.files["/in/a"].data[:] = b"b"
    assert names((await judged(ledger, peer, wanted("a"), known_as="manifest 1")).missing) == ["a"]
    assert names((await judged(ledger, peer, wanted("a", "c"), known_as="manifest 2")).missing) == ["a", "c"]


async def test_what_is_beyond_the_source_but_not_what_it_only_does_not_send(ledger: Ledger) -> None:
    peer = Peer()
    for name in ("a", "old", "link", "hidden/x", ".partial", "deep/old", "left.tmpx"):
        peer.store.put(f"/in/{name}", b"x")
    to = replace(TO, profile=Profile(ignore=("*.tmpx",)))
    made = await judged(ledger, peer, wanted("a"), to, extra=True, kept=["link", "hidden/"])
    assert sorted(made.extra) == ["deep/old", "old"]
    assert (await judged(ledger, peer, wanted("a"))).extra == {}, "nobody asked"


async def test_a_folder_that_can_not_be_listed_makes_a_comparison_unsure(ledger: Ledger) -> None:
    peer = Peer()
    peer.store.put("/in/deep/a", b"a")
    peer.refuses = "/in/deep"
    made = await judged(ledger, peer, wanted("b"), extra=True)
    assert not made.is_whole


async def test_names_that_the_peer_can_not_hold_are_refused_alone(ledger: Ledger) -> None:
    long = "n" * 200
    peer = Peer(name_bytes_max=143)
    peer.store.put("/in/folder/x", b"x")
    peer.store.put("/in/file", b"x")
    made = await judged(ledger, peer, wanted("a", f"deep/{long}", "folder", folders=["file"]))
    assert names(made.missing) == ["a"]
    said = {entry.relative: why for entry, why in made.refused}
    assert "143 bytes" in said[f"deep/{long}"]
    assert "stands there" in said["folder"]
    assert "file stands there" in said["file"]


async def test_of_names_that_are_one_there_the_first_is_sent(ledger: Ledger) -> None:
    made = await judged(ledger, Peer(), wanted("Prices/A", "prices/a", "b"), blind=True)
    assert names(made.missing) == ["Prices/A", "b"]
    assert [entry.relative for entry, _ in made.refused] == ["prices/a"]
