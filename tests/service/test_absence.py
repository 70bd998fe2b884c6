"""What is gone is told mount by mount: one that hangs holds up nothing and loses nothing."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.core.clock import TurnedClock
from gateway.ledger.absence import Remembered
from gateway.service.absence import _there
from gateway.transfer.hanging import STILL_S
from tests.peers.hung_mount import hung_mount


async def test_what_lies_on_a_disk_that_hangs_counts_as_there_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    clock = TurnedClock(datetime(2026, 11, 3, 10, 0, tzinfo=UTC))
    (tmp_path / "hung").mkdir()
    (tmp_path / "here").touch()
    found = [
        Remembered("job", str(tmp_path / name), is_listed=False) for name in ("hung/a", "gone", "hung/b/c", "here")
    ]
    with hung_mount(tmp_path / "hung"):
        task = asyncio.ensure_future(_there(found, clock))
        while not task.done():
            await asyncio.sleep(0.01)
            if clock.next_wake is not None:
                await clock.turn(timedelta(seconds=STILL_S / 10))
    assert {Path(one.source).name for one in await task} == {"a", "c", "here"}
