"""Follows a run in the ledger and shows it: progress bars on a terminal, a line per file elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol

import typer

from gateway.cli.doing import is_terminal, tell
from gateway.cli.output import show_value
from gateway.core.clock import Clock
from gateway.core.units import show_size
from gateway.ledger import Ledger, overview
from gateway.ledger.delivery_row import OPEN, DeliveryRow, State

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LOOK_EVERY_S = 0.2
QUIET_S = 3.0
"""A run that shows nothing for so long waits for its files, or for a WAIT."""


class Screen(Protocol):
    """Where a run is shown."""

    def remark(self, line: str) -> None:
        """Something beside the files."""
        ...

    def progress(self, name: str, size_bytes: int, sent_bytes: int) -> None:
        """So much of a file is sent."""
        ...

    def ended(self, row: DeliveryRow) -> None:
        """A file came to an end."""
        ...


class Lines:
    """A line per file."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def remark(self, line: str) -> None:
        if not self._quiet:
            tell(line)

    def progress(self, name: str, size_bytes: int, sent_bytes: int) -> None:
        """A line per file is enough."""

    def ended(self, row: DeliveryRow) -> None:
        if not self._quiet:
            typer.echo(show_value(delivery_line(row)))


class Bars:
    """A bar for each file on its way, a line above for each that ended."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def remark(self, line: str) -> None:
        self._print(line)

    def progress(self, name: str, size_bytes: int, sent_bytes: int) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(show_value(name), total=max(size_bytes, 1))
        self._progress.update(self._tasks[name], completed=sent_bytes)

    def ended(self, row: DeliveryRow) -> None:
        task = self._tasks.pop(row.name, None)
        if task is not None:
            self._progress.remove_task(task)
        self._print(delivery_line(row))

    def _print(self, line: str) -> None:
        from rich.text import Text

        self._progress.console.print(Text(show_value(line)))


@contextmanager
def open_screen(*, quiet: bool) -> Iterator[Screen]:
    """Bars on a terminal, lines elsewhere."""
    if quiet or not is_terminal():
        yield Lines(quiet=quiet)
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, transient=True) as progress:
        yield Bars(progress)


def delivery_line(row: DeliveryRow) -> str:
    """One file's end, for people."""
    where = f"{row.intent.place}:{row.final}" if row.intent.place else row.final
    if row.state in (State.DONE, State.AWAITING, State.DELIVERED, State.DELETE_FAILED):
        size = show_size(row.size if row.size is not None else row.intent.stamp.size_bytes)
        verified = f", verified by {row.verified}" if row.verified not in (None, "none") else ", not verified"
        kept = f"; the source is still there: {row.error}" if row.state is State.DELETE_FAILED else ""
        waits = ", its answer is awaited" if row.state is State.AWAITING else ""
        return f"{row.name} -> {where}  {size}{verified}{waits}{kept}"
    return f"{row.name}: {row.state.value.replace('_', ' ')}: {row.error or 'no reason is known'}"


class Follower:
    """Shows what the ledger says of the first run of `action` behind the run `before`.

    `behind`: something else is done first, and was told.
    """

    def __init__(
        self, ledger: Ledger, clock: Clock, action: str, before: int, screen: Screen, *, behind: bool = False
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._action = action
        self._before = before
        self._screen = screen
        self._behind = behind
        self._run: int | None = None
        self._newest = 0
        self._open: set[int] = set()

    async def follow(self) -> None:
        """Until cancelled."""
        if not self._behind:
            await self._tell_who_is_before()
        began_s, told = self._clock.monotonic(), self._behind
        while True:
            await self.look()
            if not told and not self._newest and self._clock.monotonic() - began_s > QUIET_S:
                told = True
                self._screen.remark(f"{self._action}: under way; files count as complete once they rest")
            await self._clock.sleep(LOOK_EVERY_S)

    async def _tell_who_is_before(self) -> None:
        first = await self._ledger.read(partial(overview.run_under_way, action=self._action))
        if first is not None and first.id <= self._before:
            self._screen.remark(f"{self._action}: run {first.id} is under way; this one starts after it")

    async def look(self, run: int | None = None) -> None:
        """Show what ended since the last look; `run` is the one that it turned out to be."""
        if run is not None and run != self._run:
            self._run, self._newest, self._open = run, 0, set()
        if self._run is None:
            began = await self._ledger.read(partial(overview.run_after, action=self._action, after=self._before))
            self._run = None if began is None else began.id
        if self._run is None:
            return
        found = partial(overview.to_follow, found=self._run, after=self._newest, known=tuple(self._open))
        for row in await self._ledger.read(found):
            self._newest = max(self._newest, row.id)
            is_open = row.state in OPEN and row.state not in (State.AWAITING, State.HELD)
            if is_open:
                self._open.add(row.id)
            else:
                self._open.discard(row.id)
                self._screen.ended(row)
