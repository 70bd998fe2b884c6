"""The live table of a run, as a terminal of 80 columns and one of 120 show it."""

import asyncio
import io
from datetime import UTC, timedelta
from pathlib import Path

from rich.console import Console
from rich.live import Live

from gateway.cli.job_following import Drawn, report_of
from gateway.core.units import parse_duration
from gateway.ledger.job_states import PlaceState
from tests.jobs.engine_stage import job_stage
from tests.jobs.test_moving import SLOW, looks_often, real  # noqa: F401 -- a fixture for each test here
from tests.runner.harness import write

SIZE = 10_000_000


async def rows_drawn(tmp_path: Path, endpoint: str, width: int) -> list[str]:
    """What stood in the table for the destination while it loaded."""
    write(tmp_path / "prices" / "big", b"x" * SIZE)
    async with job_stage(tmp_path, [endpoint], SLOW, real=real) as made:
        run = await made.jobs.start("prices")
        drawn = io.StringIO()
        console = Console(file=drawn, width=width, height=24, force_terminal=True, color_system=None)
        ledger, clock = made.stage.engine.ledger, made.stage.engine.clock

        async def look() -> list[str]:
            seen: list[str] = []
            with Live(console=console, auto_refresh=False) as live:
                screen = Drawn(live, clock, UTC)
                while not (report := await report_of(ledger, run)).run.terminal:
                    drawn.seek(0)
                    drawn.truncate()
                    screen.show(report, ledger.now_ns())
                    if report.places[0].row.state is PlaceState.LOADING:
                        seen += [line for line in drawn.getvalue().splitlines() if "loading" in line and "/s" in line]
                    await asyncio.sleep(0.2)
            return seen

        return await made.stage.ending(look())


async def test_at_80_columns_name_phase_share_rate_and_time_left_are_whole(tmp_path: Path) -> None:
    rows = await rows_drawn(tmp_path, "branch-office-in-hamburg", 80)
    cells = [row.split() for row in rows if " %" in row]
    assert cells, rows
    for name, phase, share, percent, rate, unit, left, *_ in cells:
        assert (name, phase, percent) == ("branch-office-in-hamburg", "loading", "%")
        assert 0 <= int(share) <= 100
        assert float(rate) >= 0
        assert unit in ("B/s", "KiB/s", "MiB/s")
        assert left == "-" or parse_duration(left) >= timedelta(0), "after a moment almost without bytes these are days"
    assert not any("…" in row or len(row) > 80 for row in rows)
    assert any(0 < int(row[2]) < 100 and row[6] != "-" for row in cells)


async def test_at_120_columns_files_and_bytes_stand_there_too(tmp_path: Path) -> None:
    rows = await rows_drawn(tmp_path, "branch-office-in-hamburg", 120)
    assert any("1 delivered, 1 waiting" in row and " of 9.5 MiB " in row for row in rows), rows
    assert not any("…" in row for row in rows)
