"""A large file that broke off: it goes on where it provably can, else from zero, and is never half under its name."""

import asyncio
import hashlib
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.config.schema import Verify
from gateway.core.clock import SystemClock
from gateway.core.errors import LinkLost, Retryable, SourceChanged, VerifyFailed
from gateway.endpoints.base import Features
from gateway.endpoints.memory import MemoryEndpoint, MemoryStore
from gateway.ledger import Ledger, deliveries, endpoints, instances, open_ledger
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.transfer import kept
from gateway.transfer.deliver import deliver, resume_delivery
from gateway.transfer.intent import Caller, Delivered, Intent, Outcome
from gateway.transfer.kept import safe_offset
from gateway.transfer.tally import Tally

FULL = MemoryEndpoint().features
NO_HASH = replace(FULL, remote_hash=frozenset())
BYTES = bytes(range(256)) * 4
BLOCK = 64
AT = 640  # where the link breaks


class Peer(MemoryEndpoint):
    """Counts the bytes that it is sent, and breaks the link after `breaks_at` of them."""

    def __init__(self, store: MemoryStore, features: Features = FULL, breaks_at: int | None = None) -> None:
        super().__init__(store, features=features)
        self.breaks_at = breaks_at
        self.sent = 0
        self.starts: list[int] = []

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        async for block in super().read(path, offset):
            for at in range(0, len(block), BLOCK):
                yield block[at : at + BLOCK]

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        self.starts.append(offset)
        return await super().write(path, self._counted(blocks), offset=offset, sync=sync)

    async def _counted(self, blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for block in blocks:
            if self.breaks_at is not None and self.sent + len(block) > self.breaks_at:
                raise LinkLost("cut")
            self.sent += len(block)
            yield block


class Bench:
    """A file of 1 KiB here, a peer there, and a ledger that remembers."""

    def __init__(self, ledger: Ledger, owner: int) -> None:
        self.ledger, self.owner = ledger, owner
        self.here, self.there = MemoryStore(), MemoryStore()
        self.here.put("/out/a", BYTES)
        self.there.folders["/in"] = 2
        self.found = 0
        self.common: dict[str, Any] = {"ledger": ledger, "clock": SystemClock(), "owner": owner}

    async def put(self, target: MemoryEndpoint, name: str = "a", **more: Any) -> Outcome:
        source = Peer(self.here)
        intent = Intent(
            action="a", command=1, verb="PUT", endpoint="acme", place="acme", source="/out/a",
            stamp=(await source.stat("/out/a")).stamp, final=f"in/{name}", **more,
        )  # fmt: skip
        caller = Caller(on_intended=self._intended)
        return await deliver(intent, source, target, caller=caller, **self.common)

    async def get(self, source: MemoryEndpoint, target: MemoryEndpoint) -> Outcome:
        intent = Intent(
            action="a", command=1, verb="GET", endpoint="acme", place="", source="/out/a",
            stamp=(await source.stat("/out/a")).stamp, final="/in/a",
        )  # fmt: skip
        return await deliver(intent, source, target, caller=Caller(on_intended=self._intended), **self.common)

    def _intended(self, row: DeliveryRow) -> None:
        self.found = row.id

    async def again(self, target: MemoryEndpoint, source: MemoryEndpoint | None = None) -> Outcome:
        return await resume_delivery(self.found, source or Peer(self.here), target, **self.common)

    async def cut(self, at: int = AT, features: Features = FULL, **more: Any) -> DeliveryRow:
        """Deliver until the link breaks."""
        with pytest.raises(LinkLost):
            await self.put(Peer(self.there, features, at), **more)
        return await self.row()

    async def row(self) -> DeliveryRow:
        row = await self.ledger.read(partial(deliveries.get, found=self.found))
        assert row is not None
        return row

    def partial_of(self, row: DeliveryRow) -> bytearray:
        return self.there.files["/" + row.partial.lstrip("/")].data

    @property
    def shown(self) -> dict[str, bytes]:
        return {path: bytes(file.data) for path, file in self.there.files.items()}


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(kept, "LEAST_BYTES", 128)
    async with (
        open_ledger(tmp_path / "state", SystemClock(), reserve_bytes=0) as ledger,
        instances.own(ledger, "serve") as owner,
    ):
        yield Bench(ledger, owner)


@pytest.mark.parametrize(
    ("there", "window", "offset"),
    [(500, 0, 500), (500, 300, 200), (500, 400, 0), (127, 0, 0), (128, 0, 128), (1024, 0, 1024), (1025, 0, 0)],
)
def test_a_transfer_goes_on_in_front_of_what_was_unanswered(
    monkeypatch: pytest.MonkeyPatch, there: int, window: int, offset: int
) -> None:
    monkeypatch.setattr(kept, "LEAST_BYTES", 128)
    assert safe_offset(there, 1024, window) == offset


async def test_an_upload_that_broke_sends_only_the_rest(bench: Bench) -> None:
    broken = await bench.cut()
    assert (broken.state, len(bench.partial_of(broken))) == (State.INTENDED, AT)
    peer = Peer(bench.there)
    outcome = await bench.again(peer)
    assert isinstance(outcome, Delivered)
    assert (peer.starts, peer.sent) == ([AT], len(BYTES) - AT)
    assert bench.shown == {"/in/a": BYTES}
    assert outcome.row.sha256 == hashlib.sha256(BYTES).hexdigest()
    assert (outcome.row.starts, outcome.row.partial) == (1, broken.partial), "only a resume keeps the name"
    assert (outcome.row.verified, outcome.row.notes) == ("hash", (f"went on at byte {AT} after a break",))


async def test_it_goes_on_as_often_as_it_breaks(bench: Bench) -> None:
    await bench.cut(256)
    for _ in range(3):
        with pytest.raises(LinkLost):
            await bench.again(Peer(bench.there, breaks_at=128))
    peer = Peer(bench.there)
    assert isinstance(await bench.again(peer), Delivered)
    assert peer.starts == [640]
    assert bench.shown == {"/in/a": BYTES}


async def test_a_small_file_starts_from_zero(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LEAST_BYTES", 2048)
    broken = await bench.cut()
    assert bench.shown == {}, "nothing is left behind"
    outcome = await bench.again(Peer(bench.there))
    assert outcome.row.partial != broken.partial
    assert bench.shown == {"/in/a": BYTES}


async def fail(bench: Bench) -> None:
    """The run has no attempt left."""
    work = partial(deliveries.fail, found=bench.found, error="cut", error_class="LinkLost", at=bench.ledger.now_ns())
    await bench.ledger.write(work)


async def test_the_next_delivery_of_the_file_goes_on_where_a_failed_one_ended(bench: Bench) -> None:
    broken = await bench.cut()
    await fail(bench)
    peer = Peer(bench.there)
    outcome = await bench.put(peer)
    assert (outcome.row.id != broken.id, outcome.row.partial) == (True, broken.partial)
    assert peer.starts == [AT]
    assert bench.shown == {"/in/a": BYTES}
    left = await bench.ledger.read(partial(deliveries.get, found=broken.id))
    assert left is not None
    assert left.partial == "", "nobody sweeps it away under the new one"


@pytest.mark.parametrize("changes", ["source", "final"])
async def test_another_version_or_another_name_inherits_nothing(bench: Bench, changes: str) -> None:
    broken = await bench.cut()
    await fail(bench)
    if changes == "source":
        bench.here.put("/out/a", bytes(reversed(BYTES)))
    peer = Peer(bench.there)
    outcome = await bench.put(peer, name="a" if changes == "source" else "b")
    assert (peer.starts, outcome.row.partial != broken.partial) == ([0], True)


async def test_what_was_inherited_and_does_not_fit_is_removed(bench: Bench) -> None:
    changed(bench.partial_of(await bench.cut()))
    await fail(bench)
    peer = Peer(bench.there)
    await bench.put(peer)
    assert peer.starts == [0]
    assert bench.shown == {"/in/a": BYTES}


async def test_holes_in_what_was_unanswered_are_written_again(bench: Bench) -> None:
    features = replace(FULL, window_bytes=256)
    broken = await bench.cut(features=features)
    bench.partial_of(broken)[AT - 200 : AT - 50] = bytes(150)
    peer = Peer(bench.there, features)
    outcome = await bench.again(peer)
    assert (peer.starts, outcome.row.starts) == ([AT - 256], 1)
    assert bench.shown == {"/in/a": BYTES}


def changed(data: bytearray) -> None:
    data[7] ^= 1


def longer(data: bytearray) -> None:
    data.extend(bytes(1024))


def shorter(data: bytearray) -> None:
    del data[10:]


@pytest.mark.parametrize("happens", [changed, longer, shorter])
async def test_a_partial_that_is_not_the_beginning_of_the_source_is_not_gone_on_with(
    bench: Bench, happens: Callable[[bytearray], None]
) -> None:
    broken = await bench.cut()
    happens(bench.partial_of(broken))
    peer = Peer(bench.there)
    outcome = await bench.again(peer)
    assert (outcome.row.starts, peer.starts) == (2, [0])
    assert bench.shown == {"/in/a": BYTES}
    assert await bench.ledger.read(partial(endpoints.resumes, endpoint="acme")), "the peer is not to blame"


async def test_a_partial_that_somebody_took_away_is_sent_from_zero(bench: Bench) -> None:
    await bench.cut()
    bench.there.files.clear()
    outcome = await bench.again(Peer(bench.there))
    assert outcome.row.starts == 2
    assert bench.shown == {"/in/a": BYTES}


async def test_a_source_that_changed_is_not_mixed_with_its_older_version(bench: Bench) -> None:
    await bench.cut()
    bench.here.put("/out/a", bytes(reversed(BYTES)))
    with pytest.raises(SourceChanged):
        await bench.again(Peer(bench.there))
    assert bench.shown == {}


async def test_without_a_proof_it_starts_from_zero(bench: Bench) -> None:
    await bench.cut(features=NO_HASH)
    peer = Peer(bench.there, NO_HASH)
    outcome = await bench.again(peer)
    assert (outcome.row.starts, peer.starts) == (2, [0])
    assert bench.shown == {"/in/a": BYTES}


async def test_the_proof_of_the_whole_is_enough_to_go_on(bench: Bench) -> None:
    await bench.cut(features=NO_HASH, verify=Verify.READBACK)
    peer = Peer(bench.there, NO_HASH)
    outcome = await bench.again(peer)
    assert (outcome.row.starts, peer.starts, outcome.row.verified) == (1, [AT], "readback")
    assert bench.shown == {"/in/a": BYTES}


async def test_the_proof_of_the_whole_finds_a_partial_that_was_changed(bench: Bench) -> None:
    changed(bench.partial_of(await bench.cut(features=NO_HASH, verify=Verify.READBACK)))
    peer = Peer(bench.there, NO_HASH)
    outcome = await bench.again(peer)
    assert (outcome.row.starts, peer.starts) == (2, [AT, 0])
    assert bench.shown == {"/in/a": BYTES}


class ZeroFills(Peer):
    """A server that makes the file anew and fills it with zeros up to where it is to start."""

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        self.store.files[self._at(path)] = type(self.store.open(self._at(path)))(99, 0, bytearray(offset))
        return await super().write(path, blocks, offset=offset, sync=sync)


class AppendsTwice(Peer):
    """A server that goes on behind the end whatever it was told, and writes its own block first."""

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        written = await super().write(path, blocks, offset=offset, sync=sync)
        if offset:
            self.store.files[self._at(path)].data[offset:offset] = b"twice"
        return written


@pytest.mark.parametrize("kind", [ZeroFills, AppendsTwice])
@pytest.mark.parametrize("verify", [Verify.AUTO, Verify.NONE, Verify.SIZE])
async def test_a_peer_that_goes_on_wrongly_is_found_before_the_rename_and_never_asked_again(
    bench: Bench, kind: type[Peer], verify: Verify
) -> None:
    await bench.cut(verify=verify)
    peer = kind(bench.there)
    outcome = await bench.again(peer)
    assert isinstance(outcome, Delivered)
    assert (outcome.row.starts, peer.starts) == (2, [AT, 0])
    assert "not asked to go on" in outcome.row.notes[0]
    await bench.cut(name="b")
    second = kind(bench.there)
    await bench.again(second)
    assert second.starts == [0]
    assert bench.shown == {"/in/a": BYTES, "/in/b": BYTES}
    await bench.ledger.write(partial(endpoints.keep_profile, endpoint="acme", profile={}))
    assert await bench.ledger.read(partial(endpoints.resumes, endpoint="acme")), "a new probe forgets it"


class FlipsAByte(Peer):
    """A peer that keeps one byte wrong, always."""

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        written = await super().write(path, blocks, offset=offset, sync=sync)
        self.store.files[self._at(path)].data[-1] ^= 0xFF
        return written


async def test_a_file_that_comes_out_wrong_twice_is_not_delivered(bench: Bench) -> None:
    await bench.cut()
    peer = FlipsAByte(bench.there)
    with pytest.raises(VerifyFailed) as told:
        await bench.again(peer)
    assert peer.starts == [AT, 0]
    assert bench.shown == {}
    ours = hashlib.sha256(BYTES).hexdigest()
    theirs = hashlib.sha256(BYTES[:-1] + bytes([BYTES[-1] ^ 0xFF])).hexdigest()
    assert ours in str(told.value)
    assert theirs in str(told.value)
    assert told.value.exit_code == 22


async def test_a_stop_keeps_a_large_partial_for_the_next_process(bench: Bench) -> None:
    reached = asyncio.Event()

    class Waits(Peer):
        async def _counted(self, blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
            async for block in super()._counted(blocks):
                yield block
                if self.sent >= AT:
                    reached.set()
                    await asyncio.Event().wait()

    task = asyncio.ensure_future(bench.put(Waits(bench.there)))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    peer = Peer(bench.there)
    assert isinstance(await bench.again(peer), Delivered)
    assert peer.starts == [AT]
    assert bench.shown == {"/in/a": BYTES}


class Source(Peer):
    """What a GET reads; the link breaks after `breaks_at` bytes."""

    def __init__(self, store: MemoryStore, features: Features = FULL, breaks_at: int | None = None) -> None:
        super().__init__(store, features, breaks_at)
        self.asked: list[int] = []

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        self.asked.append(offset)
        async for block in self._counted(super().read(path, self._start(offset))):
            yield block

    def _start(self, offset: int) -> int:
        return offset


class IgnoresItsStart(Source):
    """A server that sends the whole file whatever it was told."""

    def _start(self, offset: int) -> int:
        return 0


class StartsElsewhere(Source):
    """A server that sends as many bytes as it should, and not those."""

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        async for block in super().read(path, offset):
            yield bytes(len(block)) if offset else block


async def _cut_get(bench: Bench, features: Features = FULL) -> None:
    with pytest.raises(LinkLost):
        await bench.get(Source(bench.here, features, AT), Peer(bench.there))


async def test_a_download_that_broke_fetches_only_the_rest(bench: Bench) -> None:
    await _cut_get(bench)
    source = Source(bench.here)
    outcome = await bench.again(Peer(bench.there), source)
    assert isinstance(outcome, Delivered)
    assert (source.asked, source.sent, outcome.row.starts) == ([AT], len(BYTES) - AT, 1)
    assert outcome.row.sha256 == hashlib.sha256(BYTES).hexdigest()
    assert bench.shown == {"/in/a": BYTES}


async def test_a_download_without_a_proof_starts_from_zero(bench: Bench) -> None:
    await _cut_get(bench, NO_HASH)
    source = Source(bench.here, NO_HASH)
    outcome = await bench.again(Peer(bench.there), source)
    assert (source.asked, outcome.row.starts) == ([0], 2)
    assert bench.shown == {"/in/a": BYTES}


class WholeHashesOnly(Source):
    """An FTP server with XSHA256."""

    async def remote_hash(self, path: str, algorithm: str, *, first_bytes: int | None = None) -> str | None:
        return None if first_bytes is not None else await super().remote_hash(path, algorithm)


async def test_a_hash_of_the_whole_source_is_proof_enough_for_a_download(bench: Bench) -> None:
    await _cut_get(bench)
    source = WholeHashesOnly(bench.here)
    outcome = await bench.again(Peer(bench.there), source)
    assert (source.asked, outcome.row.starts) == ([AT], 1)
    assert bench.shown == {"/in/a": BYTES}


async def test_a_hash_of_the_whole_source_finds_a_partial_that_was_changed(bench: Bench) -> None:
    await _cut_get(bench)
    changed(bench.partial_of(await bench.row()))
    source = WholeHashesOnly(bench.here)
    outcome = await bench.again(Peer(bench.there), source)
    assert (source.asked, outcome.row.starts) == ([AT, 0], 2)
    assert bench.shown == {"/in/a": BYTES}


@pytest.mark.parametrize("kind", [IgnoresItsStart, StartsElsewhere])
async def test_a_source_that_starts_where_it_likes_is_found(bench: Bench, kind: type[Source]) -> None:
    await _cut_get(bench)
    source = kind(bench.here)
    outcome = await bench.again(Peer(bench.there), source)
    assert (source.asked, outcome.row.starts) == ([AT, 0], 2)
    assert bench.shown == {"/in/a": BYTES}
    assert not await bench.ledger.read(partial(endpoints.resumes, endpoint="acme"))


class EndsEarly(Source):
    """A server that says "that was all" too early."""

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        yield BYTES[:AT]


async def test_a_source_that_ends_early_is_tried_again_and_not_taken_for_another(bench: Bench) -> None:
    with pytest.raises(Retryable, match="640 bytes were read where 1024 stand") as told:
        await bench.get(EndsEarly(bench.here), Peer(bench.there))
    assert not isinstance(told.value, SourceChanged)
    assert bench.shown == {}
    assert isinstance(await bench.again(Peer(bench.there), Source(bench.here)), Delivered)
    assert bench.shown == {"/in/a": BYTES}


async def test_old_servers_checksums_are_computed_here_too() -> None:
    tally = Tally.of("crc32")
    await tally.add(b"hello ")
    await tally.add(b"world")
    assert tally.hex("crc32") == f"{zlib.crc32(b'hello world'):08x}"
