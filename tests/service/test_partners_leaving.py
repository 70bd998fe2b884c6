"""What partners did leaves the ledger with the rest of its history, into a file where that is wanted."""

import csv
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.core.clock import TurnedClock
from gateway.ledger import open_ledger, partner_files
from gateway.ledger.partner_files import Act, Came, Kind
from gateway.ledger.partner_history import ActFilter, acts
from gateway.service.housekeeping import Housekeeping


@pytest.mark.parametrize("export", ["", 'export_history = "old"\n'])
async def test_what_partners_did_is_kept_as_long_as_history(tmp_path: Path, export: str) -> None:
    (tmp_path / "gateway.toml").write_text(f'[gateway]\nkeep_history = "30d"\ntimezone = "UTC"\n{export}')
    clock = TurnedClock(datetime(2026, 11, 21, 12, tzinfo=UTC))
    loaded = load(tmp_path / "gateway.toml")
    async with open_ledger(tmp_path / "var", clock) as ledger:
        keeping = Housekeeping(ledger, clock, lambda: loaded)

        async def upload(name: str, state: Came = Came.WHOLE) -> None:
            at = ledger.now_ns()
            ended, hidden = (None, "h") if state is Came.UNDER_WAY else (at, None)
            one = Act(
                partner="shop", address="192.0.2.7", over="ftps", kind=Kind.UPLOAD, path=name, state=state, size=3,
                hidden=hidden, started_at=at, ended_at=ended,
            )  # fmt: skip
            await ledger.write(partial(partner_files.note, acts=[one]))

        async def left() -> list[str]:
            return [row.act.path for row in await ledger.read(lambda c: acts(c, ActFilter()))]

        await upload("/in/old.csv")
        await upload("/in/under_way.csv", Came.UNDER_WAY)
        clock.step(timedelta(days=29))
        await keeping.tidy()
        assert len(await left()) == 2
        await upload("/in/young.csv")
        clock.step(timedelta(days=2))
        await keeping.tidy()
        assert await left() == ["/in/young.csv", "/in/under_way.csv"]
    files = list((tmp_path / "old").glob("partners-*")) if export else []
    assert [path.name for path in files] == (["partners-2026-12.csv"] if export else [])
    for path in files:
        (row,) = csv.DictReader(path.read_text().splitlines())
        assert (row["file"], row["partner"], row["state"], row["size_bytes"]) == ("/in/old.csv", "shop", "whole", "3")
