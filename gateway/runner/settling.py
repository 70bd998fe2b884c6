"""Brings deliveries to an end that no run works on any more: unsettled renames, sources still there, held names.

Settling comes before anything new for that endpoint; an endpoint that is down holds up no other (DESIGN §4).
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

import structlog

from gateway.core.errors import GatewayError, NotThere
from gateway.endpoints.base import Endpoint
from gateway.ledger import deliveries, runs
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.errors import SourceBusy
from gateway.runner.by_endpoint import ByEndpoint
from gateway.runner.failing import record_failure
from gateway.runner.finishing import hooks_for
from gateway.runner.instance import Instance
from gateway.runner.moving import noted
from gateway.runner.services import Services
from gateway.transfer.deliver import resume_delivery
from gateway.transfer.intent import Caller, Delivered

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 5.0
_FIRST_PAUSE_S = 5.0
_LONGEST_PAUSE_S = 300.0
_HELD_EVERY_S = 15.0
_NAME_TAKEN = "NameTaken"


class Settling:
    """Looks for open deliveries without an owner and goes on with each, with backoff by endpoint."""

    def __init__(self, services: Callable[[], Services], instance: Callable[[str], Instance | None]) -> None:
        self._services = services
        self._instance = instance
        self._failures: defaultdict[str, int] = defaultdict(int)
        self._not_before_s: dict[str, float] = {}
        self._held_until_s: dict[int, float] = {}
        self._tasks = ByEndpoint("settling")

    async def run(self) -> None:
        """Look until cancelled; nobody waits for the endpoint that takes longest."""
        try:
            while True:
                await self._begin()
                await self._services().clock.sleep(LOOK_EVERY_S)
        finally:
            await self._tasks.end()

    async def look(self, only: str | None = None) -> None:
        """One round over all endpoints side by side, to its end, or over `only` one and the copies of its actions."""
        await self._tasks.over(None if only is None else (only,))
        begun = await self._begin(only)
        try:
            await self._tasks.over(begun)
        except asyncio.CancelledError:
            await self._tasks.end(begun)
            raise

    async def _begin(self, only: str | None = None) -> Collection[str]:
        """Start a task for each endpoint that has something to settle and no task yet; those endpoints."""
        services = self._services()
        begun: list[str] = []
        for endpoint, rows in (await self._open(services)).items():
            if self._is_to_wait(services, endpoint):
                continue
            meant = (row for row in rows if only in (None, endpoint, row.intent.endpoint))
            if due := [row for row in meant if self._is_due(services, row)]:
                self._tasks.start(endpoint, self._settle(services, endpoint, due))
                begun.append(endpoint)
        return begun

    def _is_to_wait(self, services: Services, endpoint: str) -> bool:
        late = services.clock.monotonic() < self._not_before_s.get(endpoint, 0.0)
        return late or self._tasks.is_busy(endpoint)

    async def _open(self, services: Services) -> Mapping[str, Sequence[DeliveryRow]]:
        """What is to be settled, by the endpoint that must answer."""
        rows = await services.ledger.read(deliveries.open_deliveries)
        live = await services.ledger.read(runs.live)
        by_endpoint: defaultdict[str, list[DeliveryRow]] = defaultdict(list)
        for row in rows:
            if row.intent.run not in live and self._is_ours(services, row):
                by_endpoint[row.intent.endpoint if needs_peer(row) else ""].append(row)
        return by_endpoint

    def _is_ours(self, services: Services, row: DeliveryRow) -> bool:
        """What no task works on; a run that is not over sees to its own."""
        if row.id in services.ledger.active or row.state is State.AWAITING:
            return False
        return row.state is not State.HELD or row.error_class == _NAME_TAKEN

    async def _settle(self, services: Services, endpoint: str, rows: Sequence[DeliveryRow]) -> None:
        try:
            if not endpoint:
                await self._all(services, services.local, rows)
                return
            async with services.pool.session(endpoint, fresh=True) as peer:
                await self._all(services, peer, rows)
        except GatewayError as error:
            self._back_off(services, endpoint, error)
        else:
            self._failures.pop(endpoint, None)

    async def _all(self, services: Services, peer: Endpoint, rows: Sequence[DeliveryRow]) -> None:
        for row in rows:
            try:
                await self.one(services, peer, row)
            except (NotThere, SourceBusy):
                continue  # over meanwhile, or somebody works on it
            except GatewayError as error:
                log.info("not settled yet", delivery=row.id, state=row.state.value, error=str(error))
                if error.concerns_endpoint:
                    raise
                await self._given_up(services, row, error)

    async def one(self, services: Services, peer: Endpoint, row: DeliveryRow, *, by_operator: bool = False) -> None:
        """Go on with one delivery."""
        instance = self._instance(row.intent.action)
        mine = services.sources(follow_links=instance is not None and instance.follow_links)
        source, target = (peer, services.local) if row.intent.verb == "GET" else (mine, peer)
        sent: dict[int, int] = {}
        async with noted(sent, services.ledger, services.clock):
            outcome = await resume_delivery(
                row.id,
                source,
                target,
                ledger=services.ledger,
                clock=services.clock,
                owner=services.owner,
                caller=Caller(
                    also=hooks_for(row, instance, services.ledger.now_ns),
                    on_progress=partial(_told, services, row, sent),
                ),
                by_operator=by_operator,
            )
        tell = log.info if isinstance(outcome, Delivered) else log.debug  # a held one is looked at again and again
        tell("settled", delivery=row.id, action=row.intent.action, file=row.name, state=outcome.row.state.value)

    def forget(self, endpoint: str) -> None:
        """A person asks for a try at once."""
        self._failures.pop(endpoint, None)
        self._not_before_s.pop(endpoint, None)

    async def _given_up(self, services: Services, row: DeliveryRow, error: GatewayError) -> None:
        """What can't be brought on and was never placed has failed: its source is held back as after a run."""
        work = partial(
            record_failure,
            instance=self._instance(row.intent.action),
            intent=row.intent,
            delivery=row.id,
            error=error,
            at=services.ledger.now_ns(),
        )
        await services.ledger.write(work)

    def _is_due(self, services: Services, row: DeliveryRow) -> bool:
        """A name that is taken is looked at less often: to compare contents may mean to read both."""
        if row.state is not State.HELD:
            return True
        now_s = services.clock.monotonic()
        due = now_s >= self._held_until_s.get(row.id, 0.0)
        if due:
            self._held_until_s[row.id] = now_s + _HELD_EVERY_S
        return due

    def _back_off(self, services: Services, endpoint: str, error: GatewayError) -> None:
        self._failures[endpoint] += 1
        pause_s = min(_FIRST_PAUSE_S * 2 ** min(self._failures[endpoint] - 1, 10), _LONGEST_PAUSE_S)
        self._not_before_s[endpoint] = services.clock.monotonic() + pause_s
        log.info("endpoint can't be reached to settle", endpoint=endpoint, in_s=pause_s, error=str(error))


def _told(services: Services, row: DeliveryRow, sent: dict[int, int], size_bytes: int) -> None:
    sent[row.id] = size_bytes
    services.progress(row.name, row.intent.stamp.size_bytes, size_bytes)


def needs_peer(row: DeliveryRow) -> bool:
    """True if a session at its endpoint is needed to go on."""
    return row.intent.verb != "LCOPY"
