"""Many small files in two steps: all of them laid down at once, and, when that may be, all of them given their names.

Whatever does not go smoothly is left to the runner, which brings each on by itself.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from gateway.core.errors import GatewayError
from gateway.core.model import Entry
from gateway.endpoints.base import BulkTarget, Endpoint
from gateway.endpoints.lane import Lane
from gateway.jobs.gated import Gated, GatedBulk
from gateway.jobs.place_tree import side_by_side
from gateway.language.settings import Order
from gateway.ledger import Connection, deliveries, deliveries_bulk, job_deliveries, job_rounds
from gateway.ledger.delivery_row import DeliveryRow, State, changed_delivery
from gateway.runner.finishing import ORDERED_HOOKS
from gateway.runner.jobs import Job
from gateway.runner.order import Turns
from gateway.runner.portions import Portions
from gateway.runner.run import Run
from gateway.transfer.aboard import Aboard, Lent, fits
from gateway.transfer.bounded import answered
from gateway.transfer.settle import as_noted
from gateway.transfer.together import Together

T = TypeVar("T")
_FILES_MAX = 128
_JOURNEYS = 4
"""At once: while one waits for its commit others are on the line."""


@dataclass(slots=True)
class TwoSteps:
    """The small files of a run on one lane."""

    run: Run
    source: Endpoint
    lane: Lane

    async def lay(self, jobs: Sequence[Job]) -> list[Job]:
        """Lay down what fits; those that have still to be brought on one by one."""
        takes, lays = self.source.bulk_source, self.lane.endpoint.bulk_target
        small = [job for job in jobs if fits(job.intent) and job.delivery is None]
        if takes is None or lays is None or len(small) < 2:
            return [*jobs]
        taken = {job.n for job in small}
        rest = [job for job in jobs if job.n not in taken]
        services, left = self.run.services, dict[int, int | None]()
        lent = Lent(
            source=self.source,
            target=Gated(self.lane.endpoint),
            takes=takes,
            lays=GatedBulk(lays),
            ledger=services.ledger,
            owner=services.owner,
            hooks=ORDERED_HOOKS,
            turns=partial(Turns(Order.FREE, len(jobs)).together, in_line=False),
            left=lambda file: left.update({file.number: file.delivery}),  # not its bytes: there may be many
            delivered=lambda _row, _file: None,
        )
        todo = Portions(small)
        portions = list(iter(lambda: [job for _, job in todo.some()], []))
        await _some_at_once([partial(self._journey, lent, portion) for portion in portions])
        laid = {row.id for row in await services.ledger.read(partial(job_rounds.laid, found=self.run.id))}
        intents = {job.n: job.intent for job in small}
        rest += [Job(number, intents[number], delivery) for number, delivery in left.items() if delivery not in laid]
        return sorted(rest, key=lambda job: job.n)

    async def _journey(self, lent: Lent, jobs: Sequence[Job]) -> None:
        await Together(lent, [Aboard(job.n, job.intent) for job in jobs]).carry()

    async def name(self, rows: Sequence[DeliveryRow]) -> list[DeliveryRow]:
        """Give what lies there its names; those of which that can't be said have still to be looked at one by one."""
        lays = self.lane.endpoint.bulk_target
        plain = [row for row in rows if row.state is State.PLACING and row.intent.archive is None]
        if lays is None or len(plain) < 2:
            return [*rows]
        portions = [plain[at : at + _FILES_MAX] for at in range(0, len(plain), _FILES_MAX)]
        named = await _some_at_once([partial(self._name, lays, portion) for portion in portions])
        there = {found for some in named for found in some}
        return [row for row in rows if row.id not in there]

    async def _name(self, lays: BulkTarget, rows: Sequence[DeliveryRow]) -> set[int]:
        services = self.run.services
        work = partial(_claimed, found=[row.id for row in rows], owner=services.owner)
        owned = [row for row in await services.ledger.write(work) if row.state is State.PLACING]
        if not owned:
            return set()
        ids = {row.id for row in owned}
        services.ledger.active.update(ids)
        try:
            owned = await self._as_laid(lays, owned)
            refused = await lays.rename_all([(row.partial, row.final) for row in owned]) if owned else []
            there = [row for row, error in zip(owned, refused, strict=True) if error is None]
            return await self._delivered(there) if there else set()
        except GatewayError:
            return set()  # each is looked at by itself
        finally:
            services.ledger.active.difference_update(ids)

    async def _as_laid(self, lays: BulkTarget, rows: Sequence[DeliveryRow]) -> list[DeliveryRow]:
        """Those whose bytes lie there as they were proved: they may have waited for hours."""
        shown = await lays.stat_all([row.partial for row in rows])
        pairs = zip(rows, shown, strict=True)
        return [row for row, entry in pairs if isinstance(entry, Entry) and as_noted(row, entry.stamp)]

    async def _delivered(self, rows: Sequence[DeliveryRow]) -> set[int]:
        ledger, run = self.run.services.ledger, self.run
        moved = await answered(ledger.submit(partial(_told, rows=rows, at=ledger.now_ns())))
        done = [row for row, is_done in zip(rows, moved, strict=True) if is_done]
        run.files += len(done)
        run.size_bytes += sum(row.size or 0 for row in done)
        return {row.id for row in done}


def _claimed(connection: Connection, found: Sequence[int], owner: int) -> list[DeliveryRow]:
    """Those that nobody else works on."""
    rows = [deliveries.claim(connection, one, owner) for one in found]
    return [row for row in rows if row is not None]


def _told(connection: Connection, rows: Sequence[DeliveryRow], at: int) -> list[bool]:
    """Delivered, and the job told of it."""
    values = {"delivered_at": at, "finished_at": at, "next_at": None, "owner": None, "placed": "same"}
    values |= {"error": None, "error_class": None}
    moved = deliveries_bulk.advance_alike(
        connection, [row.id for row in rows], source=State.PLACING, target=State.DONE, values=values
    )
    after = [changed_delivery(row, State.DONE, values) for row in rows]
    job_deliveries.note_delivered(connection, [row for row, done in zip(after, moved, strict=True) if done])
    return moved


async def _some_at_once(work: Sequence[Callable[[], Coroutine[Any, Any, T]]]) -> list[T]:
    """What each comes to, a few of them at once; all have ended when an error is raised."""
    free = asyncio.Semaphore(_JOURNEYS)

    async def one(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async with free:
            return await make()

    return await side_by_side([one(make) for make in work])
