"""The settle table of DESIGN §4, row by row: decided purely, and carried out on a peer in memory."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.core.clock import SystemClock
from gateway.core.errors import LinkLost, NotThere, PathRefused
from gateway.core.model import Stamp
from gateway.endpoints.base import Features
from gateway.endpoints.memory import MemoryEndpoint, MemoryStore
from gateway.language.nodes import Taken
from gateway.ledger import Ledger, deliveries, instances, open_ledger
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.errors import StateLost
from gateway.transfer.deliver import deliver, resume_delivery
from gateway.transfer.intent import Caller, Delivered, Held, Intent, Unsettled
from gateway.transfer.settle import Shown, Step, decide

NEW, OLD, OTHER = Stamp(5, 100, 7), Stamp(3, 50, 4), Stamp(9, 70, 8)
BYTES = b"hello"
SHA256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


def row(before: Stamp | None = None, state: State = State.PLACING, **more: Any) -> DeliveryRow:
    """A delivery whose partial was noted as NEW."""
    intent = Intent(
        action="a", command=1, verb="PUT", endpoint="e", place="e", source="/out/a", stamp=NEW, final="in/a"
    )
    values: dict[str, Any] = {
        "id": 1, "intent": intent, "state": state, "final": "in/a", "partial": "in/.a.part", "starts": 1,
        "before": before, "noted": NEW, "backup": None, "size": 5, "sha256": SHA256, "offset": None,
        "verified": "size", "placed": None, "owner": None, "attempts": 1, "started_at": 0,
        "delivered_at": None, "finished_at": None, "error": None, "error_class": None, "notes": (), "sent_as": None,
    }  # fmt: skip
    return DeliveryRow(**{**values, **more})


NAMELESS = replace(NEW, inode=0)  # the same file on a peer that shows no inodes
TABLE = [
    ("partial there as noted, no final: rename", row(), Shown(NEW, None), Step.RENAME),
    ("partial there as noted, the old final: rename", row(OLD), Shown(NEW, OLD), Step.RENAME),
    ("partial there as noted, another final: rename", row(), Shown(NEW, OTHER, "no"), Step.RENAME),
    ("partial and final are one file: tidy up", row(), Shown(NEW, NEW), Step.TIDY_UP),
    ("one file although an old one stood there: tidy up", row(OLD), Shown(NEW, NEW), Step.TIDY_UP),
    ("final from nothing with our hash: tidy up", row(), Shown(NAMELESS, NAMELESS, SHA256), Step.TIDY_UP),
    ("final from nothing with another hash: rename", row(), Shown(NAMELESS, NAMELESS, "no"), Step.RENAME),
    ("what looks like the old final: rename", row(NAMELESS), Shown(NAMELESS, NAMELESS), Step.RENAME),
    ("what looks like the old final has our content: tidy up", row(NAMELESS), Shown(NAMELESS, NAMELESS, SHA256),
     Step.TIDY_UP),
    ("what looks like the old final has another: rename", row(NAMELESS), Shown(NAMELESS, NAMELESS, "no"), Step.RENAME),
    ("partial there, not as noted: restart", row(), Shown(replace(NEW, size_bytes=2), None), Step.RESTART),
    ("partial gone, the old final still there: hold", row(OLD), Shown(None, OLD), Step.HOLD),
    ("partial gone, final is ours: delivered", row(OLD), Shown(None, NEW), Step.DELIVERED),
    ("partial gone, no final: delivered", row(), Shown(None, None), Step.DELIVERED),
    ("partial gone, the old final gone, too: delivered", row(OLD), Shown(None, None), Step.DELIVERED),
    ("partial gone, a third file: delivered", row(OLD), Shown(None, OTHER), Step.DELIVERED),
    ("partial gone, old and new look alike: delivered", row(NAMELESS), Shown(None, NAMELESS), Step.DELIVERED),
    ("old and new look alike but for the inode: hold", row(replace(NEW, inode=4)),
     Shown(None, replace(NEW, inode=4)), Step.HOLD),
    ("swapping, nothing done yet: go on", row(OLD, State.SWAPPING, backup="b"), Shown(NEW, OLD), Step.RENAME),
    ("swapping, old one aside: go on", row(OLD, State.SWAPPING, backup="b"), Shown(NEW, None, None, OLD), Step.RENAME),
    ("swapping, old one aside and a third came: hold", row(OLD, State.SWAPPING, backup="b"),
     Shown(NEW, OTHER, None, OLD), Step.HOLD),
    ("swapping, the old one has both its names: take one back", row(OLD, State.SWAPPING, backup="b"),
     Shown(NEW, OLD, None, OLD), Step.UNDO_ASIDE),
    ("the same without inodes", row(replace(OLD, inode=0), State.SWAPPING, backup="b"),
     Shown(NEW, replace(OLD, inode=0), None, replace(OLD, inode=0)), Step.UNDO_ASIDE),
    ("swapping, partial gone, backup there: delivered", row(OLD, State.SWAPPING, backup="b"),
     Shown(None, NEW, None, OLD), Step.DELIVERED),
    ("swapping, partial gone, the old final there: hold", row(OLD, State.SWAPPING, backup="b"),
     Shown(None, OLD), Step.HOLD),
    ("swapping, our own file aside: its name again", row(OLD, State.SWAPPING, backup="b"),
     Shown(None, None, None, NEW), Step.NAME_OURS),
    ("the same without inodes", row(OLD, State.SWAPPING, backup="b", noted=NAMELESS),
     Shown(None, None, None, NAMELESS), Step.NAME_OURS),
    ("our own file aside, and a third one came: hold", row(OLD, State.SWAPPING, backup="b"),
     Shown(None, OTHER, None, NEW), Step.HOLD),
    ("our own file with both names: delivered", row(OLD, State.SWAPPING, backup="b"),
     Shown(None, NEW, None, NEW), Step.DELIVERED),
    ("old and new look alike without inodes: delivered",
     row(NAMELESS, State.SWAPPING, backup="b", noted=NAMELESS), Shown(None, None, None, NAMELESS), Step.DELIVERED),
    ("swapping, partial not as noted, old one aside: put it back", row(OLD, State.SWAPPING, backup="b"),
     Shown(OTHER, None, None, OLD), Step.PUT_BACK),
    ("a folder that looks like our file: rename, which is refused", row(),
     Shown(NAMELESS, NAMELESS, is_file=False), Step.RENAME),
    ("partial gone, a folder under the name since: delivered", row(OLD), Shown(None, OTHER, is_file=False),
     Step.DELIVERED),
    ("swapping, old one aside and a folder that looks like it came: hold", row(OLD, State.SWAPPING, backup="b"),
     Shown(NEW, replace(OLD, inode=0), None, replace(OLD, inode=0), is_file=False), Step.HOLD),
    ("swapping, partial not as noted: restart", row(OLD, State.SWAPPING, backup="b"),
     Shown(OTHER, OLD), Step.RESTART),
]  # fmt: skip


@pytest.mark.parametrize(("found", "shown", "step"), [case[1:] for case in TABLE], ids=[case[0] for case in TABLE])
def test_the_table(found: DeliveryRow, shown: Shown, step: Step) -> None:
    assert decide(found, shown) is step


class Cut(MemoryEndpoint):
    """A peer whose next rename is answered by nobody; `executed` says whether it happened."""

    def __init__(self, store: MemoryStore, *, executed: bool, error: type[Exception] = LinkLost) -> None:
        super().__init__(store)
        self.executed = executed
        self.error = error

    async def rename(self, source: str, target: str) -> None:
        if self.executed:
            await super().rename(source, target)
        raise self.error("no answer")


class Bench:
    """A source, a peer, and a delivery that stopped at its rename."""

    def __init__(self, ledger: Ledger, owner: int) -> None:
        self.ledger, self.owner = ledger, owner
        self.here, self.there = MemoryStore(), MemoryStore()
        self.there.folders["/in"] = 2
        self.here.put("/out/a", BYTES)
        self.found = 0

    async def cut(self, *, executed: bool, **more: Any) -> DeliveryRow:
        """Deliver until the rename is not answered."""
        source = MemoryEndpoint(self.here)
        intent = Intent(
            action="a", command=1, verb="PUT", endpoint="e", place="e", source="/out/a",
            stamp=(await source.stat("/out/a")).stamp, final="in/a", remove_source=True, **more,
        )  # fmt: skip
        with pytest.raises(LinkLost):
            await deliver(
                intent, source, Cut(self.there, executed=executed), ledger=self.ledger, clock=SystemClock(),
                owner=self.owner, caller=Caller(on_intended=lambda row: setattr(self, "found", row.id)),
            )  # fmt: skip
        return await self.row()

    async def row(self) -> DeliveryRow:
        found = await self.ledger.read(partial(deliveries.get, found=self.found))
        assert found is not None
        return found

    async def settle(self, target: MemoryEndpoint | None = None, **more: Any) -> Delivered | Held:
        return await resume_delivery(
            self.found, MemoryEndpoint(self.here), target or MemoryEndpoint(self.there), ledger=self.ledger,
            clock=SystemClock(), owner=self.owner, **more,
        )  # fmt: skip

    @property
    def shown(self) -> dict[str, bytes]:
        return {path: bytes(file.data) for path, file in self.there.files.items()}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with (
        open_ledger(tmp_path / "state", SystemClock(), reserve_bytes=0) as ledger,
        instances.own(ledger, "serve") as owner,
    ):
        yield Bench(ledger, owner)


async def test_a_rename_that_was_not_executed_is_done_once_more(bench: Bench) -> None:
    stopped = await bench.cut(executed=False)
    assert stopped.state is State.PLACING
    assert stopped.partial.lstrip("/") in {path.lstrip("/") for path in bench.shown}, "nobody removes it now"
    outcome = await bench.settle()
    assert isinstance(outcome, Delivered)
    assert outcome.row.state is State.DONE
    assert bench.shown == {"/in/a": BYTES}
    assert not bench.here.files


async def test_a_rename_whose_answer_was_lost_is_not_repeated(bench: Bench) -> None:
    await bench.cut(executed=True)
    taken = bench.there.files.pop("/in/a")
    outcome = await bench.settle()
    assert isinstance(outcome, Delivered)
    assert outcome.row.placed == "gone"
    assert bytes(taken.data) == BYTES
    assert bench.shown == {}, "the recipient has it already: it must not come again"


async def test_the_receipt_says_if_another_file_stands_there_now(bench: Bench) -> None:
    await bench.cut(executed=True)
    bench.there.put("/in/a", b"somebody else's")
    outcome = await bench.settle()
    assert isinstance(outcome, Delivered)
    assert outcome.row.placed == "other"


async def test_a_rename_cut_between_link_and_unlink_is_tidied_up(bench: Bench) -> None:
    stopped = await bench.cut(executed=False)
    bench.there.files["/in/a"] = bench.there.files["/" + stopped.partial]
    outcome = await bench.settle()
    assert isinstance(outcome, Delivered)
    assert bench.shown == {"/in/a": BYTES}


async def test_a_partial_that_is_not_as_noted_is_sent_again_from_zero(bench: Bench) -> None:
    stopped = await bench.cut(executed=False)
    bench.there.put("/" + stopped.partial, b"hel")
    outcome = await bench.settle()
    assert isinstance(outcome, Delivered)
    assert outcome.row.starts == 2
    assert bench.shown == {"/in/a": BYTES}


async def test_an_old_final_without_our_partial_waits_for_a_person(bench: Bench) -> None:
    bench.there.put("/in/a", b"old")
    stopped = await bench.cut(executed=False)
    del bench.there.files["/" + stopped.partial]
    outcome = await bench.settle()
    assert isinstance(outcome, Held)
    assert "/in/a".lstrip("/") in outcome.reason
    assert f"gateway retry {bench.found}" in outcome.reason
    assert "/out/a" in bench.here.files, "the source stays"
    assert isinstance(await bench.settle(), Held), "nothing goes on by itself"
    assert isinstance(await bench.settle(by_operator=True), Delivered)
    assert bench.shown == {"/in/a": BYTES}


async def test_a_folder_that_cannot_be_seen_leaves_it_unsettled(bench: Bench) -> None:
    stopped = await bench.cut(executed=False)
    gone = MemoryStore()
    with pytest.raises(Unsettled, match="can't be seen"):
        await bench.settle(MemoryEndpoint(gone))
    after = await bench.row()
    assert (after.state, after.partial) == (State.PLACING, stopped.partial)
    assert "/out/a" in bench.here.files
    assert isinstance(await bench.settle(), Delivered)


async def test_a_link_that_is_down_leaves_it_unsettled(bench: Bench) -> None:
    class Down(MemoryEndpoint):
        async def stat(self, path: str) -> Any:
            raise LinkLost("no route to host")

    await bench.cut(executed=True)
    with pytest.raises(LinkLost):
        await bench.settle(Down(bench.there))
    assert (await bench.row()).state is State.PLACING


async def test_failed_is_never_said_of_a_delivery_that_is_placing(bench: Bench) -> None:
    await bench.cut(executed=False)
    work = partial(deliveries.fail, found=bench.found, error="x", error_class="LinkLost", at=1)
    with pytest.raises(StateLost):
        await bench.ledger.write(work)


async def test_an_intended_delivery_starts_again_under_a_new_partial_name(bench: Bench) -> None:
    class Breaks(MemoryEndpoint):
        async def write(self, path: str, blocks: Any, **more: Any) -> int:
            await super().write(path, blocks, **more)
            raise LinkLost("gone")

        async def remove(self, path: str) -> None:
            raise LinkLost("gone")

    source = MemoryEndpoint(bench.here)
    intent = Intent(
        action="a", command=1, verb="PUT", endpoint="e", place="e", source="/out/a",
        stamp=(await source.stat("/out/a")).stamp, final="in/a",
    )  # fmt: skip
    caller = Caller(on_intended=lambda row: setattr(bench, "found", row.id))
    with pytest.raises(LinkLost):
        await deliver(
            intent, source, Breaks(bench.there), ledger=bench.ledger, clock=SystemClock(), owner=bench.owner,
            caller=caller,
        )  # fmt: skip
    stopped = await bench.row()
    assert stopped.state is State.INTENDED
    assert "/" + stopped.partial in bench.shown
    outcome = await bench.settle()
    assert outcome.row.partial != stopped.partial
    assert bench.shown == {"/in/a": BYTES}


async def test_a_delivery_that_a_living_process_works_on_is_not_settled_by_another(bench: Bench) -> None:
    await bench.cut(executed=False)
    other = await bench.ledger.write(partial(instances.begin, what="serve", at=1, alone=False))
    await bench.ledger.write(partial(deliveries.claim, found=bench.found, owner=other))
    with pytest.raises(NotThere, match="another process"):
        await bench.settle()
    await bench.ledger.write(partial(instances.end, owner=other, at=2))
    assert isinstance(await bench.settle(), Delivered)


async def test_a_peer_that_refuses_the_rename_gets_its_partial_removed(bench: Bench) -> None:
    source = MemoryEndpoint(bench.here)
    intent = Intent(
        action="a", command=1, verb="PUT", endpoint="e", place="e", source="/out/a",
        stamp=(await source.stat("/out/a")).stamp, final="in/a",
    )  # fmt: skip
    refusing = Cut(bench.there, executed=False, error=PathRefused)
    caller = Caller(on_intended=lambda row: setattr(bench, "found", row.id))
    with pytest.raises(PathRefused):
        await deliver(
            intent, source, refusing, ledger=bench.ledger, clock=SystemClock(), owner=bench.owner, caller=caller
        )
    assert (await bench.row()).state is State.INTENDED
    assert bench.shown == {}


class Late(MemoryEndpoint):
    """A peer that executes a dead session's rename just before the next call named `before`.

    It looks at the new name first; what stands there is taken right before that rename.
    """

    def __init__(self, store: MemoryStore, features: Features, late: tuple[str, str], before: str) -> None:
        super().__init__(store, features=features)
        self.late: tuple[str, str] | None = late
        self.before = before

    async def rename(self, source: str, target: str) -> None:
        await self._arrive("rename" if not target.rpartition("/")[2].startswith(".") else "aside")
        await super().rename(source, target)

    async def rename_noreplace(self, source: str, target: str) -> None:
        await self._arrive("rename")
        await super().rename_noreplace(source, target)

    async def _arrive(self, call: str) -> None:
        if self.late is not None and call == self.before:
            late, self.late = self.late, None
            self.store.files.pop("/in/a", None)  # somebody took what stood there
            await super().rename(*late)


SWAPS = replace(MemoryEndpoint().features, atomic_replace=False)


@pytest.mark.parametrize("mode", [Taken.REPLACE, Taken.UNIQUE, Taken.HOLD, Taken.FAIL])
async def test_a_late_rename_that_ends_before_ours_is_our_delivery(bench: Bench, mode: Taken) -> None:
    stopped = await bench.cut(executed=False, mode=mode)
    peer = Late(bench.there, SWAPS, (stopped.partial, stopped.final), "rename")
    outcome = await bench.settle(peer)
    assert isinstance(outcome, Delivered)
    assert (outcome.row.state, outcome.row.final, outcome.row.starts) == (State.DONE, "in/a", 1)
    assert bench.shown == {"/in/a": BYTES}


async def test_a_late_rename_that_ends_before_the_old_file_is_moved_aside_is_not_lost(bench: Bench) -> None:
    """The old file was taken, the late rename put ours there, and the swap took it for the old one."""
    bench.there.put("/in/a", b"old")
    stopped = await bench.cut(executed=False)
    peer = Late(bench.there, SWAPS, (stopped.partial, stopped.final), "aside")
    outcome = await bench.settle(peer)
    assert isinstance(outcome, Delivered)
    assert bench.shown == {"/in/a": BYTES}
