"""Thousands of seeded histories: whatever dies, is lost or comes late, every file arrives whole and once.

GATEWAY_HISTORIES and SEED in the environment play more of them, and others (`make torture`).
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.clock import SystemClock
from gateway.endpoints.base import Claim, Features
from gateway.endpoints.memory import MemoryEndpoint
from gateway.language.nodes import Taken
from gateway.ledger import Ledger, open_ledger
from gateway.ledger.delivery_row import DeliveryRow
from gateway.transfer import append, collect, intend, send, settle, together
from gateway.transfer.aboard import Aboard
from gateway.transfer.collect import Collected, Sent
from gateway.transfer.settle import Shown, Step
from gateway.transfer.together import Together
from gateway.transfer.way import Way, removed, stamp_at
from tests.chaos.bulk import OneByOne
from tests.chaos.history import COUNT, FIRST, Broken, History, side_by_side

FULL = MemoryEndpoint().features
PLAIN = replace(FULL, lasting_inodes=False, mtime_precision_ns=1_000_000_000)
SWAPS = replace(PLAIN, atomic_replace=False)
HISTORIES = range(FIRST, FIRST + COUNT)


@pytest.fixture
async def ledger(memory_path: Path) -> AsyncIterator[Ledger]:
    async with open_ledger(memory_path / "state", SystemClock(), reserve_bytes=0) as made:
        yield made


async def play(
    ledger: Ledger, seeds: range, features: Features, mode: Taken = Taken.REPLACE, **more: bool
) -> list[str]:
    """Play histories side by side, so that they share commits; what was told of all of them."""
    played = [History(seed, ledger, features, mode, **more) for seed in seeds]
    await side_by_side(played)
    return [line for history in played for line in history.told]


@pytest.mark.parametrize(
    ("features", "mode"),
    [
        pytest.param(FULL, Taken.REPLACE, id="atomic replace"),
        pytest.param(PLAIN, Taken.REPLACE, id="no inodes"),
        pytest.param(SWAPS, Taken.REPLACE, id="swap"),
        pytest.param(FULL, Taken.UNIQUE, id="unique"),
        pytest.param(SWAPS, Taken.UNIQUE, id="unique, plain renames"),
        pytest.param(PLAIN, Taken.HOLD, id="hold"),
    ],
)
async def test_every_file_arrives_whole_and_once(ledger: Ledger, features: Features, mode: Taken) -> None:
    await play(ledger, HISTORIES, features, mode)


@pytest.mark.parametrize("features", [pytest.param(FULL, id="inodes"), pytest.param(PLAIN, id="no inodes")])
async def test_files_that_go_together_arrive_whole_and_once(ledger: Ledger, features: Features) -> None:
    told = await play(ledger, HISTORIES, features, together=True)
    assert told.count("ARRIVED TOGETHER") > COUNT // 2
    assert sum(line.startswith("LEFT") for line in told) > COUNT // 10, "it is tried only if some leave the others"


async def test_every_append_is_whole_and_once(ledger: Ledger) -> None:
    await play(ledger, HISTORIES, PLAIN, Taken.APPEND, takes=False)


async def test_an_append_that_starts_over_is_caught(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    write = append._write
    monkeypatch.setattr(append, "_write", lambda way, written, missing: write(way, 0, missing=missing))
    with pytest.raises(Broken):
        await play(ledger, HISTORIES, PLAIN, Taken.APPEND, takes=False)


def never_looks(row: DeliveryRow, shown: Shown) -> Step:
    """A settle that sends again whenever it has not seen the end."""
    return Step.RESTART


def believes(row: DeliveryRow, shown: Shown) -> Step:
    """A settle that takes every rename for done."""
    return Step.DELIVERED


def renames_again(row: DeliveryRow, shown: Shown) -> Step:
    """A settle that doesn't see that partial and final are one file."""
    step = settle_decide(row, shown)
    return Step.RENAME if step is Step.TIDY_UP else step


settle_decide = settle.decide


@pytest.mark.parametrize(
    ("broken", "features"),
    [
        pytest.param(never_looks, FULL, id="never looks"),
        pytest.param(believes, FULL, id="believes"),
        pytest.param(renames_again, SWAPS, id="renames again"),
    ],
)
async def test_a_broken_settle_is_caught(
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    broken: Callable[[DeliveryRow, Shown], Step],
    features: Features,
) -> None:
    monkeypatch.setattr(settle, "decide", broken)
    with pytest.raises(Broken):
        await play(ledger, HISTORIES, features)


async def test_a_source_that_is_removed_without_a_claim_is_caught(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stat_then_unlink(way: Way, it: Sent) -> Collected:
        found = await stamp_at(way.source, it.path)
        if found is not None and found.same_version(it.stamp):
            await removed(way.source, it.path)
        return Collected()

    monkeypatch.setattr(collect, "remove_source", stat_then_unlink)
    with pytest.raises(Broken):
        await play(ledger, HISTORIES, FULL)


async def test_a_partial_that_takes_its_name_unverified_is_caught(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(way: Way) -> None:
        return None

    monkeypatch.setattr(send, "same_source", nothing)
    monkeypatch.setattr(intend, "same_source", nothing)
    with pytest.raises(Broken):
        await play(ledger, HISTORIES, FULL)


async def test_a_rename_of_many_that_is_believed_unseen_is_caught(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def all_of_them(journey: Together, files: Sequence[Aboard]) -> list[Aboard]:
        await journey.lent.lays.rename_all([(file.row.partial, file.row.final) for file in files])
        return list(files)

    monkeypatch.setattr(Together, "_renamed", all_of_them)
    with pytest.raises(Broken):
        await play(ledger, HISTORIES, FULL, together=True)


async def test_files_that_go_together_although_they_were_replaced_are_caught(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "_is_judged", lambda whole, intent: True)
    with pytest.raises(Broken):
        await play(ledger, HISTORIES, FULL, together=True)


async def test_sources_of_many_that_are_removed_without_a_claim_are_caught(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look_then_remove(bulk: OneByOne, claim: Claim) -> None:
        await bulk._require_same(claim.path, claim)
        await bulk.endpoint.remove(claim.path)

    monkeypatch.setattr(OneByOne, "_collect", look_then_remove)
    with pytest.raises(Broken):
        await play(ledger, HISTORIES, FULL, together=True)
