"""The look for polled actions that send or copy: which files are complete and may be taken (SPEC §6).

Many actions are looked at in one call of a worker thread; the ledger is asked once for all of them.  A look at folders
that didn't move costs a stat each, asks nothing and writes nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence

from gateway.core.clock import Clock
from gateway.core.moments import ns
from gateway.scheduler.book import Book, Standings
from gateway.scheduler.lanes import Lanes
from gateway.scheduler.sweeps import AT_ONCE, Ask, Looked, Spot, content_of, judge_all, sweep_all
from gateway.transfer.eligible import blocked, doubtful, seen_before
from gateway.transfer.stability import Judgement, Verdict
from gateway.transfer.watched import Instant


class Autosend:
    """Looks at actions in batches."""

    def __init__(self, book: Book, clock: Clock, lanes: Lanes) -> None:
        self._book = book
        self._clock = clock
        self._lanes = lanes

    async def look(self, lane: str, asks: Sequence[Ask]) -> list[Looked]:
        """One look at all of `asks`; afterwards `polled.ready()` holds what may be taken.

        An action whose look fails has that as its `error`; the others are looked at all the same.
        """
        looked = [Looked(ask.polled) for ask in asks]
        now = self._instant()
        fresh = await self._lanes.run(lane, lambda: sweep_all(asks, looked, now))
        await self._settle_known(fresh)
        sound = [one for one in looked if one.error is None and _has_due(one, now)]
        while sound:
            judged = await self._lanes.run(lane, lambda: judge_all(sound, now))
            if not judged:
                break
            await self._settle(lane, judged, now)
        return looked

    def _instant(self) -> Instant:
        return Instant(self._clock.monotonic(), ns(self._clock.now()))

    async def _standings(self, spots: Sequence[Spot]) -> Mapping[str, Standings]:
        sources: dict[str, set[str]] = {}
        for spot in spots:
            sources.setdefault(spot.polled.name, set()).add(spot.found.path)
        return await self._book.standings(sources) if sources else {}

    async def _settle_known(self, fresh: Sequence[Spot]) -> None:
        """What the ledger holds back or knows as delivered need not become quiet first, nor be told again."""
        known = await self._standings(fresh)
        now = self._instant()
        for number, spot in enumerate(fresh, start=1):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)  # at start these are all files under watch: the others get their turn
            reason = _blocked(spot, known, now)
            if reason is not None:
                spot.settle(reason, now, tell_first=False)

    async def _settle(self, lane: str, judged: Sequence[tuple[Spot, Judgement]], now: Instant) -> None:
        complete = [spot for spot, judgement in judged if judgement.verdict is Verdict.READY]
        known = await self._standings(complete)
        for spot, judgement in judged:
            if judgement.verdict is Verdict.READY:
                judgement = await self._may_be_taken(lane, spot, known, now) or judgement
            spot.settle(judgement, now)

    async def _may_be_taken(
        self, lane: str, spot: Spot, known: Mapping[str, Standings], now: Instant
    ) -> Judgement | None:
        """Why a complete file isn't taken all the same; None if it is."""
        reason = _blocked(spot, known, now) or spot.polled.left_lying(spot.found, now.monotonic_s)
        if reason is not None:
            return reason
        standings = known.get(spot.polled.name, {}).get(spot.found.path, ())
        maybe = doubtful(spot.found.stamp, spot.watched.command, standings, only_new=spot.only_new)
        if maybe is None or await self._lanes.run(lane, lambda: content_of(spot.found.path)) != maybe.sha256:
            return None
        return seen_before(maybe)


def _blocked(spot: Spot, known: Mapping[str, Standings], now: Instant) -> Judgement | None:
    standings = known.get(spot.polled.name, {}).get(spot.found.path, ())
    if not standings:
        return None
    command = spot.watched.command
    return blocked(spot.found.stamp, command, standings, now_ns=now.wall_ns, only_new=spot.only_new)


def _has_due(looked: Looked, now: Instant) -> bool:
    at_s = looked.polled.next_at_s()
    return at_s is not None and at_s <= now.monotonic_s
