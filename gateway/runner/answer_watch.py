"""PUT+GET, the answer's side: waits for answers together, fetches each, and says which never came.

It belongs to the service, not to the run that put the requests: new files make new runs meanwhile, and a restart
goes on waiting without a second PUT (SPEC §5).
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from gateway.core.errors import GatewayError, NotThere
from gateway.core.model import Entry
from gateway.endpoints.base import Endpoint
from gateway.language.nodes import PutGet, Taken
from gateway.language.settings import Settings, Stability
from gateway.ledger import Connection, answers, deliveries
from gateway.ledger.answers import Awaited
from gateway.ledger.delivery_row import OPEN, DeliveryRow, State
from gateway.runner.by_endpoint import ByEndpoint
from gateway.runner.finishing import answer_hooks, command_of
from gateway.runner.instance import Instance
from gateway.runner.reaction_rows import react_to_failure
from gateway.runner.services import Services
from gateway.runner.telling import tell_failure
from gateway.transfer.deliver import deliver
from gateway.transfer.intent import Caller, Intent
from gateway.transfer.stability import PROVED_S

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 2.0


class AnswerWatch:
    """Looks for the answers that are due, every two seconds while there are any."""

    def __init__(self, services: Callable[[], Services], instance: Callable[[str], Instance | None]) -> None:
        self._services = services
        self._instance = instance
        self._sights: dict[int, tuple[Entry, float]] = {}
        self._tasks = ByEndpoint("answers")

    async def run(self) -> None:
        """Look until cancelled; an idle ledger is not asked, and nobody waits for the endpoint that takes longest."""
        version, waiting = None, 0
        try:
            while True:
                now = self._services().ledger.version()
                if waiting or now != version:
                    version, waiting = now, len(await self._begin())
                await self._services().clock.sleep(LOOK_EVERY_S)
        finally:
            await self._tasks.end()

    async def look(self) -> int:
        """One look at all that is waited for, to its end; how many still are."""
        await self._tasks.over()
        try:
            await self._begin()
            await self._tasks.over()
        except asyncio.CancelledError:
            await self._tasks.end()
            raise
        return len(await self._services().ledger.read(answers.waiting))

    async def _begin(self) -> Sequence[Awaited]:
        """Start a task for each endpoint whose answers are waited for and that has none yet; all that is waited for."""
        services = self._services()
        waiting = await services.ledger.read(answers.waiting)
        self._forget({one.delivery for one in waiting})
        by_endpoint: defaultdict[str, list[Awaited]] = defaultdict(list)
        for one in waiting:
            by_endpoint[one.endpoint].append(one)
        for endpoint, awaited in by_endpoint.items():
            if not self._tasks.is_busy(endpoint):
                self._tasks.start(endpoint, self._look_at(services, endpoint, awaited))
        return waiting

    def _forget(self, waiting: set[int]) -> None:
        self._sights = {found: sight for found, sight in self._sights.items() if found in waiting}

    async def _look_at(self, services: Services, endpoint: str, awaited: Sequence[Awaited]) -> None:
        """An endpoint that fails costs no answer its wait: deadlines are looked at all the same."""
        try:
            async with services.pool.session(endpoint) as peer:
                for one in awaited:
                    await self._look_for(services, peer, one)
        except GatewayError as error:
            log.info("answers can't be looked for now", endpoint=endpoint, error=str(error))
            for one in awaited:
                await self._missed_if_late(services, one, str(error))

    async def _look_for(self, services: Services, peer: Endpoint, one: Awaited) -> None:
        """An error of one answer is no reason not to look for the others."""
        try:
            entry = await _answer_at(peer, one)
            if entry is None:
                await self._missed_if_late(services, one, f"{one.response}: no answer came")
                return
            row = await services.ledger.read(partial(deliveries.get, found=one.delivery))
            if row is not None and not await _is_fetched(services, one) and self._is_stable(services, row, entry):
                await self._fetch(services, peer, row, one, entry)
        except GatewayError as error:
            if error.concerns_endpoint:
                raise
            log.info("answer not fetched", action=one.action, delivery=one.delivery, error=str(error))
            await self._missed_if_late(services, one, str(error))

    def _is_stable(self, services: Services, row: DeliveryRow, entry: Entry) -> bool:
        """The same at two looks, `stable_for` apart (5 s if nothing is said)."""
        settings = _settings(self._instance(row.intent.action), row)
        if settings.stability is Stability.NONE:
            return True
        now_s = services.clock.monotonic()
        before = self._sights.get(row.id)
        if before is None or not before[0].stamp.same_version(entry.stamp):
            self._sights[row.id] = (entry, now_s)
            return False
        said = services.configured.stable_for_s
        needed_s = said if said is not None else PROVED_S
        if settings.stable_for is not None:
            needed_s = settings.stable_for.total_seconds()
        return now_s - before[1] >= needed_s

    async def _fetch(self, services: Services, peer: Endpoint, row: DeliveryRow, one: Awaited, entry: Entry) -> None:
        """From here on the answer is a delivery like any other: what is cut is settled as such."""
        instance = self._instance(one.action)
        hooks = answer_hooks(instance, services.ledger.now_ns) if instance is not None else None
        await deliver(
            _answer(services, instance, row, one, entry),
            peer,
            services.local,
            ledger=services.ledger,
            clock=services.clock,
            owner=services.owner,
            caller=Caller(also=hooks) if hooks is not None else Caller(),
        )

    async def _missed_if_late(self, services: Services, one: Awaited, why: str) -> None:
        now = services.ledger.now_ns()
        if now < one.deadline_at or await _is_fetched(services, one):
            return
        error = NotThere(f"{why} before its time was over; ask the partner, then `gateway retry {one.delivery}`")
        instance = self._instance(one.action)
        await services.ledger.write(partial(_missed, one=one, instance=instance, error=error, at=now))
        log.warning("no answer", action=one.action, delivery=one.delivery, error=str(error))


async def _answer_at(peer: Endpoint, one: Awaited) -> Entry | None:
    """What stands under the answer's name, None while that is nothing or what stood there before the request."""
    try:
        entry = await peer.stat(one.response)
    except NotThere:
        return None
    old = one.before is not None and entry.stamp.same_version(one.before)
    return None if old else entry


async def _is_fetched(services: Services, one: Awaited) -> bool:
    """True if a delivery of the answer is under way: it is settled, never begun twice."""
    rows = await services.ledger.read(partial(deliveries.children, parent=one.delivery))
    return any(row.state in OPEN for row in rows)


def _settings(instance: Instance | None, row: DeliveryRow) -> Settings:
    """What holds for the command of a request."""
    if instance is None:
        return Settings()
    return instance.settings_at(row.intent.command)


def _answer(services: Services, instance: Instance | None, row: DeliveryRow, one: Awaited, entry: Entry) -> Intent:
    settings = _settings(instance, row)
    return Intent(
        run=row.intent.run,
        parent=row.id,
        action=row.intent.action,
        command=row.intent.command,
        verb="GET",
        endpoint=one.endpoint,
        place="",
        source=one.response,
        stamp=entry.stamp,
        final=one.local,
        mode=_mode(services, instance, row, settings),
        mtime_ns=entry.stamp.mtime_ns,
        timeout=settings.timeout,
        make_dirs=True,
    )


def _mode(services: Services, instance: Instance | None, row: DeliveryRow, settings: Settings) -> Taken:
    """-UNI and -APE of PUT+GET are about the answer; a GET without -DEL replaces."""
    command = command_of(row, instance)
    if isinstance(command, PutGet) and (command.unique or command.append):
        return Taken.UNIQUE if command.unique else Taken.APPEND
    own = services.configured.endpoints.get(row.intent.endpoint)
    return Taken(settings.exists or (own.exists if own is not None else None) or Taken.REPLACE)


def _missed(connection: Connection, one: Awaited, instance: Instance | None, error: GatewayError, at: int) -> None:
    if not answers.over(connection, one.delivery, "missed"):
        return
    values = {"finished_at": at, "error": str(error), "error_class": type(error).__name__}
    row = deliveries.move(connection, one.delivery, State.AWAITING, State.FAILED, values)
    if instance is not None:
        react_to_failure(connection, row, instance, error, at)
        tell_failure(connection, instance, error, error, row.intent.run, at)
