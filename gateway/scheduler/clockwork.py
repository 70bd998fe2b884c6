"""What happens by the wall clock: due times, and ranges that open and close.  A clock that is set is noticed."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from gateway.core.clock import Clock
from gateway.language.calendar import is_open, next_close, next_open
from gateway.scheduler.entry import Entry
from gateway.scheduler.timers import Timers
from gateway.scheduler.times import Firing, fire

log = structlog.get_logger(__name__)

JUMP_S = 1.0
"""The wall clock was set if it moved so much against the monotonic one."""


class Clockwork:
    """Times of all actions.  `keep` records due times, and what was skipped, before what they cause is started."""

    def __init__(
        self,
        clock: Clock,
        *,
        keep: Callable[[Mapping[str, datetime], Mapping[str, str]], Awaitable[None]],
        is_paused: Callable[[Entry], bool],
        on_due: Callable[[Entry, Firing], None],
        on_edge: Callable[[Entry], None],
    ) -> None:
        self._clock = clock
        self._keep = keep
        self._is_paused = is_paused
        self._on_due = on_due
        self._on_edge = on_edge
        self._points: Timers[datetime] = Timers()
        self._edges: Timers[datetime] = Timers()
        self._entries: dict[str, Entry] = {}
        self._drift_s = self._drift()

    def arm(self, entry: Entry) -> None:
        """Time `entry` from now on; what is due at once is found by the next `turn`."""
        self._entries[entry.name] = entry
        now = self._clock.now()
        if entry.schedule.has_points:
            self._points.set(entry.name, now)
        if entry.schedule.has_ranges:
            self._edges.set(entry.name, now)

    def disarm(self, name: str) -> None:
        """No more times of `name`."""
        self._entries.pop(name, None)
        self._points.cancel(name)
        self._edges.cancel(name)

    def rearm(self) -> None:
        """Work out all times anew: the clock was set, or a pause is over."""
        for entry in tuple(self._entries.values()):
            self.arm(entry)

    async def turn(self) -> None:
        """Do what is due by now."""
        self._notice_jump()
        now = self._clock.now()
        for name in self._edges.due(now):
            self._edge(self._entries[name], now)
        await self._fire([self._entries[name] for name in self._points.due(now)], now)

    def next_in_s(self) -> float | None:
        """How long until the next time, None if there is none."""
        ats = [at for at in (self._points.next_at(), self._edges.next_at()) if at is not None]
        return max(0.0, (min(ats) - self._clock.now()).total_seconds()) if ats else None

    def _edge(self, entry: Entry, now: datetime) -> None:
        zone = zone_of(entry)
        entry.open = is_open(entry.schedule, now, zone)
        at = next_close(entry.schedule, now, zone) if entry.open else next_open(entry.schedule, now, zone)
        if at is not None:
            self._edges.set(entry.name, at)
        self._on_edge(entry)

    async def _fire(self, entries: Iterable[Entry], now: datetime) -> None:
        fired: list[tuple[Entry, Firing]] = []
        moved: dict[str, datetime] = {}
        for entry in entries:
            if self._is_paused(entry):
                continue  # armed again when the pause is over: then its times are late, and `misfire` decides
            firing = fire(entry.schedule, zone_of(entry), since=entry.since, now=now, misfire=entry.misfire)
            if firing.since != entry.since:
                moved[entry.name] = entry.since = firing.since
            entry.next_at = firing.next_at
            if firing.next_at is not None:
                self._points.set(entry.name, firing.next_at)
            fired.append((entry, firing))
        if moved:
            skipped = {entry.name: str(firing.skipped) for entry, firing in fired if firing.skipped is not None}
            await self._keep(moved, skipped)
        for entry, firing in fired:
            self._tell(entry, firing)
            if firing.run_for is not None:
                self._on_due(entry, firing)

    def _tell(self, entry: Entry, firing: Firing) -> None:
        if firing.skipped is not None:
            log.warning("due times skipped", action=entry.name, skipped=str(firing.skipped))
        if firing.clock_set_back:
            log.warning("the clock was set back; times count from now on", action=entry.name)

    def _drift(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()

    def _notice_jump(self) -> None:
        drift_s = self._drift()
        if abs(drift_s - self._drift_s) > JUMP_S:
            log.warning("the clock was set", by_s=round(drift_s - self._drift_s, 1))
            self._drift_s = drift_s
            self.rearm()


def zone_of(entry: Entry) -> ZoneInfo:
    """The zone that the schedule names, else the action's."""
    return ZoneInfo(entry.schedule.zone) if entry.schedule.zone else entry.instance.zone
