"""Hands that only write the arrows: what a destination or a command does is said by the test."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from gateway.core.errors import GatewayError, Retryable
from gateway.core.pauses import pause_after_ns
from gateway.endpoints.base import Endpoint
from gateway.jobs.hands import Prepared
from gateway.jobs.model import Job, Moment
from gateway.jobs.underway import Underway
from gateway.ledger import job_contents, job_destinations, job_triggers
from gateway.ledger.job_contents import Entry
from gateway.ledger.job_destinations import PlaceRow
from gateway.ledger.job_states import PlaceState, TriggerState
from gateway.runner.services import Services

_WAY = (PlaceState.COMPARING, PlaceState.LOADING, PlaceState.PLACING, PlaceState.AFTER_ENDPOINT, PlaceState.DELIVERED)


@dataclass
class FakeHands:
    """`before` is awaited with what is about to be done, and may raise: `prepare`, `carry shop1`, `after_all shop1`.

    `reach shop1` is before after_all is started there.
    """

    before: Callable[[str], Awaitable[None]] | None = None
    done: list[str] = field(default_factory=list)
    tries: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    answers: dict[str, TriggerState] = field(default_factory=dict)

    def source(self, services: Services, job: Job) -> Endpoint:
        return services.local

    async def _do(self, what: str) -> None:
        self.tries[what] += 1
        if self.before is not None:
            await self.before(what)
        self.done.append(what)

    async def prepare(self, under: Underway) -> Prepared:
        await self._do("prepare")
        entries = [Entry(1, "a", "file", 1, 1, 0o644, "aa", None)]
        freeze = partial(job_contents.freeze, job=under.job.name, entries=entries, skipped=[], at=1)
        return Prepared(manifest=await under.services.ledger.write(freeze))

    async def carry(self, under: Underway, endpoint: str) -> None:
        try:
            for target in (PlaceState.QUEUED, *_WAY):
                if target is PlaceState.LOADING:
                    await self._do(f"carry {endpoint}")
                if target is PlaceState.AFTER_ENDPOINT and under.job.together:
                    await under.released.wait()
                    await self._do(f"place {endpoint}")
                await self._to(under, endpoint, target)
        except GatewayError as error:
            await self._failed(under, endpoint, error)

    async def _to(self, under: Underway, endpoint: str, target: PlaceState, **values: object) -> None:
        ledger = under.services.ledger
        row = await ledger.read(partial(job_destinations.get, run=under.run, endpoint=endpoint))
        assert row is not None
        if row.state is target:
            return
        if target is PlaceState.DELIVERED:
            values = {"error": None, "error_class": None, "failing_since": None, "next_at": None, "failures": 0}
        go = partial(job_destinations.advance, row=row, target=target, at=ledger.now_ns(), values=values)
        await ledger.write(go)
        under.moved()

    async def _failed(self, under: Underway, endpoint: str, error: GatewayError) -> None:
        ledger = under.services.ledger
        row = await ledger.read(partial(job_destinations.get, run=under.run, endpoint=endpoint))
        assert row is not None
        state = PlaceState.OFFLINE if error.concerns_endpoint and isinstance(error, Retryable) else PlaceState.ERROR
        now = ledger.now_ns()
        await self._to(
            under,
            endpoint,
            state,
            error=str(error),
            error_class=type(error).__name__,
            failures=row.failures + 1,
            failing_since=row.failing_since or now,
            next_at=now + pause_after_ns(row.failures + 1) if isinstance(error, Retryable) else None,
        )

    async def after_all(self, under: Underway, places: Sequence[PlaceRow], place: str) -> TriggerState:
        ledger = under.services.ledger
        latest = partial(job_triggers.latest, run=under.run, moment="after_all", place=place)
        row = await ledger.read(latest)
        if row is None or row.state is not TriggerState.DUE:
            due = partial(job_triggers.due, run=under.run, moment="after_all", place=place, line="x", at=1)
            row = await ledger.write(due)
        if self.before is not None:
            await self.before(f"reach {place}")
        row = await ledger.write(partial(job_triggers.advance, row=row, target=TriggerState.STARTED))
        await self._do(f"after_all {place}")
        state = self.answers.get(f"after_all {place}", TriggerState.OK)
        await ledger.write(partial(job_triggers.advance, row=row, target=state))
        return state

    async def clean(self, under: Underway) -> str:
        await self._do("clean")
        return "done"

    def commands(self, under: Underway, places: Sequence[PlaceRow]) -> Mapping[str, bool]:
        has = under.job.trigger(Moment.AFTER_ALL) is not None
        return {"": has, **{one.endpoint: has for one in places}}


async def forever(_: str) -> None:
    """A work that comes to no end."""
    await asyncio.Event().wait()
