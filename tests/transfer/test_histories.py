"""Thousands of seeded histories: whatever dies, is lost or comes late, every file arrives whole and once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.clock import SystemClock
from gateway.endpoints.base import Features
from gateway.endpoints.memory import MemoryEndpoint
from gateway.language.nodes import Taken
from gateway.ledger import Ledger, open_ledger
from gateway.ledger.delivery_row import DeliveryRow
from gateway.transfer import collect, settle
from gateway.transfer.settle import Shown, Step
from gateway.transfer.way import Way, removed
from tests.chaos.history import Broken, History

FULL = MemoryEndpoint().features
PLAIN = replace(FULL, lasting_inodes=False, mtime_precision_ns=1_000_000_000)
SIDE_BY_SIDE = 25


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    # Memory-backed where there is one: the fsync of each commit is not what is tried here.
    async with open_ledger(tmp_path / "state", SystemClock(), reserve_bytes=0) as made:
        yield made


async def play(ledger: Ledger, seeds: range, features: Features, mode: Taken = Taken.REPLACE, **more: bool) -> None:
    """Play histories side by side, so that they share commits."""
    left = list(seeds)

    async def player() -> None:
        while left:
            await History(left.pop(), ledger, features, mode, **more).play()

    await asyncio.gather(*(player() for _ in range(SIDE_BY_SIDE)))


@pytest.mark.parametrize(
    ("features", "mode"),
    [
        pytest.param(FULL, Taken.REPLACE, id="atomic replace"),
        pytest.param(PLAIN, Taken.REPLACE, id="no inodes"),
    ],
)
async def test_every_file_arrives_whole_and_once(ledger: Ledger, features: Features, mode: Taken) -> None:
    await play(ledger, range(1000), features, mode)
