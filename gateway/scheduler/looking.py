"""Looks, one after the other in each lane: what is asked meanwhile is done together in the next one."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.core.clock import Clock
from gateway.scheduler.autocheck import Decision
from gateway.scheduler.autosend import Autosend
from gateway.scheduler.book import Book
from gateway.scheduler.entry import Entry
from gateway.scheduler.lanes import LOCAL, Lanes
from gateway.scheduler.polled_check import PolledCheck
from gateway.scheduler.sweeps import Ask, Looked
from gateway.transfer.watched import Hints


@dataclass(slots=True)
class LookDone:
    """How the look at one action ended: `looked` for autosend, `decision` for autocheck, `error` where it failed."""

    entry: Entry
    hints: Hints
    looked: Looked | None = None
    decision: Decision | None = None
    error: Exception | None = None


def merged(one: Hints, other: Hints) -> Hints:
    """Both reasons for a look in one."""
    return Hints(
        folders=one.folders or other.folders,
        rescan=one.rescan or other.rescan,
        every_file=one.every_file or other.every_file,
        again=one.again or other.again,
        anew=one.anew or other.anew,
        touched={**one.touched, **other.touched},
    )


class Looking:
    """Hands asks to lanes and what they found to `done`."""

    def __init__(
        self,
        book: Book,
        clock: Clock,
        start: Callable[[Awaitable[None]], object],
        done: Callable[[Sequence[LookDone]], Awaitable[None]],
    ) -> None:
        self._book = book
        self._clock = clock
        self._lanes = Lanes()
        self._autosend = Autosend(book, clock, self._lanes)
        self._start = start
        self._done = done
        self._asked: dict[str, dict[str, tuple[Entry, Hints]]] = {}
        self._glanced: Sequence[Entry] = ()
        self._busy: dict[str, float] = {}

    @property
    def busy_since(self) -> dict[str, float]:
        """The lanes with a look under way, and since when: one that hangs shows here."""
        return dict(self._busy)

    def ask(self, entry: Entry, hints: Hints) -> None:
        """Look at `entry` as soon as its lane is free."""
        lane = _lane_of(entry)
        asked = self._asked.setdefault(lane, {})
        before = asked.get(entry.name)
        asked[entry.name] = (entry, merged(before[1], hints) if before is not None else hints)
        self._start_work(lane)

    def glance(self, entries: Sequence[Entry]) -> None:
        """Look at those of `entries` at which something stirs; all of them are on local file systems."""
        self._glanced = entries
        self._start_work(LOCAL)

    async def in_thread(self, lane: str, work: Callable[[], None]) -> None:
        """Something else that blocks and belongs to the lane's folders."""
        await self._lanes.run(lane, work)

    def close(self) -> None:
        """No more looks."""
        self._asked.clear()
        self._lanes.close()

    def _start_work(self, lane: str) -> None:
        if lane not in self._busy:
            self._busy[lane] = self._clock.monotonic()
            self._start(self._work(lane))

    async def _work(self, lane: str) -> None:
        try:
            while asked := await self._taken(lane):
                self._busy[lane] = self._clock.monotonic()
                await self._done(await self._look(lane, list(asked.values())))
        finally:
            self._busy.pop(lane, None)

    async def _taken(self, lane: str) -> dict[str, tuple[Entry, Hints]]:
        """What is to be looked at now."""
        glanced: Sequence[Entry] = ()
        if lane == LOCAL:
            glanced, self._glanced = self._glanced, ()
        if glanced:
            now_s = self._clock.monotonic()
            stirring = await self._lanes.run(lane, lambda: [one for one in glanced if _stirs(one, now_s)])
            for entry in stirring:
                self.ask(entry, Hints())
        return self._asked.pop(lane, {})

    async def _look(self, lane: str, asked: Sequence[tuple[Entry, Hints]]) -> list[LookDone]:
        done = await self._look_for_files(lane, [(entry, hints) for entry, hints in asked if entry.polled is not None])
        return done + [await self._look_for_check(entry, hints) for entry, hints in asked if entry.check is not None]

    async def _look_for_files(self, lane: str, asked: Sequence[tuple[Entry, Hints]]) -> list[LookDone]:
        if not asked:
            return []
        asks = [Ask(entry.polled, hints) for entry, hints in asked if entry.polled is not None]
        try:
            looked = await self._autosend.look(lane, asks)
        except Exception as exc:  # the ledger can't be asked, say: no file is taken now, and the next look tries again
            return [LookDone(entry, hints, error=exc) for entry, hints in asked]
        return [
            LookDone(entry, hints, looked=one, error=one.error)
            for (entry, hints), one in zip(asked, looked, strict=True)
        ]

    async def _look_for_check(self, entry: Entry, hints: Hints) -> LookDone:
        assert entry.check is not None
        try:
            entry.check_stands = await self._lanes.run(entry.check.lane, entry.check.stands)
            decision = await self._decide(entry.check, at_time=entry.until_s is not None)
        except Exception as exc:  # one action's trouble is its own
            return LookDone(entry, hints, error=exc)
        return LookDone(entry, hints, decision=decision)

    async def _decide(self, check: PolledCheck, *, at_time: bool) -> Decision:
        found = await self._lanes.run(check.lane, check.look)
        reports = await self._book.reports(check.name)
        decision = check.decide(found, reports, self._clock.now(), at_time=at_time)
        if decision.gone:
            await self._book.forget_reports(check.name, [one.path for one in found])
        return decision


def _stirs(entry: Entry, now_s: float) -> bool:
    try:
        return entry.polled is not None and entry.polled.stirs(now_s)
    except Exception:  # what is wrong with it is for the look to find, and to say
        return True


def _lane_of(entry: Entry) -> str:
    if entry.polled is not None:
        return entry.polled.lane
    return entry.check.lane if entry.check is not None else ""
