from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from gateway.core.clock import TurnedClock
from gateway.ledger import open_ledger, requests

CLOCK = TurnedClock(datetime(2026, 11, 21, tzinfo=UTC))


async def test_a_ledger_that_nobody_writes_keeps_its_version(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, CLOCK) as ledger:
        before = ledger.version()
        await ledger.read(requests.newest)
        assert ledger.version() == before


async def test_our_own_commit_and_that_of_another_process_change_the_version(tmp_path: Path) -> None:
    ask = partial(requests.ask, kind="status", arguments={}, asked_by="root", at=0)
    async with open_ledger(tmp_path, CLOCK) as ledger, open_ledger(tmp_path, CLOCK) as other:
        first = ledger.version()
        await ledger.write(ask)
        second = ledger.version()
        await other.write(ask)
        assert len({first, second, ledger.version()}) == 3
