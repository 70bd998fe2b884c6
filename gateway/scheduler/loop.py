"""The scheduler: decides for every action when it is due, and has it run (SPEC §6, §5a).

One task sleeps until the first of all timers or until something wakes it; looks and runs are tasks only while they
go on, so a thousand idle actions cost a few heaps and, every `check_every`, one call of a thread.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import structlog

from gateway.core.clock import Clock
from gateway.core.mounts import Mounts
from gateway.core.waits import first_of
from gateway.core.wake import Wake
from gateway.runner.due import Due, RunResult, Trigger
from gateway.runner.instance import Instance
from gateway.scheduler.book import Book
from gateway.scheduler.clockwork import Clockwork
from gateway.scheduler.entry import Entry
from gateway.scheduler.folders import Folders
from gateway.scheduler.looking import LookDone, Looking
from gateway.scheduler.make import Maker, Pace
from gateway.scheduler.notes import Notes
from gateway.scheduler.offers import Offers
from gateway.scheduler.pauses import Pause, Pauses
from gateway.scheduler.plans import GRID, Plans
from gateway.scheduler.starts import Runs, Starts
from gateway.scheduler.status import ActionStatus, status_of
from gateway.scheduler.tasks import Tasks
from gateway.scheduler.timers import Timers
from gateway.scheduler.times import Firing
from gateway.scheduler.watch import FolderEvents, Pending
from gateway.transfer.watched import Hints

log = structlog.get_logger(__name__)


class Scheduler:
    """Runs actions as they come due.  `load` it, then `run` it until `stop`.

    `own_folders` are the roots of our inbound servers: there a file is complete when the server says so, by waking
    with its path.  Other names given to `wake` are those of actions: they are looked at now.
    """

    def __init__(
        self,
        runs: Runs,
        book: Book,
        clock: Clock,
        wake: Wake,
        *,
        pace: Pace | None = None,
        macros: Mapping[str, str] | None = None,
        events: FolderEvents | None = None,
        own_folders: Collection[Path] = (),
        mounts: Callable[[], Mounts] = Mounts.now,
    ) -> None:
        self._book = book
        self._clock = clock
        self._wake = wake
        self._pace = pace or Pace()
        self._maker = Maker(self._pace, macros or {})
        self._events = events
        self._mounts = mounts
        self._folders = Folders(events, own_folders)
        self._entries: dict[str, Entry] = {}
        self._tasks = Tasks()
        self._pauses = Pauses()
        self._timers: Timers[float] = Timers()
        self._notes = Notes(book, clock, self._tasks.start)
        self._looking = Looking(book, clock, self._tasks.start, self._looked)
        self._starts = Starts(runs, clock, self._tasks.start, self._ended, self._entries.get)
        self._offers = Offers(book, clock, self._starts, self._may_run, self._ask)
        self._plans = Plans(clock, self._pace, self._timers, self._looking, self._ask)
        self._clockwork = Clockwork(
            clock, keep=self._keep, is_paused=self._is_paused, on_due=self._due_by_clock, on_edge=self._edge
        )
        self._last_times: Mapping[str, datetime] | None = None
        self._stopping = False

    # What service asks of it.

    async def load(
        self, instances: Iterable[Instance], *, pace: Pace | None = None, macros: Mapping[str, str] | None = None
    ) -> None:
        """These are the actions from now on; those that are as before keep what is known of their files.

        With another `pace` or other `macros` than before all are as new.
        """
        if self._last_times is None:
            self._last_times = await self._book.last_times()
        else:
            await self._offers.pass_over_holds()
        maker = Maker(pace or self._pace, self._maker.macros if macros is None else macros)
        renewed = maker != self._maker
        self._maker, self._pace, self._plans.pace = maker, maker.pace, maker.pace
        mounts = await asyncio.to_thread(self._mounts)
        wanted = {instance.name: instance for instance in instances}
        for name in self._entries.keys() - wanted.keys():
            await self._retire(name)
        for instance in wanted.values():
            before = self._entries.get(instance.name)
            if before is None or renewed or before.instance != instance:
                self._enter(instance, before, mounts)
            elif before.running is None:
                before.retry_at_s = None
                self._ask(before, Hints(folders=False))
        await self._cover(self._entries.values())
        self._wake.wake()

    async def run(self) -> None:
        """Until `stop`; then runs under way have `grace` to end, and are cancelled after it."""
        self._wake.bind()
        try:
            while not self._stopping:
                await self._turn()
        finally:
            self._looking.close()
            await self._tasks.end(self._running(), self._pace.grace.total_seconds())
            await self._notes.flush()
            if self._events is not None:
                await asyncio.to_thread(self._events.close)

    @property
    def is_looking(self) -> bool:
        """True while a look is under way."""
        return bool(self._looking.busy_since)

    @property
    def file_count(self) -> int:
        """How many files are known."""
        return sum(entry.polled.file_count for entry in self._entries.values() if entry.polled is not None)

    @property
    def entries(self) -> Mapping[str, Entry]:
        """What is remembered of each action, by name."""
        return self._entries

    def stop(self) -> None:
        """Start nothing more."""
        self._stopping = True
        self._wake.wake()

    def start(self, due: Due) -> "asyncio.Future[RunResult]":
        """Run what a person asks for, now or once after the run that is under way.

        Raises KeyError for an unknown action.
        """
        waiter: asyncio.Future[RunResult] = asyncio.get_running_loop().create_future()
        self._starts.start(self._entries[due.action], due, waiter)
        return waiter

    def go_on(self, due: Due, work: Callable[[], Awaitable[RunResult]]) -> None:
        """Count `work`, an interrupted run that is gone on with, as the run of its action."""
        entry = self._entries.get(due.action)
        if entry is not None and entry.running is None:
            self._starts.go_on(entry, due, work)
        else:
            self._tasks.start(work())

    def hold(self, pauses: Iterable[Pause]) -> None:
        """These pauses hold now, and no others."""
        self._pauses.replace(pauses)
        self._clockwork.rearm()
        for entry in self._entries.values():
            self._ask(entry, Hints(folders=False))
        end = self._pauses.next_end(self._clock.now())
        if end is not None:
            self._timers.set(_PAUSE, self._clock.monotonic() + (end - self._clock.now()).total_seconds())
        self._wake.wake()

    def refresh(self, *names: str) -> None:
        """The ledger was changed by a person (retry, skip, baseline, trust): ask it anew; without names, for all."""
        for entry in [self._entries[name] for name in names or self._entries if name in self._entries]:
            entry.failures, entry.retry_at_s, entry.offered = 0, None, ()
            if entry.polled is not None:
                entry.polled.left.clear()
            self._ask(entry, Hints(anew=True))

    def status(self) -> tuple[ActionStatus, ...]:
        """How each action is doing, by name."""
        now = self._clock.now()
        return tuple(
            status_of(entry, self._clock, self._pauses.of(entry, now), self._degraded(entry))
            for _, entry in sorted(self._entries.items())
        )

    # One turn.

    async def _turn(self) -> None:
        await self._clockwork.turn()
        for name in self._timers.due(self._clock.monotonic()):
            self._on_time(name)
        self._take_hints()
        await self._sleep()

    async def _sleep(self) -> None:
        now_s = self._clock.monotonic()
        at_s, in_s = self._timers.next_at(), self._clockwork.next_in_s()
        waits = [self._pace.clock_check_every.total_seconds()]
        waits += [max(0.0, at_s - now_s)] if at_s is not None else []
        waits += [in_s] if in_s is not None else []
        await first_of(self._clock.sleep(min(waits)), self._wake.wait())

    def _take_hints(self) -> None:
        names = self._wake.take()
        if self._events is None and not names:
            return
        pending = self._events.take() if self._events is not None else Pending()
        landed = [name for name in names if name.startswith("/")]
        hints = self._folders.route(pending, landed)
        for name in names - set(landed):
            hints[name] = Hints()
        for name, hint in hints.items():
            entry = self._entries.get(name)
            if entry is not None:
                self._ask(entry, hint)

    def _on_time(self, name: str) -> None:
        entry = self._entries.get(name)
        if name == _PAUSE:
            self._resume()
        elif name == GRID:
            self._plans.look_at_all()
        elif entry is not None and entry.watches:
            self._plans.look_at(entry)
        elif entry is not None and entry.open:
            self._start_by_clock(entry, Trigger.SCHEDULE)
            self._timers.set(name, self._clock.monotonic() + self._pace.check_every.total_seconds())

    # Looks.

    def _ask(self, entry: Entry, hints: Hints) -> None:
        if self._stopping or not entry.watches or not (entry.open or entry.until_s is not None):
            return
        if entry.polled is not None:
            for watched in entry.polled.watched:
                if watched.command in entry.polled.moving:
                    watched.moved_to = self._maker.source(entry.instance, watched.command, self._clock.now())
        self._looking.ask(entry, replace(hints, again=True) if entry.unsure else hints)

    async def _looked(self, batch: Sequence[LookDone]) -> None:
        current = [done for done in batch if self._entries.get(done.entry.name) is done.entry]
        for done in current:
            self._take_in(done)
        await self._cover([done.entry for done in current])
        await self._offers.offer(current)
        for done in current:
            self._plans.plan(done)
        self._wake.wake()

    def _take_in(self, done: LookDone) -> None:
        troubles: tuple[str, ...] = (str(done.error),) if done.error is not None else ()
        if done.looked is not None:
            self._notes.add(done.looked.looks)
            troubles += tuple(done.looked.problems)
            for folder in done.looked.replaced:
                log.warning("another folder stands there now; it is listed anew", action=done.entry.name, folder=folder)
        if done.hints.folders or done.error is not None:
            what = "look failed" if done.error is not None else "folder can't be looked at"
            for trouble in set(troubles) - set(done.entry.troubles):
                log.warning(what, action=done.entry.name, trouble=trouble)
            done.entry.troubles = troubles
        if done.hints.again and done.error is None:
            done.entry.unsure = False
        if done.entry.check is not None:
            done.entry.until_s = None  # an explicit time is one look, no more

    # Starting.

    def _may_run(self, entry: Entry) -> bool:
        return not self._stopping and not self._is_paused(entry)

    def _start_by_clock(self, entry: Entry, trigger: Trigger) -> None:
        if self._may_run(entry):
            self._starts.start(entry, Due(action=entry.name, trigger=trigger))

    def _due_by_clock(self, entry: Entry, firing: Firing) -> None:
        if entry.watches:
            wait_s = entry.instance.settings.first.wait_stable.total_seconds()
            entry.until_s = self._clock.monotonic() + wait_s
            self._ask(entry, Hints(rescan=True, every_file=True))
        else:
            self._start_by_clock(entry, Trigger.CATCH_UP if firing.late else Trigger.SCHEDULE)

    def _edge(self, entry: Entry) -> None:
        if entry.open:
            self._plans.open(entry)
        else:
            self._plans.close(entry)

    def _ended(self, name: str) -> None:
        """A run is over, and none follows it."""
        entry = self._entries.get(name)
        if entry is None or self._stopping:
            return
        if entry.polled is not None:
            self._ask(entry, Hints(again=True))
        elif entry.check is not None and entry.open:
            self._timers.sooner(name, self._clock.monotonic() + self._pace.check_every.total_seconds())
            self._wake.wake()

    def _is_paused(self, entry: Entry) -> bool:
        return self._pauses.of(entry, self._clock.now()) is not None

    def _resume(self) -> None:
        """A pause is over by itself."""
        self._clockwork.rearm()
        for entry in self._entries.values():
            self._ask(entry, Hints(folders=False))

    # Actions come and go.

    def _enter(self, instance: Instance, before: Entry | None, mounts: Mounts) -> None:
        entry = self._maker.entry(instance, self._clock.now(), mounts)
        if before is not None:
            _carry_over(before, entry)
        elif self._last_times is not None:
            entry.since = self._last_times.get(entry.name)
        self._entries[entry.name] = entry
        self._plans.drop(entry.name)
        self._clockwork.disarm(entry.name)
        if entry.refusal is not None:
            log.error("action is not scheduled", action=entry.name, reason=entry.refusal)
        elif instance.settings.enabled:
            self._clockwork.arm(entry)

    async def _retire(self, name: str) -> None:
        del self._entries[name]
        self._plans.drop(name)
        self._clockwork.disarm(name)
        unused = self._folders.drop(name)
        if self._events is not None and unused:
            await asyncio.to_thread(self._events.uncover, unused)

    async def _cover(self, entries: Iterable[Entry]) -> None:
        """Have events for new folders; what happened in one before it was covered is found by listing it once more."""
        fresh = {entry.name: new for entry in entries if (new := self._folders.index(entry))}
        if self._events is None or not fresh:
            return
        folders = frozenset().union(*fresh.values())
        events = self._events
        await self._looking.in_thread("", lambda: events.cover(folders))
        for name in fresh:
            self._ask(self._entries[name], Hints(rescan=True))

    async def _keep(self, times: Mapping[str, datetime], skipped: Mapping[str, str]) -> None:
        try:
            await self._book.keep_times(times, skipped)
        except Exception as exc:  # the runs themselves say what is wrong with the ledger
            log.warning("due times not recorded", actions=sorted(times), error=str(exc))

    def _degraded(self, entry: Entry) -> tuple[str, ...]:
        return tuple(self._folders.troubles(entry, self._pace.untrusted_every.total_seconds()))

    def _running(self) -> "list[asyncio.Task[None]]":
        return [entry.running for entry in self._entries.values() if entry.running is not None]


_PAUSE = "a pause ends"


def _carry_over(before: Entry, entry: Entry) -> None:
    """What a reload keeps: the run under way, and the due times unless the schedule is another one."""
    entry.running, entry.running_since = before.running, before.running_since
    entry.following, entry.result, entry.offered = before.following, before.result, before.offered
    if before.schedule == entry.schedule:
        entry.since = before.since
