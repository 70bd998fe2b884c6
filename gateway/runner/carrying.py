"""Carries the files of one command: side by side, each named in its turn, each with a result of its own."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial

from gateway.core.errors import GatewayError, Retryable
from gateway.endpoints.lane import Lane
from gateway.language.nodes import Transfer
from gateway.language.settings import Order
from gateway.ledger import runs
from gateway.runner.errand import Errand
from gateway.runner.finishing import hooks_of
from gateway.runner.interrupted import Work
from gateway.runner.jobs import Ends
from gateway.runner.on_lane import OnLane
from gateway.runner.order import Turns
from gateway.runner.portions import Portions
from gateway.runner.retrying import pause
from gateway.runner.run import CommandFailed, Run
from gateway.transfer.intent import Also

_SMALL_BYTES = 1024 * 1024
"""Files of this mean size are small: round trips count for more than bytes."""

Lanes = Callable[[], AbstractAsyncContextManager[Lane]]


class Carrying:
    """One transfer command under way.  `intended` is written with each delivery that is intended."""

    def __init__(self, run: Run, number: int, command: Transfer, ends: Ends, intended: Also | None = None) -> None:
        self._run = run
        self._number = number
        self._command = command
        self._ends = ends
        self._hooks = replace(hooks_of(run.instance, command, run.services.ledger.now_ns), intended=intended)
        self._known = asyncio.Event()  # the first lane has shown what it can, or can't be had
        self._at_work = 0

    async def carry(self, work: Work, lanes: Lanes, width: int) -> None:
        """Bring every job to an end, at most `width` at once.

        Raises CommandFailed if one of them failed; each has its own outcome in the ledger.
        """
        errand = self._errand(work, width)
        async with self._run.place.shared(errand.workers) as over, asyncio.TaskGroup() as group:
            for number in range(errand.workers):
                lane = self._join(errand, lanes) if number else self._work(errand, lanes)
                group.create_task(lane).add_done_callback(lambda _: over())
        await self._count(errand)
        self._conclude(errand, len(work.jobs) + len(work.earlier))

    def _errand(self, work: Work, width: int) -> Errand:
        settings, jobs = self._run.settings, work.jobs
        strict = not settings.next_file_on_fail or settings.order is Order.STRICT
        errand = Errand(
            run=self._run,
            ends=self._ends,
            hooks=self._hooks,
            turns=Turns(Order.STRICT if strict else settings.order, len(jobs)),
            todo=Portions(jobs),
            workers=min(width, len(jobs)),
            is_strict=strict,
            are_small=sum(job.intent.stamp.size_bytes for job in jobs) <= _SMALL_BYTES * len(jobs),
        )
        for ended in work.earlier:
            errand.results.add(ended)
        return errand

    async def _join(self, errand: Errand, lanes: Lanes) -> None:
        """One more lane, unless one is to do: two lanes' renames follow each other with an answer in between."""
        await self._known.wait()
        if not errand.in_line:
            await self._work(errand, lanes)

    async def _work(self, errand: Errand, lanes: Lanes) -> None:
        """One lane's worth of files; opening the lane is tried again as a file is."""
        last = self._run.settings.retries
        for attempt in range(last + 1):
            try:
                async with lanes() as lane:
                    await self._on(lane, errand)
                return
            except GatewayError as error:  # opening the lane: the files' own errors are results
                self._known.set()
                if errand.stopped is not None or self._at_work:
                    return  # those that have a lane carry on, with fewer sessions
                if not isinstance(error, Retryable) or attempt == last:
                    errand.stopped = error
                    return
                await pause(self._run, attempt, error)

    async def _on(self, lane: Lane, errand: Errand) -> None:
        """The first lane decides: small files whose order is kept stay on it, if its renames need no answers."""
        self._at_work += 1
        try:
            if not self._known.is_set():
                kept = self._run.settings.order is Order.KEPT and errand.width(lane) > 1
                errand.in_line = errand.are_small and kept and lane.endpoint.features.ordered_renames
                self._known.set()
            await OnLane(errand, lane).carry()
        finally:
            self._at_work -= 1

    async def _count(self, errand: Errand) -> None:
        run, results = self._run, errand.results
        failed = len(results.failed)
        run.files += results.files
        run.failed_files += failed
        run.size_bytes += results.size_bytes
        counted = partial(
            runs.count, found=run.id, files=results.files, failed_files=failed, size_bytes=results.size_bytes
        )
        await run.services.ledger.write(counted)

    def _conclude(self, errand: Errand, count: int) -> None:
        """Say what was left, raise what failed."""
        results = errand.results
        self._run.notes += [f"command {self._number}: {note}" for note in results.notes]
        first = results.first_error or errand.stopped
        if first is None:
            return
        untried = count - results.tried
        rest = f", {untried} not tried" if untried else ""
        failed = f"{len(results.failed)} of {count} files failed{rest}: {first}"
        raise CommandFailed(f"{self._command.span}: {self._command.verb}: {failed}", first)
