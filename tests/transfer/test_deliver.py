"""One file from here to there: names that are taken, proofs, stops, and what -DEL does to the source."""

import asyncio
import ctypes
import hashlib
import os
import random
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.config.schema import Verify
from gateway.core.clock import SystemClock, TurnedClock
from gateway.core.errors import (
    LinkLost,
    NameTaken,
    NeedsOperator,
    NotThere,
    PathRefused,
    SourceChanged,
    VerifyFailed,
)
from gateway.endpoints.local import LocalEndpoint
from gateway.endpoints.memory import MemoryEndpoint, MemoryStore
from gateway.language.nodes import Taken
from gateway.ledger import Ledger, deliveries, instances, open_ledger
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.errors import FinalBusy, SourceBusy
from gateway.transfer.deliver import deliver, resume_delivery
from gateway.transfer.intent import Caller, Delivered, Held, Hooks, Intent, Outcome

FULL = MemoryEndpoint().features
BYTES = b"hello world"


class Desk:
    """A source and a peer in memory, and one gateway between them."""

    def __init__(self, ledger: Ledger, owner: int) -> None:
        self.ledger, self.owner = ledger, owner
        self.here, self.there = MemoryStore(), MemoryStore()
        self.there.folders["/in"] = 2
        self.source: MemoryEndpoint = MemoryEndpoint(self.here)
        self.features = FULL
        self.clock: Any = SystemClock()
        self.row: DeliveryRow | None = None

    def target(self) -> MemoryEndpoint:
        return MemoryEndpoint(self.there, features=self.features)

    async def intent(self, path: str = "/out/a.csv", content: bytes | None = BYTES, **more: Any) -> Intent:
        if content is not None:
            self.here.put(path, content)
        values: dict[str, Any] = {
            "action": "orders", "command": 1, "verb": "PUT", "endpoint": "acme", "place": "acme", "source": path,
            "stamp": (await self.source.stat(path)).stamp, "final": "in/a.csv",
        }  # fmt: skip
        return Intent(**{**values, **more})

    async def send(self, intent: Intent, target: MemoryEndpoint | None = None, **caller: Any) -> Outcome:
        def note(row: DeliveryRow) -> None:
            self.row = row

        return await deliver(
            intent, self.source, target or self.target(), ledger=self.ledger, clock=self.clock, owner=self.owner,
            caller=Caller(on_intended=note, **caller),
        )  # fmt: skip

    async def again(self, **more: Any) -> Outcome:
        assert self.row is not None
        return await resume_delivery(
            self.row.id, self.source, self.target(), ledger=self.ledger, clock=self.clock, owner=self.owner, **more
        )

    async def now(self) -> DeliveryRow:
        assert self.row is not None
        found = await self.ledger.read(partial(deliveries.get, found=self.row.id))
        assert found is not None
        return found

    @property
    def shown(self) -> dict[str, bytes]:
        return {path: bytes(file.data) for path, file in self.there.files.items()}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with (
        open_ledger(tmp_path / "state", SystemClock(), reserve_bytes=0) as ledger,
        instances.own(ledger, "serve") as owner,
    ):
        yield Desk(ledger, owner)


async def test_a_put_walks_from_a_folder_to_a_peer(tmp_path: Path, desk: Desk) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"hello" * 100_000)
    async with LocalEndpoint(tmp_path) as here:
        desk.source = here  # type: ignore[assignment]
        outcome = await desk.send(await desk.intent(str(path), None, remove_source=True))
    assert isinstance(outcome, Delivered)
    assert outcome.row.state is State.DONE
    assert outcome.row.sha256 == hashlib.sha256(b"hello" * 100_000).hexdigest()
    assert desk.shown == {"/in/a.csv": b"hello" * 100_000}
    assert not path.exists()


async def test_a_put_replaces_what_stands_there(desk: Desk) -> None:
    desk.there.put("/in/a.csv", b"old")
    outcome = await desk.send(await desk.intent())
    assert outcome.row.before is not None
    assert desk.shown == {"/in/a.csv": BYTES}


@pytest.mark.parametrize("atomic", [True, False], ids=["posix rename", "plain rename"])
async def test_unique_never_replaces_and_counts_up(desk: Desk, atomic: bool) -> None:
    desk.features = replace(FULL, atomic_replace=atomic, rename_noreplace=atomic)
    desk.there.put("/in/a.csv", b"old")
    desk.there.put("/in/a.1.csv", b"older")
    outcome = await desk.send(await desk.intent(mode=Taken.UNIQUE))
    assert outcome.row.final == "in/a.2.csv"
    assert desk.shown == {"/in/a.csv": b"old", "/in/a.1.csv": b"older", "/in/a.2.csv": BYTES}


async def test_a_name_taken_meanwhile_makes_unique_go_on_to_the_next(desk: Desk) -> None:
    async def somebody_is_faster() -> None:
        desk.there.put("/in/a.csv", b"theirs")

    outcome = await desk.send(await desk.intent(mode=Taken.UNIQUE), before_placing=somebody_is_faster)
    assert outcome.row.final == "in/a.1.csv"
    assert desk.shown == {"/in/a.csv": b"theirs", "/in/a.1.csv": BYTES}


async def test_fail_leaves_the_old_file_and_the_source(desk: Desk) -> None:
    desk.there.put("/in/a.csv", b"old")
    with pytest.raises(NameTaken):
        await desk.send(await desk.intent(mode=Taken.FAIL, remove_source=True))
    assert (await desk.now()).state is State.INTENDED
    assert desk.shown == {"/in/a.csv": b"old"}
    assert "/out/a.csv" in desk.here.files


async def test_hold_waits_until_somebody_took_the_old_file(desk: Desk) -> None:
    desk.there.put("/in/a.csv", b"old")
    outcome = await desk.send(await desk.intent(mode=Taken.HOLD, remove_source=True))
    assert isinstance(outcome, Held)
    assert outcome.name_taken
    again = await desk.again()
    assert isinstance(again, Held), "it still stands there"
    del desk.there.files["/in/a.csv"]
    assert isinstance(await desk.again(), Delivered)
    assert desk.shown == {"/in/a.csv": BYTES}
    assert not desk.here.files


async def test_hold_counts_equal_content_as_delivered(desk: Desk) -> None:
    desk.there.put("/in/a.csv", BYTES)
    outcome = await desk.send(await desk.intent(mode=Taken.HOLD, remove_source=True))
    assert isinstance(outcome, Delivered)
    assert "equal content" in outcome.row.notes[0]
    assert not desk.here.files


async def test_a_name_taken_during_the_transfer_holds_without_a_partial_left(desk: Desk) -> None:
    async def somebody_is_faster() -> None:
        desk.there.put("/in/a.csv", b"theirs")

    outcome = await desk.send(await desk.intent(mode=Taken.HOLD), before_placing=somebody_is_faster)
    assert isinstance(outcome, Held)
    assert desk.shown == {"/in/a.csv": b"theirs"}


async def test_where_renames_do_not_replace_the_old_file_is_swapped_out(desk: Desk) -> None:
    desk.features = replace(FULL, atomic_replace=False)
    desk.there.put("/in/a.csv", b"old")
    outcome = await desk.send(await desk.intent())
    assert isinstance(outcome, Delivered)
    assert outcome.row.backup is not None
    assert desk.shown == {"/in/a.csv": BYTES}


async def test_replace_refuse_keeps_the_old_file(desk: Desk) -> None:
    desk.features = replace(FULL, atomic_replace=False)
    desk.there.put("/in/a.csv", b"old")
    with pytest.raises(NameTaken):
        await desk.send(await desk.intent(replace="refuse"))
    assert desk.shown == {"/in/a.csv": b"old"}


async def test_append_adds_behind_what_is_there(desk: Desk) -> None:
    desk.there.put("/in/a.csv", b"old ")
    outcome = await desk.send(await desk.intent(mode=Taken.APPEND, remove_source=True))
    assert isinstance(outcome, Delivered)
    assert outcome.row.sha256 == hashlib.sha256(BYTES).hexdigest()
    assert desk.shown == {"/in/a.csv": b"old " + BYTES}


class CutsAppend(MemoryEndpoint):
    """A peer whose link breaks after some bytes were appended."""

    async def append(self, path: str, blocks: AsyncIterator[bytes]) -> int:
        async def some() -> AsyncIterator[bytes]:
            async for block in blocks:
                yield block[:4]

        await super().append(path, some())
        raise LinkLost("cut")


async def test_an_append_that_was_cut_goes_on_where_it_was_cut(desk: Desk) -> None:
    desk.there.put("/in/a.csv", b"old ")
    with pytest.raises(LinkLost):
        await desk.send(await desk.intent(mode=Taken.APPEND), CutsAppend(desk.there))
    assert desk.shown == {"/in/a.csv": b"old hell"}
    outcome = await desk.again()
    assert outcome.row.sha256 == hashlib.sha256(BYTES).hexdigest()
    assert desk.shown == {"/in/a.csv": b"old " + BYTES}


async def test_an_append_whose_source_changed_is_cut_back(desk: Desk) -> None:
    desk.there.put("/in/a.csv", b"old ")
    with pytest.raises(LinkLost):
        await desk.send(await desk.intent(mode=Taken.APPEND), CutsAppend(desk.there))
    desk.here.put("/out/a.csv", b"another file")
    with pytest.raises(SourceChanged):
        await desk.again()
    assert desk.shown == {"/in/a.csv": b"old "}
    assert (await desk.now()).state is State.INTENDED


async def test_an_append_that_somebody_else_disturbed_waits_for_a_person(desk: Desk) -> None:
    desk.there.put("/in/a.csv", b"old ")
    with pytest.raises(LinkLost):
        await desk.send(await desk.intent(mode=Taken.APPEND), CutsAppend(desk.there))
    desk.there.put("/in/a.csv", b"x" * 100)
    outcome = await desk.again()
    assert isinstance(outcome, Held)
    assert "somebody else" in outcome.reason


async def test_in_place_says_so_on_the_receipt(desk: Desk) -> None:
    outcome = await desk.send(await desk.intent(inplace=True))
    assert "written in place" in outcome.row.notes[0]
    assert desk.shown == {"/in/a.csv": BYTES}


class TakesAtClose(MemoryEndpoint):
    """A mailbox: what is closed is gone."""

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        written = await super().write(path, blocks, offset=offset, sync=sync)
        del self.store.files[self._at(path)]
        return written


async def test_a_peer_that_takes_files_at_their_close_needs_inplace(desk: Desk) -> None:
    with pytest.raises(NeedsOperator, match="inplace = true"):
        await desk.send(await desk.intent(), TakesAtClose(desk.there))
    assert (await desk.now()).state is State.INTENDED
    outcome = await desk.send(await desk.intent("/out/b", inplace=True, final="in/b"), TakesAtClose(desk.there))
    assert isinstance(outcome, Delivered)
    assert outcome.row.verified == "none"


class FlipsAByte(MemoryEndpoint):
    """A peer that takes every byte and keeps one wrong."""

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        written = await super().write(path, blocks, offset=offset, sync=sync)
        self.store.files[self._at(path)].data[-1] ^= 0xFF
        return written


@pytest.mark.parametrize("verify", [Verify.AUTO, Verify.HASH, Verify.READBACK])
async def test_a_flipped_byte_is_found(desk: Desk, verify: Verify) -> None:
    with pytest.raises(VerifyFailed):
        await desk.send(await desk.intent(verify=verify, remove_source=True), FlipsAByte(desk.there))
    assert desk.shown == {}, "the partial is removed"
    assert "/out/a.csv" in desk.here.files


async def test_a_hash_is_not_silently_left_out(desk: Desk) -> None:
    desk.features = replace(FULL, remote_hash=frozenset())
    with pytest.raises(NeedsOperator, match="readback"):
        await desk.send(await desk.intent(verify=Verify.HASH))


class KeepsHalf(MemoryEndpoint):
    """A peer that says yes to every byte and keeps half of them."""

    async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
        written = await super().write(path, blocks, offset=offset, sync=sync)
        del self.store.files[self._at(path)].data[written // 2 :]
        return written


async def test_a_peer_that_loses_bytes_is_caught(desk: Desk) -> None:
    with pytest.raises(VerifyFailed, match="11 bytes were sent, the peer shows 5"):
        await desk.send(await desk.intent(verify=Verify.SIZE), KeepsHalf(desk.there))
    assert desk.shown == {}


async def test_what_arrived_wrong_once_is_sent_once_more_from_zero(desk: Desk) -> None:
    class KeepsHalfOnce(KeepsHalf):
        """An FTP server whose data connection was cut on its side alone: to it that was the end of the file."""

        async def write(self, path: str, blocks: AsyncIterator[bytes], *, offset: int = 0, sync: bool = True) -> int:
            laid.append(path)
            writer = super().write if len(laid) == 1 else partial(MemoryEndpoint.write, self)
            return await writer(path, blocks, offset=offset, sync=sync)

    laid: list[str] = []
    outcome = await desk.send(await desk.intent(verify=Verify.SIZE), KeepsHalfOnce(desk.there))
    assert (outcome.row.state, desk.shown) == (State.DONE, {"/in/a.csv": BYTES})
    assert len(set(laid)) == 2, "a partial of its own, so that a late write of the first spoils nothing"
    assert "the peer shows 5" in outcome.row.notes[0]


async def test_a_missing_folder_is_an_error_unless_it_may_be_made(desk: Desk) -> None:
    with pytest.raises(NeedsOperator, match="make_dirs = true"):
        await desk.send(await desk.intent(final="new/deep/a.csv"))
    await desk.send(await desk.intent("/out/b", final="new/deep/b.csv", make_dirs=True))
    assert desk.shown == {"/new/deep/b.csv": BYTES}


class GrowsWhileRead(MemoryEndpoint):
    """A source that somebody appends to while it is read."""

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        async for block in super().read(path, offset):
            yield block
            self.store.put(path, BYTES * 2)


async def test_a_source_that_grows_while_it_is_read_is_not_delivered(desk: Desk) -> None:
    intent = await desk.intent(remove_source=True)
    desk.source = GrowsWhileRead(desk.here)
    with pytest.raises(SourceChanged):
        await desk.send(intent)
    assert desk.shown == {}
    assert bytes(desk.here.files["/out/a.csv"].data) == BYTES * 2


async def test_a_file_without_progress_is_given_up_by_the_clock(desk: Desk) -> None:
    class Hangs(MemoryEndpoint):
        async def write(self, path: str, blocks: AsyncIterator[bytes], **more: Any) -> int:
            await asyncio.Event().wait()
            raise AssertionError

    desk.clock = TurnedClock(SystemClock().now())
    task = asyncio.ensure_future(desk.send(await desk.intent(), Hangs(desk.there)))
    while desk.clock.next_wake is None:
        await asyncio.sleep(0.001)
    await desk.clock.turn((await desk.intent("/out/x")).timeout)
    with pytest.raises(LinkLost, match="no progress for 300 s"):
        await task


async def test_a_stop_before_placing_leaves_no_partial(desk: Desk) -> None:
    reached = asyncio.Event()

    async def wait() -> None:
        reached.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(desk.send(await desk.intent(), before_placing=wait))
    await reached.wait()
    assert len(desk.shown) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert desk.shown == {}
    after = await desk.now()
    assert (after.state, after.owner, after.partial) == (State.INTENDED, None, "")
    assert isinstance(await desk.again(), Delivered)


async def test_files_take_their_names_when_the_caller_lets_them(desk: Desk) -> None:
    gate = asyncio.Event()

    async def opened() -> None:
        await gate.wait()

    second = asyncio.ensure_future(desk.send(await desk.intent("/out/b", final="in/b"), before_placing=opened))
    await desk.send(await desk.intent())
    assert "/in/b" not in desk.shown
    gate.set()
    await second
    assert set(desk.shown) == {"/in/a.csv", "/in/b"}


async def test_one_version_of_a_source_has_one_open_delivery(desk: Desk) -> None:
    async def meanwhile() -> None:
        with pytest.raises(SourceBusy):
            await desk.send(await desk.intent(content=None, final="in/other"))
        with pytest.raises(FinalBusy):
            await desk.send(await desk.intent("/out/b"))

    await desk.send(await desk.intent(), before_placing=meanwhile)


async def test_more_rows_ride_in_the_commit_that_delivers(desk: Desk) -> None:
    heard: list[tuple[str, State]] = []
    hooks = Hooks(
        delivered=lambda connection, rows: heard.extend(("delivered", row.state) for row in rows),
        done=lambda connection, rows: heard.extend(("done", row.state) for row in rows),
    )
    await desk.send(await desk.intent(), also=hooks)
    assert heard == [("delivered", State.DONE), ("done", State.DONE)], "one commit where nothing is left to do"
    heard.clear()
    await desk.send(await desk.intent("/out/b", final="in/b", remove_source=True), also=hooks)
    assert heard == [("delivered", State.DELIVERED), ("done", State.DONE)]


async def test_a_hook_that_fails_takes_the_change_of_state_with_it(desk: Desk) -> None:
    def broken(connection: Any, rows: Sequence[DeliveryRow]) -> None:
        raise PathRefused("the reaction can't be written")

    with pytest.raises(PathRefused):
        await desk.send(await desk.intent(), also=Hooks(delivered=broken))
    assert (await desk.now()).state is State.PLACING


async def test_a_request_ends_awaiting_its_answer(desk: Desk) -> None:
    outcome = await desk.send(await desk.intent(awaits_answer=True, remove_source=True))
    assert outcome.row.state is State.AWAITING
    assert not desk.here.files


class Denies(MemoryEndpoint):
    """A peer whose files can't be removed or renamed."""

    async def remove(self, path: str) -> None:
        raise PathRefused(f"{path}: permission denied")

    async def rename(self, source: str, target: str) -> None:
        raise PathRefused(f"{source}: permission denied")


async def test_a_peer_that_lets_nobody_rename_is_told_what_to_set(desk: Desk) -> None:
    with pytest.raises(PathRefused, match=r"permission denied.*set inplace = true"):
        await desk.send(await desk.intent(), Denies(desk.there))


async def test_a_source_that_cannot_be_removed_is_delivered_delete_failed(desk: Desk) -> None:
    intent = await desk.intent(remove_source=True)
    desk.source = Denies(desk.here)
    outcome = await desk.send(intent)
    assert isinstance(outcome, Delivered)
    assert outcome.delete_failed == "/out/a.csv: permission denied"
    assert outcome.row.state is State.DELETE_FAILED
    with pytest.raises(NotThere):
        await desk.again()


async def test_a_source_replaced_after_it_was_sent_stays(desk: Desk) -> None:
    class Swapped(MemoryEndpoint):
        async def rename(self, source: str, target: str) -> None:
            if source == "/out/a.csv":
                self.store.put(source, b"a newer file")  # right between the look and the claim
            await super().rename(source, target)

    intent = await desk.intent(remove_source=True)
    desk.source = Swapped(desk.here)
    outcome = await desk.send(intent)
    assert outcome.row.state is State.DONE
    assert {path: bytes(file.data) for path, file in desk.here.files.items()} == {"/out/a.csv": b"a newer file"}


async def test_the_sentbox_keeps_what_would_be_removed(desk: Desk) -> None:
    outcome = await desk.send(await desk.intent(remove_source=True, sentbox="/sent/box"))
    assert outcome.row.sent_as == f"/sent/box/{outcome.row.id}-a.csv"
    assert {path: bytes(file.data) for path, file in desk.here.files.items()} == {outcome.row.sent_as: BYTES}


async def test_what_was_kept_before_a_kill_is_found_again_in_the_sentbox(desk: Desk) -> None:
    class Dies(MemoryEndpoint):
        async def rename(self, source: str, target: str) -> None:
            await super().rename(source, target)
            if target.startswith("/sent/"):
                raise LinkLost("the process is gone, and what it did stands on the disk alone")

    intent = await desk.intent(remove_source=True, sentbox="/sent/box")
    desk.source = Dies(desk.here)
    with pytest.raises(LinkLost):
        await desk.send(intent)
    desk.source = MemoryEndpoint(desk.here)
    outcome = await desk.again()
    assert (outcome.row.state, outcome.row.sent_as) == (State.DONE, f"/sent/box/{outcome.row.id}-a.csv")
    assert {path: bytes(file.data) for path, file in desk.here.files.items()} == {outcome.row.sent_as: BYTES}


async def test_a_file_begun_anew_after_a_kill_counts_an_attempt_more(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "state", SystemClock(), reserve_bytes=0) as ledger:
        async with instances.own(ledger, "killed") as killed:
            before = Desk(ledger, killed)
            intent = await before.intent()
            work = partial(
                deliveries.intend, intent=intent, final="in/a.csv", before=None, offset=None, owner=killed,
                at=1, name_partial=lambda number: f"in/.a.{number}",
            )  # fmt: skip
            row = await ledger.write(work)
        async with instances.own(ledger, "serve") as owner:
            desk = Desk(ledger, owner)
            desk.row, desk.source = row, before.source
            outcome = await desk.again()
    assert (outcome.row.state, outcome.row.attempts) == (State.DONE, 2)


def exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step, so that the writer knows what it replaced; False if `other` is missing."""
    return _LIBC.renameat2(-100, os.fsencode(one), -100, os.fsencode(other), 2) == 0


def laid_down(new: Path, out: Path) -> bool:
    """Give `new` a second name where nothing stands; False if something does."""
    try:
        os.link(new, out)
    except FileExistsError:
        return False
    return True


_LIBC = ctypes.CDLL(None)


async def test_a_writer_that_replaces_its_file_all_the_time_loses_nothing(tmp_path: Path, desk: Desk) -> None:
    """Stat, then unlink loses files here; claim, look, then unlink must not."""
    out, new = tmp_path / "out.csv", tmp_path / "new.csv"
    written: set[bytes] = set()
    delivered: set[bytes] = set()
    replaced: set[bytes] = set()
    stop, chance = False, random.Random(1)

    def writer() -> None:
        number = 0
        while not stop:
            number += 1
            new.write_bytes(b"%09d" % number)
            written.add(b"%09d" % number)
            while not (exchanged := exchange(new, out)) and not laid_down(new, out):
                pass
            if exchanged:
                replaced.add(new.read_bytes())
            new.unlink()
            time.sleep(chance.uniform(0, 0.008))  # some are delivered and replaced in the moment of their removal

    async with LocalEndpoint(tmp_path) as here:
        desk.source = here  # type: ignore[assignment]
        thread = asyncio.ensure_future(asyncio.to_thread(writer))
        for _round in range(120):
            try:
                intent = await desk.intent(str(out), None, remove_source=True)
                outcome = await desk.send(intent)
            except (NotThere, SourceChanged):
                await _given_up(desk)
                continue
            delivered.add(desk.shown["/in/a.csv"])
            assert isinstance(outcome, Delivered)
        stop = True
        await thread
    left = {path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert delivered, "it is tried only if some get as far as their removal"
    assert delivered <= written
    assert not [number for number in written if number not in replaced | delivered | left]


async def _given_up(desk: Desk) -> None:
    for row in await desk.ledger.read(deliveries.open_deliveries):
        fail = partial(deliveries.fail, found=row.id, error="changed", error_class="SourceChanged", at=1)
        await desk.ledger.write(fail)
