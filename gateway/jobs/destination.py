"""One try of one destination: compared, loaded, placed, its command run; every arrow is one commit.

What fails ends here, on this destination: what failed, why and what to do stands in its row.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog

from gateway.core.errors import GatewayError, LinkLost, NeedsOperator, NoSpace, PeerBusy, Retryable, fault_text
from gateway.core.moments import length_ns, ns
from gateway.core.pauses import pause_after_ns
from gateway.endpoints.pool import NotYet
from gateway.endpoints.trouble import pause_after as pause_of_endpoint
from gateway.jobs.absent import ApprovalNeeded
from gateway.jobs.arriving import arrive, require_same
from gateway.jobs.bringing import Bringing
from gateway.jobs.check import kept_back, no_partials
from gateway.jobs.compiled import Part
from gateway.jobs.model import Destination
from gateway.jobs.shared_source import SharedSource
from gateway.jobs.underway import Underway
from gateway.language.nodes import Put
from gateway.ledger import Ledger, job_destinations, job_rounds, job_runs
from gateway.ledger.errors import StateLost
from gateway.ledger.job_destinations import PlaceRow
from gateway.ledger.job_rounds import NewRound
from gateway.ledger.job_states import SETTLED, WENT_WELL, PlaceState, TriggerState
from gateway.runner.places import Place
from gateway.runner.rounds import ended, round_of
from gateway.runner.run import Run
from gateway.transfer.bounded import cleaned

log = structlog.get_logger(__name__)

_OFFLINE = (LinkLost, PeerBusy)
"""What says that nobody answers there now."""

AfterEndpoint = Callable[[PlaceRow], Awaitable[TriggerState | None]]
"""Runs after_endpoint at a destination, None where it has no such command."""

Settle = Callable[[str], Awaitable[None]]
"""Brings deliveries to an endpoint to their end that a dead process left."""


class TriggerFailed(NeedsOperator):
    """A job's command ended with an exit code that means failure."""


@dataclass(slots=True, kw_only=True)
class DestinationLife:
    """One destination of a live run."""

    under: Underway
    endpoint: str
    settle: Settle
    after_endpoint: AfterEndpoint
    _row: PlaceRow = field(init=False)
    _to: Destination = field(init=False)
    _part: Part = field(init=False)

    async def carry(self) -> None:
        """One try, from whatever state it is in to `delivered`, `offline` or `error`; raises nothing but a cancel."""
        try:
            await self._look()
            if self._row.state not in SETTLED:
                await self._try()
        except StateLost as problem:
            log.info("destination was moved on by another hand", endpoint=self.endpoint, problem=str(problem))
        except GatewayError as error:
            await self._failed(error)
        except Exception as fault:
            log.exception("destination crashed", run=self.under.run, endpoint=self.endpoint)
            await self._failed(Retryable(fault_text(fault)))

    async def _look(self) -> None:
        row = await self._ledger.read(partial(job_destinations.get, run=self.under.run, endpoint=self.endpoint))
        assert row is not None, f"{self.endpoint} is no destination of run {self.under.run}"
        self._row, self._to = row, self.under.destination(row)

    async def _try(self) -> None:
        self._part = self.under.deliver(self._row)
        if self._row.state is not PlaceState.QUEUED:
            await self._advance(PlaceState.QUEUED)
        source = self.under.source
        with source.used() if isinstance(source, SharedSource) else nullcontext():
            async with self.under.places.taken(self._row.priority) as place:
                await self._bring(place)
        await self._after()
        await self._advance(PlaceState.DELIVERED, job_destinations.ALL_WELL)

    async def _bring(self, place: Place) -> None:
        """All that is missing; the action's run is ended whatever happens."""
        kept = kept_back(self.under.job, self._to)
        gated = bool(kept)
        if gated and self.under.loaded.config.endpoints[self.endpoint].inplace:  # since the run began, or unchecked
            raise NeedsOperator(no_partials(self.endpoint, kept))
        await arrive(self.under.services, self._row)
        await self._look()
        run = await self._begin(place, gated=gated)
        try:
            await self._settle(gated=gated)
            await self._advance(PlaceState.COMPARING, {"next_at": None})
            await self._bringing(run, gated=gated).bring()
            await require_same(self.under.services, self._row)
        except BaseException as error:
            await cleaned(self._broken(run, error, gated=gated))
            raise
        await self._end(run, None)

    async def _begin(self, place: Place, *, gated: bool) -> Run:
        instance, services = self.under.instance(self._part), self.under.services
        new = NewRound(
            action=instance.name,
            endpoint=self.endpoint,
            job_run=self.under.run,
            owner=services.owner,
            script_sha256=instance.script_sha256,
            keeps=gated,
        )
        found = await self._ledger.take(partial(job_rounds.begin, new=new, at=self._ledger.now_ns()))
        run = round_of(found, instance, services, place)
        run.moving = self.under.moving.sent
        return run

    async def _settle(self, *, gated: bool) -> None:
        """What a dead process left between two names comes first; what waits for its name here is ours."""
        work = partial(job_rounds.has_open, action=self._part.instance)
        if not gated and await self._ledger.read(work):
            await self.settle(self.endpoint)

    def _bringing(self, run: Run, *, gated: bool) -> Bringing:
        put = self._part.action.commands[0]
        assert isinstance(put, Put), "a destination's action begins with its PUT"
        return Bringing(
            under=self.under, row=self._row, to=self._to, run=run, put=put, gated=gated, advance=self._advance
        )

    async def _after(self) -> None:
        """after_endpoint, in the folder that is loaded."""
        await self._advance(PlaceState.AFTER_ENDPOINT)
        state = await self.after_endpoint(self._row)
        if state is None or state in WENT_WELL:
            return
        if state is TriggerState.AGAIN:
            raise Retryable("after_endpoint asks to be run again")
        raise TriggerFailed(
            f"after_endpoint is {state.value}; `gateway job show {self.under.run}` shows what it printed; mend it, "
            f"then: gateway job restart {self.under.run} --destination {self.endpoint}"
        )

    # The end.

    async def _broken(self, run: Run, error: BaseException, *, gated: bool) -> None:
        """The action's run ends with it; where bytes wait for their names it stays, and is gone on with."""
        laid = await self._ledger.read(partial(job_rounds.laid, found=run.id)) if gated else ()
        if laid:
            await self._ledger.write(partial(job_rounds.interrupt, found=run.id, at=self._ledger.now_ns()))
            await self._count_source()
        else:
            await self._end(run, error)

    async def _end(self, run: Run, error: BaseException | None) -> None:
        await ended(run, error)
        await self._count_source()

    async def _count_source(self) -> None:
        """What was read of the source since somebody counted last."""
        source = self.under.source
        read = source.counted() if isinstance(source, SharedSource) else 0
        if read:
            await self._ledger.write(partial(job_runs.count, found=self.under.run, source_bytes_read=read))

    async def _failed(self, error: GatewayError) -> None:
        """Offline or in error, with why, since when, and when it is tried again."""
        await self._look()
        if self._row.state in SETTLED:
            return
        now, failures = self._ledger.now_ns(), self._row.failures + 1
        waits_for_person = isinstance(error, ApprovalNeeded | TriggerFailed)
        said, kind = _cause(error)
        is_offline = isinstance(error, _OFFLINE) and kind != NoSpace.__name__
        values = {
            "error": said,
            "error_class": kind,
            "failures": failures,
            "failing_since": self._row.failing_since or now,
            "next_at": None if waits_for_person else max(now + _pause_ns(failures, is_offline), _not_before(error)),
        }
        state = PlaceState.OFFLINE if is_offline else PlaceState.ERROR
        log.warning("destination failed", run=self.under.run, endpoint=self.endpoint, error=str(error))
        await self._advance(state, values)

    async def _advance(self, target: PlaceState, values: Mapping[str, Any] | None = None) -> None:
        """One arrow, one commit; whoever decides is told."""
        at = self._ledger.now_ns()
        work = partial(job_destinations.advance, row=self._row, target=target, at=at, values=values)
        self._row = await self._ledger.write(work)
        self.under.moved()

    @property
    def _ledger(self) -> Ledger:
        return self.under.services.ledger


def _pause_ns(failures: int, is_offline: bool) -> int:
    """Whoever is down is knocked at as often as its endpoint allows: one that is back catches up within minutes."""
    if is_offline:
        return length_ns(pause_of_endpoint(failures))
    return pause_after_ns(failures)


def _cause(error: GatewayError) -> tuple[str, str]:
    """What went wrong, and its class; of an endpoint that is left alone: what it is left alone for."""
    return (error.last, error.last_class) if isinstance(error, NotYet) else (str(error), type(error).__name__)


def _not_before(error: GatewayError) -> int:
    """The endpoint is left alone until then."""
    return ns(error.next_at) if isinstance(error, NotYet) else 0
