"""The files of a command that travel on one lane."""

import asyncio
import contextlib
from functools import partial

from gateway.core.errors import GatewayError
from gateway.endpoints.lane import Lane, SharedLane
from gateway.runner.attempt import Attempts
from gateway.runner.company import Company
from gateway.runner.errand import Errand
from gateway.runner.jobs import Ended, Job
from gateway.runner.load import Load
from gateway.runner.portions import Portion


class OnLane:
    """One lane at work: it takes what is to be done until nothing is left, or the command is stopped."""

    def __init__(self, errand: Errand, lane: Lane) -> None:
        self._errand = errand
        self._lane = lane
        self._load = Load()
        self._company = Company(
            errand.run, errand.ends, errand.hooks, errand.turns, alone=self._tried, delivered=self._delivered
        )

    async def carry(self) -> None:
        """The first file alone, since what fails for all should fail once; then as many as the lane carries."""
        errand, lane = self._errand, self._lane
        for place, job in errand.todo.one():
            await self._alone(lane, place, job)
        while errand.folders.in_doubt and (portion := errand.todo.one()):
            await self._alone(lane, *portion[0])
        count = min(errand.width(lane), errand.todo.left)
        if count <= 1:
            await self._one_by_one()
            return
        try:
            ends = await self._side_by_side(count)
        except BaseException:
            await self._company.stragglers.stop()
            raise
        for error in ends:  # each came to its end, whatever became of the others
            if error is not None:
                raise error

    async def _side_by_side(self, count: int) -> list[BaseException | None]:
        shared = SharedLane(self._lane)
        async with self._errand.run.place.shared(count) as over:
            tasks = [asyncio.ensure_future(self._through(shared)) for _ in range(count)]
            for task in tasks:
                task.add_done_callback(lambda _: over())
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            return [*ends, *await self._company.stragglers.ended()]

    async def _one_by_one(self) -> None:
        """One thing at a time: a file, or a journey of small ones where a failed file keeps none from being tried."""
        errand, lane = self._errand, self._lane
        while errand.stopped is None:
            together = not errand.is_strict and self._company.possible(lane)
            next_ones = errand.todo.some(errand.workers) if together else errand.todo.one()
            portion = errand.folders.without_refused(next_ones, errand.turns)
            if not portion and not errand.todo.left:
                return
            if len(portion) < 2:
                for place, job in portion:
                    await self._alone(lane, place, job)
                continue
            with contextlib.suppress(GatewayError):  # each by itself finds out, and says so
                await lane.repair()
            await self._company.carry_alone(portion, lane)

    async def _through(self, lane: Lane) -> None:
        """A file is taken only with the lane in hand: so each file in front of another has one, too."""
        errand = self._errand
        while errand.stopped is None:
            async with errand.journeys:
                portion = errand.folders.without_refused(self._next(lane), errand.turns)
                if len(portion) > 1:
                    async with self._load.of(sum(job.intent.stamp.size_bytes for _, job in portion)) as share:
                        await self._company.carry(portion, lane, share, in_line=errand.in_line)
                    continue
            if portion:
                await self._alone(lane, *portion[0])
            elif errand.todo.left and errand.stopped is None:
                await self._company.stragglers.get_fewer()
            else:
                return

    def _next(self, lane: Lane) -> Portion:
        """What is to set out; nothing while too many go on by themselves."""
        if self._errand.stopped is not None or not self._company.stragglers.are_few:
            return ()
        todo = self._errand.todo
        return todo.some() if self._company.possible(lane) else todo.one()

    def _delivered(self, place: int, ended: Ended) -> None:
        """One of those that went together has arrived."""
        self._errand.results.add(ended)
        self._errand.folders.took(ended.row)
        self._errand.turns.over(place)

    async def _alone(self, lane: Lane, place: int, job: Job) -> None:
        async with self._load.of(job.intent.stamp.size_bytes):
            await self._tried(lane, place, job)

    async def _tried(self, lane: Lane, place: int, job: Job) -> None:
        """One file, unless it hasn't begun and what has failed keeps it from being tried."""
        errand, failed = self._errand, True
        try:
            if job.delivery is None and (errand.stopped is not None or errand.folders.refuses(job.intent)):
                return
            ended = await self._one(lane, place, job)
            failed = ended.error is not None
            errand.folders.took(None if failed else ended.row)
            errand.results.add(ended)
        finally:
            errand.turns.over(place, failed=failed)
        if self._ends_command(ended):
            errand.stopped = errand.stopped or ended.error

    async def _one(self, lane: Lane, place: int, job: Job) -> Ended:
        errand = self._errand
        my_turn = partial(errand.turns.wait, place)
        in_line = errand.turns.in_line(place) if errand.in_line else None
        attempts = Attempts(errand.run, job, lane, errand.ends, errand.hooks, my_turn, errand.folders, in_line)
        if errand.stopped is not None and lane.abreast == 1:
            return await attempts.give_up(errand.stopped)  # one after the other they would fail for hours
        return await attempts.carry()

    def _ends_command(self, ended: Ended) -> bool:
        """An error of the endpoint, or of a file where the script says so."""
        if ended.error is None or not ended.failed:
            return False
        return ended.error.concerns_endpoint or self._errand.is_strict
