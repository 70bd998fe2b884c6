"""Seeded histories of large files that break off: with holes, late writes, meddled partials and changed sources."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.core.clock import SystemClock
from gateway.endpoints.base import Features
from gateway.endpoints.memory import MemoryEndpoint
from gateway.ledger import Ledger, open_ledger
from gateway.transfer import kept, resume
from gateway.transfer.kept import Kept
from gateway.transfer.verify import Proof
from gateway.transfer.way import Way, stamp_at
from tests.chaos.history import COUNT, FIRST, Broken, History, side_by_side
from tests.chaos.peer import Session

HASHES = replace(MemoryEndpoint().features, window_bytes=32)
IN_ORDER = replace(HASHES, window_bytes=0)
NO_INODES = replace(HASHES, lasting_inodes=False, mtime_precision_ns=1_000_000_000)


@pytest.fixture
async def ledger(memory_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ledger]:
    monkeypatch.setattr(kept, "LEAST_BYTES", 16)
    monkeypatch.setattr(Session, "piece_bytes", 16)
    monkeypatch.setattr(Session, "links", False)
    async with open_ledger(memory_path / "state", SystemClock(), reserve_bytes=0) as made:
        yield made


async def play(ledger: Ledger, features: Features, histories: int = COUNT, **more: Any) -> list[str]:
    """Play histories side by side; what was told of all of them."""
    played = [
        History(seed, ledger, features, faults=5, repeat=6, arrives=0.03, **more)
        for seed in range(FIRST, FIRST + histories)
    ]
    await side_by_side(played)
    return [line for history in played for line in history.told]


@pytest.mark.parametrize(
    "features",
    [pytest.param(HASHES, id="hashes"), pytest.param(IN_ORDER, id="in order"), pytest.param(NO_INODES, id="no inodes")],
)
@pytest.mark.parametrize("damages", [False, True], ids=["left alone", "meddled with"])
async def test_what_breaks_off_arrives_whole_and_once(ledger: Ledger, features: Features, damages: bool) -> None:
    told = await play(ledger, features, COUNT // 2, damages=damages)
    went_on = sum(line.startswith("write") and not line.endswith("from 0") for line in told)
    assert went_on > COUNT // 20, "it is tried only if transfers do go on"


async def test_going_on_behind_holes_without_a_proof_is_caught(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    async def believes(way: Way, offset: int) -> Kept:
        there = await stamp_at(way.target, way.row.partial)
        assert there is not None
        return Kept(there.size_bytes, None, Proof("size"))

    monkeypatch.setattr(resume, "_to_there", believes)
    with pytest.raises(Broken):
        await play(ledger, HASHES)


async def test_going_on_with_what_somebody_changed_is_caught(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unproven(way: Way, offset: int) -> Kept:
        return Kept(offset, None, Proof("size"))

    monkeypatch.setattr(resume, "_to_there", unproven)
    with pytest.raises(Broken):
        await play(ledger, HASHES, damages=True)


async def test_cutting_before_going_on_is_caught(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cut of a dead session may come after the file took its name."""
    monkeypatch.setattr(Session, "cuts_first", True)
    with pytest.raises(Broken):
        await play(ledger, HASHES, takes=False)
