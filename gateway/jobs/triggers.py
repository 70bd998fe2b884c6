"""Triggers: the commands of a job, run behind a guard, each step in the ledger before it is done.

due -> (guard made) -> started, committed -> the start -> how it ended.  Whoever comes after a kill goes on from the
row: what is `started` is looked up behind its guard.  after_all is started at most once for a place and run, unless it
ended with `again`; the others at least once.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from gateway.config.loaded import Loaded
from gateway.core.errors import GatewayError, NeedsOperator, Retryable
from gateway.core.moments import ns
from gateway.jobs.arriving import require_same
from gateway.jobs.compiled import Part
from gateway.jobs.guard import Guard, Life, Seen
from gateway.jobs.instances import instance_of
from gateway.jobs.model import HERE, Job, Machine, Moment, Trigger
from gateway.jobs.schedule import next_showing
from gateway.jobs.trigger_call import Call, call_of, command_of
from gateway.jobs.verdicts import verdict
from gateway.ledger import Ledger, job_destinations, job_triggers
from gateway.ledger.job_runs import JobRunRow
from gateway.ledger.job_states import WENT_WELL, TriggerState
from gateway.ledger.job_triggers import TriggerRow
from gateway.runner.services import Services

log = structlog.get_logger(__name__)

_SHORTEST_WAIT_S, _LONGEST_WAIT_S = 0.5, 15.0
_SLACK_S = 30
"""So long after its time is up we end a command ourselves: its guard should have."""

_STARTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Command:
    """One command of a run at a place."""

    run: JobRunRow
    trigger: Trigger
    place: str
    call: Call


class Triggers:
    """Runs the commands of jobs."""

    def __init__(self, services: Services, loaded: Loaded) -> None:
        self._services = services
        self._loaded = loaded

    async def run(
        self, run: JobRunRow, job: Job, moment: Moment, place: str, part: Part, values: Mapping[str, str]
    ) -> TriggerState:
        """Run the command of `part` to its end, or find how an earlier start ended; `ok` where it has none.

        `place` is a destination's endpoint, "" for the source.  One call at a time for a place and moment.  Raises
        Retryable where the place can't be reached now (call again: nothing is lost), GatewayError where the command
        can't be run.  A cancelled call leaves the command running; the next one waits for it.
        """
        command, trigger = command_of(part), job.trigger(moment)
        if command is None or trigger is None:
            return TriggerState.OK
        last = await self._latest(run, moment, place)
        if last is not None and _counts(last):
            return last.state
        instance = instance_of(self._loaded, part, values)
        platform = _machine(job, place).platform
        call = call_of(self._services, self._loaded.state, instance, command, platform)
        one = _Command(run=run, trigger=trigger, place=place, call=call)
        if last is None or job_triggers.may_start_again(last):
            last = await self._due(one, self._due_at(trigger, last, instance.zone))
        elif last.state is not TriggerState.DUE and await self._is_old(last):
            await self._finished(one, last)
            return await self.run(run, job, moment, place, part, values)
        return await self._finished(one, last)

    async def _latest(self, run: JobRunRow, moment: Moment, place: str) -> TriggerRow | None:
        return await self._ledger.read(partial(job_triggers.latest, run=run.id, moment=moment.value, place=place))

    async def _asked_again(self, row: TriggerRow) -> int:
        """How many starts right before this one ended with `again`."""
        rows = await self._ledger.read(partial(job_triggers.of_run, run=row.run))
        mine = [one.state for one in rows if (one.moment, one.place) == (row.moment, row.place) and one.id < row.id]
        return len(list(takewhile(lambda state: state is TriggerState.AGAIN, reversed(mine))))

    async def _is_old(self, row: TriggerRow) -> bool:
        """True if files came to the destination after the command was started: it is to see those, too."""
        if row.moment != Moment.AFTER_ENDPOINT or row.started_at is None:
            return False
        came = partial(job_triggers.came_since, run=row.run, endpoint=row.place, at=row.started_at)
        return await self._ledger.read(came)

    def _due_at(self, trigger: Trigger, last: TriggerRow | None, zone: ZoneInfo) -> int:
        """Now, or when a clock of `zone` shows its time; one that was tried then is tried again without another day."""
        if trigger.at is None or (last is not None and last.state is TriggerState.AGAIN):
            return self._ledger.now_ns()
        return ns(next_showing(trigger.at, self._services.clock.now(), zone))

    async def _due(self, one: _Command, at: int) -> TriggerRow:
        due = partial(
            job_triggers.due,
            run=one.run.id,
            moment=one.trigger.moment.value,
            place=one.place,
            line=one.call.line,
            at=at,
        )
        return await self._ledger.write(due)

    async def _finished(self, one: _Command, row: TriggerRow) -> TriggerState:
        """From any state that is no end to the end of this start."""
        guard = _guard(one, row)
        if row.state is TriggerState.DUE:
            await self._wait_until(row.due_at)
            await self._require_files_there(one)
            await guard.prepare()
            row = await self._advance(row, TriggerState.STARTED, **self._begun(one))
            log.info("job command starts", run=row.run, moment=row.moment, place=row.place, attempt=row.attempt)
            seen = await guard.start()
        else:
            seen = await guard.look()
        return await self._ended(one, row, guard, await self._followed(one, guard, seen))

    async def _require_files_there(self, one: _Command) -> None:
        """Raises where a destination's endpoint is another server than the one that got the files."""
        to = await self._ledger.read(partial(job_destinations.get, run=one.run.id, endpoint=one.place))
        if to is None:
            return
        try:
            await require_same(self._services, to)
        except Retryable as error:
            if one.trigger.moment is not Moment.AFTER_ALL:
                raise  # the next try brings all to the other one
            raise NeedsOperator(f"{error} at the next start; after_all was not run there") from error

    def _begun(self, one: _Command) -> dict[str, Any]:
        return {"owner": self._services.owner, "started_at": self._ledger.now_ns(), "line": one.call.line}

    async def _wait_until(self, at: int) -> None:
        await self._services.clock.sleep(max(0.0, (at - self._ledger.now_ns()) / 1e9))

    async def _followed(self, one: _Command, guard: Guard, seen: Seen) -> Seen:
        """The command's end, looked for ever more seldom; a start that never got there is made once more."""
        clock, starts = self._services.clock, 1
        began = clock.monotonic()
        while seen.life in (Life.RUNNING, Life.READY):
            if seen.life is Life.READY and starts > _STARTS:
                raise Retryable(f"{guard.shell.where}: a command was not started within seconds; it is too busy")
            waited = clock.monotonic() - began  # not by the wall clock: one that is set would end what has its time
            if seen.life is Life.RUNNING and waited > one.call.limit_s + _SLACK_S:
                return await _given_up(guard)
            if seen.life is Life.RUNNING:
                await clock.sleep(min(max(waited / 5, _SHORTEST_WAIT_S), _LONGEST_WAIT_S))
                seen = await guard.look()
            else:
                starts += 1
                seen = await guard.start()
        return seen

    async def _ended(self, one: _Command, row: TriggerRow, guard: Guard, seen: Seen) -> TriggerState:
        """Written down; the guard goes once its code is kept here."""
        found = verdict(one.trigger, seen, one.call.limit_s, again=await self._asked_again(row))
        if found.state is not row.state:
            row = await self._advance(
                row,
                found.state,
                ended_at=self._ledger.now_ns() if found.state is not TriggerState.UNKNOWN else None,
                exit_code=seen.code,
                output=seen.output,
                error=found.error,
            )
        log.info(
            "job command ended", run=row.run, moment=row.moment, place=row.place, state=row.state.value, code=seen.code
        )
        if row.state is not TriggerState.UNKNOWN:
            await _removed(guard)
        return row.state

    async def _advance(self, row: TriggerRow, target: TriggerState, **values: Any) -> TriggerRow:
        return await self._ledger.write(partial(job_triggers.advance, row=row, target=target, values=values))

    @property
    def _ledger(self) -> Ledger:
        return self._services.ledger


def _counts(row: TriggerRow) -> bool:
    """True if a start is the one of its run: it isn't made again."""
    if row.moment == Moment.AFTER_ALL:
        return row.state in WENT_WELL or row.state is TriggerState.FAILED
    return row.moment == Moment.BEFORE_INDEXING and row.state in WENT_WELL


def _machine(job: Job, place: str) -> Machine:
    to = job.destination(place) if place != HERE else None
    return to.machine if to is not None else job.source.machine


def _guard(one: _Command, row: TriggerRow) -> Guard:
    """Its name says what it is for, and is no other gateway's."""
    said = (one.run.job, one.run.digest, one.run.due_at, one.run.started_at, row.id, row.place, row.due_at)
    own = hashlib.sha256(repr(said).encode()).hexdigest()[:16]
    return Guard(
        shell=one.call.shell,
        name=f"gw-{row.run}-{row.moment}-{row.attempt}-{own}",
        limit_s=one.call.limit_s,
        folders=one.call.folders,
        words=one.call.words,
    )


async def _given_up(guard: Guard) -> Seen:
    """Its guard did not end it in time: we do, and where even that can't be nobody knows."""
    seen = await guard.end()
    return Seen(Life.LOST, None, seen.output) if seen.life is Life.RUNNING else seen


async def _removed(guard: Guard) -> None:
    """What can't be removed now is swept by a later start."""
    try:
        await guard.remove()
    except GatewayError as error:
        log.info("guard of a command stays for now", guard=guard.name, error=str(error))
