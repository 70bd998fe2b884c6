"""When each action is looked at next: all together on one grid of moments, each sooner where a file's time comes."""

import math
from collections.abc import Callable
from zlib import crc32

from gateway.core.clock import Clock
from gateway.scheduler.entry import Entry
from gateway.scheduler.looking import LookDone, Looking
from gateway.scheduler.make import Pace
from gateway.scheduler.timers import Timers
from gateway.transfer.watched import Hints

A_MOMENT_S = 0.002
"""Added to the time at which a file becomes ready: a timer may fire a little early."""

GRID = "the periodic look"


class Plans:
    """The timers of looks.  `ask` asks for a look that isn't a mere glance."""

    def __init__(
        self,
        clock: Clock,
        pace: Pace,
        timers: Timers[float],
        looking: Looking,
        ask: Callable[[Entry, Hints], None],
    ) -> None:
        self.pace = pace
        self._clock = clock
        self._timers = timers
        self._looking = looking
        self._ask = ask
        self._on_grid: dict[str, Entry] = {}

    def open(self, entry: Entry) -> None:
        """A continuous range of `entry` began."""
        entry.look_at_s = 0.0
        if entry.polled is None or not entry.polled.trusts_folder_times:
            self._timers.sooner(entry.name, self._clock.monotonic())
        elif entry.name not in self._on_grid:
            entry.full_at_s = 0.0
            self._on_grid[entry.name] = entry
            self._timers.set(GRID, self._clock.monotonic())

    def close(self, entry: Entry) -> None:
        """It is over; a look at an explicit time is brought to its end."""
        self._on_grid.pop(entry.name, None)
        if entry.until_s is None:
            self._timers.cancel(entry.name)

    def drop(self, name: str) -> None:
        """No more looks at `name`."""
        self._on_grid.pop(name, None)
        self._timers.cancel(name)

    def look_at_all(self) -> None:
        """The periodic look: one call of a thread for a stat of each folder, and some folders' turn to be listed."""
        now_s = self._clock.monotonic()
        for entry in self._on_grid.values():
            if now_s >= entry.full_at_s:
                share = 1.0 if entry.full_at_s else _spread(entry.name)
                entry.full_at_s = now_s + self.pace.full_scan_every.total_seconds() * share
                self._ask(entry, Hints(every_file=True))
            elif entry.polled is not None and entry.polled.moving:
                self._ask(entry, Hints())
        if self._on_grid:
            self._looking.glance(tuple(self._on_grid.values()))
            every_s = self.pace.check_every.total_seconds()
            self._timers.set(GRID, (math.floor(now_s / every_s) + 1) * every_s)

    def look_at(self, entry: Entry) -> None:
        """The time of `entry` has come: a file of it waits, or it is not on the grid."""
        if entry.polled is not None and not entry.polled.trusts_folder_times:
            everything = self._clock.monotonic() >= entry.look_at_s
            self._ask(entry, Hints(folders=everything, rescan=everything, every_file=everything))
        else:
            self._ask(entry, Hints(folders=entry.check is not None))

    def plan(self, done: LookDone) -> None:
        """After a look: when to look again, but for the grid."""
        entry, now_s = done.entry, self._clock.monotonic()
        if entry.retry_at_s is not None and entry.retry_at_s <= now_s:
            entry.retry_at_s = None
        at_s = [at for at in (entry.until_s, entry.retry_at_s) if at is not None]
        at_s += self._next_look(done, now_s)
        if at_s and (entry.open or entry.until_s is not None):
            self._timers.set(entry.name, min(at_s))
        else:
            self._timers.cancel(entry.name)

    def _next_look(self, done: LookDone, now_s: float) -> list[float]:
        entry = done.entry
        if entry.polled is None:
            # Nobody tells when a folder that is missing is made: that is looked for as often as for files to send.
            wait = done.decision.look_in if done.decision is not None and entry.check_stands else self.pace.check_every
            entry.look_at_s = now_s + wait.total_seconds()
            return [entry.look_at_s]
        if not entry.polled.trusts_folder_times:
            if done.hints.folders:
                entry.look_at_s = now_s + self.pace.untrusted_every.total_seconds()
            return [entry.look_at_s]
        entry.look_at_s = self._timers.at(GRID) or now_s
        waits_s = entry.polled.next_at_s()
        if done.error is not None:
            return [now_s + self.pace.check_every.total_seconds()]
        return [max(waits_s, now_s) + A_MOMENT_S] if waits_s is not None else []


def _spread(name: str) -> float:
    """Between 0 and 1, the same for a name: full listings of many actions don't fall on one moment."""
    return (crc32(name.encode()) + 1) / 2**32
