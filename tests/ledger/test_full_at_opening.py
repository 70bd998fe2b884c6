"""A ledger that is opened while its disk takes nothing: SQLite needs some room of its own, be it only to read."""

import subprocess
from pathlib import Path

import pytest

from gateway.core.clock import SystemClock
from gateway.ledger import open_ledger
from gateway.ledger.errors import LedgerBroken, LedgerFull, LedgerLost
from gateway.ledger.overview import newest_run
from tests.acceptance.small_disk import small_disk


async def test_a_ledger_on_a_full_disk_opens_by_giving_up_the_reserve(tmp_path: Path) -> None:
    clock = SystemClock()
    with small_disk(tmp_path / "var", "30m") as disk:
        async with open_ledger(disk.folder, clock) as ledger:
            assert ledger.trouble is None
        disk.fill()
        async with open_ledger(disk.folder, clock) as ledger:
            assert await ledger.read(newest_run) == 0
            with pytest.raises(LedgerFull, match="too little room on its disk"):
                await ledger.may_take()
        disk.fill()
        with pytest.raises(LedgerFull, match="the ledger's disk is full; free some space"):
            async with open_ledger(disk.folder, clock):
                pass


async def test_a_ledger_that_is_lost_is_noticed_on_a_full_disk_too(tmp_path: Path) -> None:
    clock = SystemClock()
    with small_disk(tmp_path / "var", "30m") as disk:
        async with open_ledger(disk.folder, clock):
            pass
        for file in disk.folder.glob("ledger.sqlite*"):
            file.unlink()
        with pytest.raises(LedgerLost):  # which leaves an empty one there
            async with open_ledger(disk.folder, clock):
                pass
        disk.fill()
        for _ in range(2):
            with pytest.raises(LedgerLost):
                async with open_ledger(disk.folder, clock):
                    pass


async def test_a_ledger_on_a_disk_that_is_mounted_read_only_says_so(tmp_path: Path) -> None:
    with small_disk(tmp_path / "var", "30m") as disk:
        async with open_ledger(disk.folder, SystemClock()):
            pass
        subprocess.run(["mount", "-o", "remount,ro", str(disk.folder)], check=True)
        with pytest.raises(LedgerBroken, match="have its disk mounted to be written"):
            async with open_ledger(disk.folder, SystemClock()):
                pass
