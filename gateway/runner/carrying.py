"""Carries the files of one command: side by side, each named in its turn, each with a result of its own."""

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial

from gateway.core.errors import GatewayError, Retryable
from gateway.endpoints.lane import Lane, SharedLane
from gateway.language.nodes import Transfer
from gateway.language.settings import Order
from gateway.ledger import runs
from gateway.runner.attempt import Attempts
from gateway.runner.company import Company
from gateway.runner.finishing import hooks_of
from gateway.runner.interrupted import Work
from gateway.runner.jobs import Ended, Ends, Job
from gateway.runner.load import Load
from gateway.runner.order import Turns
from gateway.runner.portions import Portion, Portions
from gateway.runner.refusing import Folders
from gateway.runner.results import Results
from gateway.runner.retrying import pause
from gateway.runner.run import CommandFailed, Run
from gateway.transfer.intent import Also

_SMALL_BYTES = 1024 * 1024
"""Files of this mean size are small: round trips count for more than bytes."""

_JOURNEYS = 4
"""Of files that go together, at once: while one waits for its commit others are on the line."""

Lanes = Callable[[], AbstractAsyncContextManager[Lane]]


class Carrying:
    """One transfer command under way.  `intended` is written with each delivery that is intended."""

    def __init__(self, run: Run, number: int, command: Transfer, ends: Ends, intended: Also | None = None) -> None:
        self._run = run
        self._number = number
        self._command = command
        self._ends = ends
        self._hooks = replace(hooks_of(run.instance, command, run.services.ledger.now_ns), intended=intended)
        self._stopped: GatewayError | None = None
        self._results = Results()
        self._folders = Folders()
        self._at_work = 0
        self._workers = 1
        self._small = False
        self._known = asyncio.Event()  # the first lane has shown what it can, or can't be had
        self._journeys = asyncio.Semaphore(_JOURNEYS)
        self._in_line = False  # all renames on one lane, each sent after the one in front of it

    async def carry(self, work: Work, lanes: Lanes, width: int) -> None:
        """Bring every job to an end, at most `width` at once.

        Raises CommandFailed if one of them failed; each has its own outcome in the ledger.
        """
        jobs = work.jobs
        for ended in work.earlier:
            self._results.add(ended)
        turns = Turns(Order.STRICT if self._is_strict else self._run.settings.order, len(jobs))
        todo = Portions(jobs)
        self._workers = workers = min(width, len(jobs))
        self._small = sum(job.intent.stamp.size_bytes for job in jobs) <= _SMALL_BYTES * len(jobs)
        async with self._run.place.shared(workers) as over, asyncio.TaskGroup() as group:
            for number in range(workers):
                lane = self._join(todo, lanes, turns) if number else self._work(todo, lanes, turns)
                group.create_task(lane).add_done_callback(lambda _: over())
        await self._count()
        self._conclude(len(jobs) + len(work.earlier))

    async def _join(self, todo: Portions, lanes: Lanes, turns: Turns) -> None:
        """One more lane, unless one is to do: two lanes' renames follow each other with an answer in between."""
        await self._known.wait()
        if not self._in_line:
            await self._work(todo, lanes, turns)

    async def _work(self, todo: Portions, lanes: Lanes, turns: Turns) -> None:
        """One lane's worth of files; opening the lane is tried again as a file is."""
        last = self._run.settings.retries
        for attempt in range(last + 1):
            try:
                async with lanes() as lane:
                    self._at_work += 1
                    self._meet(lane)
                    try:
                        await self._abreast(todo, lane, turns)
                    finally:
                        self._at_work -= 1
                return
            except GatewayError as error:  # opening the lane: the files' own errors are results
                self._known.set()
                if self._stopped is not None or self._at_work:
                    return  # those that have a lane carry on, with fewer sessions
                if not isinstance(error, Retryable) or attempt == last:
                    self._stopped = error
                    return
                await pause(self._run, attempt, error)

    async def _abreast(self, todo: Portions, lane: Lane, turns: Turns) -> None:
        """The first file alone, since what fails for all should fail once; then as many as the lane carries."""
        load = Load()
        for place, job in todo.one():
            await self._alone(place, job, lane, turns, load)
        while self._folders.in_doubt and (portion := todo.one()):
            await self._alone(*portion[0], lane, turns, load)
        count = min(self._width(lane), todo.left)
        if count <= 1:
            await self._one_by_one(todo, lane, turns, load)
            return
        company = self._company(turns)
        try:
            ends = await self._side_by_side(todo, lane, turns, load, company, count)
        except BaseException:
            await company.stragglers.stop()
            raise
        for error in ends:  # each came to its end, whatever became of the others
            if error is not None:
                raise error

    async def _side_by_side(
        self, todo: Portions, lane: Lane, turns: Turns, load: Load, company: Company, count: int
    ) -> list[BaseException | None]:
        shared = SharedLane(lane)
        async with self._run.place.shared(count) as over:
            tasks = [asyncio.ensure_future(self._through(todo, shared, turns, load, company)) for _ in range(count)]
            for task in tasks:
                task.add_done_callback(lambda _: over())
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            return [*ends, *await company.stragglers.ended()]

    async def _one_by_one(self, todo: Portions, lane: Lane, turns: Turns, load: Load) -> None:
        """One thing at a time: a file, or a journey of small ones where a failed file keeps none from being tried."""
        company = self._company(turns)
        while self._stopped is None:
            together = not self._is_strict and company.possible(lane)
            portion = self._folders.without_refused(todo.some(self._workers) if together else todo.one(), turns)
            if not portion and not todo.left:
                return
            if len(portion) < 2:
                for place, job in portion:
                    await self._alone(place, job, lane, turns, load)
                continue
            with contextlib.suppress(GatewayError):  # each by itself finds out, and says so
                await lane.repair()
            await company.carry_alone(portion, lane)

    def _meet(self, lane: Lane) -> None:
        """The first lane: small files whose order is kept stay on it, if renames need not wait for answers there."""
        if not self._known.is_set():
            kept = self._run.settings.order is Order.KEPT and self._width(lane) > 1
            self._in_line = self._small and kept and lane.endpoint.features.ordered_renames
            self._known.set()

    def _width(self, lane: Lane) -> int:
        """One, where a failed file keeps those behind it from being tried."""
        return 1 if self._is_strict else lane.abreast

    @property
    def _is_strict(self) -> bool:
        settings = self._run.settings
        return not settings.next_file_on_fail or settings.order is Order.STRICT

    async def _through(self, todo: Portions, lane: Lane, turns: Turns, load: Load, company: Company) -> None:
        """A file is taken only with the lane in hand: so each file in front of another has one, too."""
        while self._stopped is None:
            async with self._journeys:
                portion = self._folders.without_refused(self._next(todo, lane, company), turns)
                if len(portion) > 1:
                    async with load.of(sum(job.intent.stamp.size_bytes for _, job in portion)) as share:
                        await company.carry(portion, lane, share, in_line=self._in_line)
                    continue
            if portion:
                await self._alone(*portion[0], lane, turns, load)
            elif todo.left and self._stopped is None:
                await company.stragglers.get_fewer()
            else:
                return

    def _next(self, todo: Portions, lane: Lane, company: Company) -> Portion:
        """What is to set out; nothing while too many go on by themselves."""
        if self._stopped is not None or not company.stragglers.are_few:
            return ()
        return todo.some() if company.possible(lane) else todo.one()

    def _company(self, turns: Turns) -> Company:
        """Those of one lane."""

        async def alone(lane: Lane, place: int, job: Job) -> None:
            await self._tried(place, job, lane, turns)

        def delivered(place: int, ended: Ended) -> None:
            self._results.add(ended)
            self._folders.took(ended.row)
            turns.over(place)

        return Company(self._run, self._ends, self._hooks, turns, alone=alone, delivered=delivered)

    async def _alone(self, place: int, job: Job, lane: Lane, turns: Turns, load: Load) -> None:
        async with load.of(job.intent.stamp.size_bytes):
            await self._tried(place, job, lane, turns)

    async def _tried(self, place: int, job: Job, lane: Lane, turns: Turns) -> None:
        """One file, unless it hasn't begun and what has failed keeps it from being tried."""
        failed = True
        try:
            if job.delivery is None and (self._stopped is not None or self._folders.refuses(job.intent)):
                return
            ended = await self._one(job, lane, turns, place)
            failed = ended.error is not None
            self._folders.took(None if failed else ended.row)
            self._results.add(ended)
        finally:
            turns.over(place, failed=failed)
        if self._ends_command(ended):
            self._stopped = self._stopped or ended.error

    async def _one(self, job: Job, lane: Lane, turns: Turns, place: int) -> Ended:
        my_turn = partial(turns.wait, place)
        in_line = turns.in_line(place) if self._in_line else None
        attempts = Attempts(self._run, job, lane, self._ends, self._hooks, my_turn, self._folders, in_line)
        if self._stopped is not None and lane.abreast == 1:
            return await attempts.give_up(self._stopped)  # one after the other they would fail for hours
        return await attempts.carry()

    def _ends_command(self, ended: Ended) -> bool:
        """An error of the endpoint, or of a file where the script says so."""
        if ended.error is None or not ended.failed:
            return False
        return ended.error.concerns_endpoint or self._is_strict

    async def _count(self) -> None:
        run, results = self._run, self._results
        failed = len(results.failed)
        run.files += results.files
        run.failed_files += failed
        run.size_bytes += results.size_bytes
        counted = partial(
            runs.count, found=run.id, files=results.files, failed_files=failed, size_bytes=results.size_bytes
        )
        await run.services.ledger.write(counted)

    def _conclude(self, count: int) -> None:
        """Say what was left, raise what failed."""
        results = self._results
        self._run.notes += [f"command {self._number}: {note}" for note in results.notes]
        first = results.first_error or self._stopped
        if first is None:
            return
        untried = count - results.tried
        rest = f", {untried} not tried" if untried else ""
        failed = f"{len(results.failed)} of {count} files failed{rest}: {first}"
        raise CommandFailed(f"{self._command.span}: {self._command.verb}: {failed}", first)
