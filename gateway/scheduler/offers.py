"""From files that may be taken to runs: whether an action may start now, and with what."""

from collections.abc import Callable, Mapping, Sequence

from gateway.core.clock import Clock
from gateway.core.moments import moment
from gateway.ledger.standing import HeldEndpoint
from gateway.runner.due import Due, Trigger
from gateway.scheduler.book import Book
from gateway.scheduler.entry import Entry
from gateway.scheduler.looking import LookDone
from gateway.scheduler.starts import Starts
from gateway.transfer.watched import Hints


class Offers:
    """Starts what looks found due.

    `may_run` says that nobody holds the action: no pause, no end of the service.  `ask` asks for another look.
    """

    def __init__(
        self,
        book: Book,
        clock: Clock,
        starts: Starts,
        may_run: Callable[[Entry], bool],
        ask: Callable[[Entry, Hints], None],
    ) -> None:
        self._book = book
        self._ask = ask
        self._clock = clock
        self._starts = starts
        self._may_run = may_run
        self._passed_over: Mapping[str, int | None] = {}

    async def pass_over_holds(self) -> None:
        """The configuration was read again: an endpoint that is held back now gets one attempt with it."""
        held = await self._book.held_endpoints()
        self._passed_over = {name: one.next_at for name, one in held.items()}

    async def offer(self, batch: Sequence[LookDone]) -> None:
        """Start the runs that these looks make due."""
        for done in batch:
            if done.decision is not None and done.decision.run and self._may_start(done.entry):
                due = Due(action=done.entry.name, trigger=Trigger.POLL, reported=done.decision.due)
                self._starts.start(done.entry, due)
        able = [done.entry for done in batch if _has_files(done.entry, self._clock.monotonic())]
        able = [entry for entry in able if self._may_start(entry)]
        held = await self._held(able)
        for entry in able:
            hold = held.get(entry.polled.endpoint or "") if entry.polled is not None else None
            if hold is not None:
                self._wait_for(entry, hold)
            elif self._may_start(entry):
                self._start_with_files(entry)

    async def _held(self, able: Sequence[Entry]) -> Mapping[str, HeldEndpoint]:
        if not any(entry.polled is not None and entry.polled.endpoint for entry in able):
            return {}
        held = await self._book.held_endpoints()
        return {name: one for name, one in held.items() if self._passed_over.get(name, 0) != one.next_at}

    def _wait_for(self, entry: Entry, hold: HeldEndpoint) -> None:
        entry.error = f"{hold.endpoint} is held back after a failure: {hold.error}"
        entry.offered = ()  # it was the endpoint that failed, not what a run was given: its time alone decides
        if hold.next_at is not None:
            wait_s = max(0.0, (moment(hold.next_at) - self._clock.now()).total_seconds())
            entry.retry_at_s = self._clock.monotonic() + wait_s

    def _start_with_files(self, entry: Entry) -> None:
        assert entry.polled is not None
        ready = entry.polled.ready()
        driving = tuple(found for number in sorted(entry.polled.driving) for found in ready.get(number, ()))
        if entry.offered and set(entry.offered) <= set(driving):
            self._leave(entry)
            return
        entry.offered, entry.retry_at_s = driving, None
        self._starts.start(entry, Due(action=entry.name, trigger=Trigger.POLL, judged=ready))

    def _leave(self, entry: Entry) -> None:
        """The last run did nothing with any of its files: they are not offered again every few seconds."""
        assert entry.polled is not None
        offered, entry.offered = entry.offered, ()
        why = f"a run left it there: {entry.error or 'it did nothing with it'}"
        entry.polled.leave(offered, self._clock.monotonic(), why)
        self._ask(entry, Hints(folders=False, again=True))

    def _may_start(self, entry: Entry) -> bool:
        unsure = entry.unsure and entry.polled is not None
        if unsure or entry.running is not None or not self._may_run(entry):
            return False
        return entry.retry_at_s is None or self._clock.monotonic() >= entry.retry_at_s


def _has_files(entry: Entry, now_s: float) -> bool:
    """True if it is due; at an explicit time only once all that was found is stable, or `wait_stable` is over."""
    if entry.polled is None:
        return False
    if entry.until_s is not None:
        next_s = entry.polled.next_at_s()
        if next_s is not None and next_s <= entry.until_s and now_s < entry.until_s:
            return False
        entry.until_s = None
    return entry.polled.has_ready
