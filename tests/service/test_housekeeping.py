from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from gateway.config.load import load
from gateway.core.clock import TurnedClock
from gateway.ledger import open_ledger
from gateway.ledger.looks import Look, looks_at, note_looks
from gateway.service.housekeeping import Housekeeping


async def test_looks_are_forgotten_after_their_time_and_not_before(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text('[gateway]\nkeep_looks = "7d"\n')
    clock = TurnedClock(datetime(2026, 11, 21, 12, tzinfo=UTC))
    loaded = load(tmp_path / "gateway.toml")
    async with open_ledger(tmp_path / "var", clock) as ledger:
        seen = Look("orders", "/out/a.csv", ledger.now_ns(), "ready", "", 1)
        await ledger.write(partial(note_looks, looks=[seen]))
        keeping = Housekeeping(ledger, clock, lambda: loaded)
        clock.step(timedelta(days=6))
        await keeping.tidy()
        assert len(await ledger.read(partial(looks_at, path="/out/a.csv"))) == 1
        clock.step(timedelta(days=2))
        await keeping.tidy()
        assert await ledger.read(partial(looks_at, path="/out/a.csv")) == []
