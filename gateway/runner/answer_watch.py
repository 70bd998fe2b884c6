"""PUT+GET, the answer's side: waits for answers together, fetches each, and says which never came.

It belongs to the service, not to the run that put the requests: new files make new runs meanwhile, and a restart
goes on waiting without a second PUT (LANGUAGE §3).
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from gateway.core.errors import GatewayError, NotThere
from gateway.core.model import Entry
from gateway.endpoints.base import Endpoint
from gateway.language.nodes import PutGet, Taken
from gateway.language.settings import Stability, settings_before
from gateway.ledger import Connection, answers, deliveries
from gateway.ledger.answers import Awaited
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.runner.instance import Instance
from gateway.runner.reaction_rows import react_to_failure, react_to_success
from gateway.runner.services import Services
from gateway.transfer.deliver import deliver
from gateway.transfer.intent import Caller, Delivered, Hooks, Intent
from gateway.transfer.stability import PROVED_S

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 2.0


class AnswerWatch:
    """Looks for the answers that are due, every two seconds while there are any."""

    def __init__(self, services: Callable[[], Services], instance: Callable[[str], Instance]) -> None:
        self._services = services
        self._instance = instance
        self._sights: dict[int, tuple[Entry, float]] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await self._services().clock.sleep(LOOK_EVERY_S)

    async def look(self) -> int:
        """One look at all that is waited for; how many still are."""
        services = self._services()
        waiting = await services.ledger.read(answers.waiting)
        by_endpoint: defaultdict[str, list[Awaited]] = defaultdict(list)
        for one in waiting:
            by_endpoint[one.endpoint].append(one)
        for endpoint, awaited in by_endpoint.items():
            await self._look_at(services, endpoint, awaited)
        return len(await services.ledger.read(answers.waiting))

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
        try:
            entry = await peer.stat(one.response)
        except NotThere:
            entry = None
        if entry is None or (one.before is not None and entry.stamp.same_version(one.before)):
            await self._missed_if_late(services, one, f"{one.response}: no answer came")
            return
        instance = self._instance(one.action)
        row = await services.ledger.read(partial(deliveries.get, found=one.delivery))
        if row is not None and self._is_stable(services, instance, row, entry):
            await self._fetch(services, peer, instance, row, one, entry)

    def _is_stable(self, services: Services, instance: Instance, row: DeliveryRow, entry: Entry) -> bool:
        """The same at two looks, `stable_for` apart (5 s if nothing is said)."""
        settings = settings_before(instance.action.commands[: row.intent.command - 1], instance.settings.first)
        if settings.stability is Stability.NONE:
            return True
        now_s = services.clock.monotonic()
        before = self._sights.get(row.id)
        if before is None or not before[0].stamp.same_version(entry.stamp):
            self._sights[row.id] = (entry, now_s)
            return False
        needed_s = settings.stable_for.total_seconds() if settings.stable_for is not None else PROVED_S
        return now_s - before[1] >= needed_s

    async def _fetch(
        self, services: Services, peer: Endpoint, instance: Instance, row: DeliveryRow, one: Awaited, entry: Entry
    ) -> None:
        hooks = Hooks(delivered=partial(_received, instance=instance, at=services.ledger.now_ns()))
        outcome = await deliver(
            _answer(instance, row, one, entry),
            peer,
            services.local,
            ledger=services.ledger,
            clock=services.clock,
            owner=services.owner,
            caller=Caller(also=hooks),
        )
        if isinstance(outcome, Delivered):
            await services.ledger.write(partial(_found, one=one, answer=outcome.row.id, at=services.ledger.now_ns()))
            self._sights.pop(one.delivery, None)

    async def _missed_if_late(self, services: Services, one: Awaited, why: str) -> None:
        now = services.ledger.now_ns()
        if now < one.deadline_at:
            return
        instance = self._instance(one.action)
        error = NotThere(f"{why} before its time was over; ask the partner, then `gateway retry {one.delivery}`")
        await services.ledger.write(partial(_missed, one=one, instance=instance, error=error, at=now))
        log.warning("no answer", action=one.action, delivery=one.delivery, error=str(error))


def _answer(instance: Instance, row: DeliveryRow, one: Awaited, entry: Entry) -> Intent:
    command = instance.action.commands[row.intent.command - 1]
    mode = Taken.REPLACE
    if isinstance(command, PutGet):
        mode = Taken.UNIQUE if command.unique else Taken.APPEND if command.append else Taken.REPLACE
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
        mode=mode,
        mtime_ns=entry.stamp.mtime_ns,
        make_dirs=True,
    )


def _received(connection: Connection, row: DeliveryRow, instance: Instance, at: int) -> None:
    react_to_success(connection, row, instance, at)


def _found(connection: Connection, one: Awaited, answer: int, at: int) -> None:
    if answers.over(connection, one.delivery, "found", answer):
        deliveries.move(connection, one.delivery, State.AWAITING, State.DONE, {"finished_at": at})


def _missed(connection: Connection, one: Awaited, instance: Instance, error: GatewayError, at: int) -> None:
    if answers.over(connection, one.delivery, "missed"):
        values = {"finished_at": at, "error": str(error), "error_class": type(error).__name__}
        row = deliveries.move(connection, one.delivery, State.AWAITING, State.FAILED, values)
        react_to_failure(connection, row, instance, error, at)
