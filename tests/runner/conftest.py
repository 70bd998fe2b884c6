"""Fixtures of the runner's tests: an engine over the test's own folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.core.clock import TurnedClock
from tests.runner.harness import START, Stage, stage


@pytest.fixture
async def act(tmp_path: Path) -> AsyncIterator[Stage]:
    """An engine on the machine's own clock."""
    async with stage(tmp_path) as made:
        yield made


@pytest.fixture
async def turned(tmp_path: Path) -> AsyncIterator[Stage]:
    """An engine whose clock the test turns."""
    async with stage(tmp_path, clock=TurnedClock(START)) as made:
        yield made
