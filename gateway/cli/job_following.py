"""Follows a run of a job in the ledger: a live table on a terminal, a line for each step elsewhere."""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from typing import TYPE_CHECKING, Protocol

import typer

from gateway.cli.doing import is_terminal
from gateway.cli.job_layout import cells_for, columns_for, widths_for
from gateway.cli.job_table import Rates, by_interest, heading, place_cells, totals
from gateway.cli.output import show_value
from gateway.core.clock import Clock
from gateway.core.errors import Unknown
from gateway.jobs.report import Report, Standing, read_report
from gateway.ledger import Ledger

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.table import Table

LOOK_EVERY_S = 0.5
_BESIDE_THE_TABLE = 5
"""Lines of the terminal that its own words need: column heads, what is not shown, the sum."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What following needs; `quiet`: nothing is printed."""

    ledger: Ledger
    clock: Clock
    zone: tzinfo
    quiet: bool = False


class Screen(Protocol):
    """Where a run is shown."""

    def show(self, report: Report, now: int) -> None:
        """As it stands now."""
        ...


class Lines:
    """A line for each step of the run and of a destination."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._run: str | None = None
        self._places: dict[str, tuple[object, ...]] = {}

    def show(self, report: Report, now: int) -> None:  # noqa: ARG002 -- a line says what was, not how long
        run = report.run
        if run.state.value != self._run:
            self._run = run.state.value
            typer.echo(show_value(f"{run.job}, run {run.id}: {run.state.value.replace('_', ' ')}"))
        for place in report.places:
            row = place.row
            step = (row.state, row.error, row.begun)
            if self._places.get(row.endpoint) != step:
                self._places[row.endpoint] = step
                _, phase, files, sent, _, _, said = place_cells(place, None, self._zone)
                told = [phase, *(one for one in (files, sent if row.bytes_sent else "-", said) if one != "-")]
                typer.echo(f"  {show_value(row.endpoint)}: {'; '.join(told)}")


class Nothing:
    """Nobody looks on."""

    def show(self, report: Report, now: int) -> None:
        """Not shown."""


class Drawn:
    """The table, drawn anew at each look."""

    def __init__(self, live: "Live", clock: Clock, zone: tzinfo) -> None:
        self._live = live
        self._clock = clock
        self._zone = zone
        self._rates = Rates()

    def show(self, report: Report, now: int) -> None:
        self._rates.look(report, self._clock.monotonic())
        self._live.update(self._drawn(report, now), refresh=True)

    def _drawn(self, report: Report, now: int) -> "RenderableType":
        from rich.console import Group
        from rich.text import Text

        above = [Text(show_value(line), no_wrap=True, overflow="ellipsis") for line in heading(report, self._zone, now)]
        room = max(3, self._live.console.height - len(above) - _BESIDE_THE_TABLE)
        shown = by_interest(report.places)[:room] if len(report.places) > room else list(report.places)
        table = self._table(shown)
        hidden = len(report.places) - len(shown)
        more = [Text(f"and {hidden} more")] if hidden else []
        return Group(*above, Text(""), table, *more, Text(totals(report)))

    def _table(self, shown: Sequence[Standing]) -> "Table":
        from rich.table import Table
        from rich.text import Text

        width = self._live.console.width
        columns = columns_for(width)
        rows = [cells_for(columns, place, self._rates, self._zone) for place in shown]
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column, wide in widths_for(columns, rows, width).items():
            table.add_column(column, no_wrap=True, overflow="ellipsis", width=wide)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        return table


@contextmanager
def open_screen(watch: Watch) -> Iterator[Screen]:
    """A table on a terminal, lines elsewhere, nothing where nobody looks on."""
    if watch.quiet:
        yield Nothing()
        return
    if not is_terminal():
        yield Lines(watch.zone)
        return
    from rich.live import Live

    with Live(auto_refresh=False, transient=True) as live:
        yield Drawn(live, watch.clock, watch.zone)


async def follow(watch: Watch, run: int, over: Awaitable[object] | None = None) -> Report:
    """Show a run until it is over; `over`, where this process works on it, returns at its end: it is seen at once."""
    ending = asyncio.ensure_future(over) if over is not None else None
    try:
        with open_screen(watch) as screen:
            while True:
                report = await report_of(watch.ledger, run)
                screen.show(report, watch.ledger.now_ns())
                if report.run.terminal:
                    return report
                await _until_the_next_look(watch.clock, ending)
    finally:
        if ending is not None:
            ending.cancel()


async def _until_the_next_look(clock: Clock, ending: "asyncio.Future[object] | None") -> None:
    """At the end of the run, but only once: one whose end nobody here brings about is looked at by the clock."""
    if ending is None or ending.done():
        await clock.sleep(LOOK_EVERY_S)
        return
    sleeping = asyncio.ensure_future(clock.sleep(LOOK_EVERY_S))
    try:
        await asyncio.wait((sleeping, ending), return_when=asyncio.FIRST_COMPLETED)
    finally:
        sleeping.cancel()


async def report_of(ledger: Ledger, run: int) -> Report:
    """The run as it stands.  Raises Unknown."""
    report = await ledger.read(partial(read_report, found=run))
    if report is None:
        raise Unknown(f"there is no job run {run}; gateway job runs shows those that there are")
    return report
