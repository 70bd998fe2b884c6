"""One try of a batch: its files carried as those of any action, its marker last, what became of it in its row.

What fails ends here, on this batch: it is tried again at the next time of its kind, or by hand.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from gateway.channels import leaving, tries
from gateway.channels.compiled import Compiled, Sent, bound, compiled
from gateway.channels.freezing import Freezing
from gateway.channels.marker import as_they_stand, marker_lines, marker_path, remove_marker, write_marker
from gateway.channels.model import Channel
from gateway.channels.sending import Sending, pages
from gateway.config.loaded import Loaded
from gateway.core.errors import GatewayError, Retryable, fault_text
from gateway.ledger import Connection, Ledger, channel_batches, deliveries
from gateway.ledger.channel_batches import BatchFile, BatchRow, BatchState
from gateway.runner.instance import Instance
from gateway.runner.moving import noted
from gateway.runner.places import Place, Places
from gateway.runner.rounds import ended, round_of
from gateway.runner.run import Run
from gateway.runner.services import Services
from gateway.transfer.bounded import cleaned

log = structlog.get_logger(__name__)

T = TypeVar("T")
PRIORITY = 5

Settle = Callable[[str], Awaitable[None]]
"""Brings deliveries to an endpoint to their end that an earlier try left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a delivery works with."""

    loaded: Loaded
    services: Services
    places: Places
    settle: Settle


@dataclass(slots=True, kw_only=True)
class BatchDelivery:
    """One batch that is `delivering`.  `has_newer`: what left it can go out as a look has seen it since."""

    means: Means
    channel: Channel
    row: BatchRow
    has_newer: bool = False
    _marker: Path = field(init=False)
    _run: Run | None = None
    _lacked: bool = False

    async def carry(self) -> BatchRow:
        """One try, to delivered, failed or given_up; raises nothing but a cancel.

        A cancel leaves it as a kill does: it goes on at the next start.
        """
        self._marker = marker_path(self.means.loaded.state, self.channel.name, self.row.id)
        while self.row.state is BatchState.DELIVERING:  # once it is frozen; once more if the rest came as it failed
            await self._once()
        return self.row

    async def _once(self) -> None:
        self._run, self._lacked = None, False
        try:
            if self.row.freezing:
                await self._freeze()
                return
            async with self.means.places.taken(PRIORITY) as place:
                await self._try(place)
        except GatewayError as error:
            await self._failed(error)
        except Exception as fault:
            log.exception("delivery of a channel crashed", channel=self.channel.name, batch=self.row.id)
            await self._failed(Retryable(fault_text(fault)))

    async def _freeze(self) -> None:
        self.row = await Freezing(channel=self.channel, row=self.row).freeze(self._ledger)

    async def _try(self, place: Place) -> None:
        self._run = run = await self._begin(bound(await self._compiled(), self.means.loaded), place)
        await self._settle(run)
        sending = Sending(run, self.row.id)
        async with noted(run.moving, run.services.ledger, run.services.clock):
            problem = await sending.files()
        await self._leave_changed(run)
        sent = await self._require_all(problem)
        if sent:
            await self._mark(sending)
        await ended(run, None)
        await self._over(is_empty=not sent)

    async def _compiled(self) -> Compiled:
        sent = [Sent(one.source, one.final) async for page in pages(self._ledger, self.row.id) for one in page]
        marker = await self._of_batch(channel_batches.marker_of)
        return compiled(self.channel, sent if marker is None else [*sent, Sent(str(self._marker), marker.final)])

    async def _begin(self, instance: Instance, place: Place) -> Run:
        services, at = self.means.services, self._ledger.now_ns()
        address = tries.address_of(services.pool.place(instance.endpoint or ""))
        begin = partial(tries.begin, batch=self.row, instance=instance, address=address, owner=services.owner, at=at)
        self.row = await self._ledger.take(begin)
        assert self.row.action_run is not None
        return round_of(self.row.action_run, instance, services, place)

    async def _settle(self, run: Run) -> None:
        """What an earlier try left between two names comes first; what a kill left of this one is gone on with."""
        work = partial(deliveries.open_deliveries, action=run.instance.name)
        if any(row.intent.run != run.id for row in await self._ledger.read(work)):
            await self.means.settle(run.endpoint)

    async def _leave_changed(self, run: Run) -> None:
        """An item of which a file that is not there yet is another one now goes out with a later delivery."""
        refused = await self._ledger.read(partial(leaving.refused, run=run.id))
        changed = dict[int, str]()
        async for page in pages(self._ledger, self.row.id, lacking=True):
            changed |= await leaving.changed(self.channel, page, refused, self.means.services.clock)
        self.has_newer |= await leaving.leave_all(self._ledger, self.row.id, self.channel, changed)

    async def _require_all(self, problem: GatewayError | None) -> int:
        """How many files it has, all of which are there.  Raises why something of it is not."""
        files, lacking = await self._of_batch(channel_batches.counted)
        self._lacked = bool(lacking)
        if not lacking:
            return files
        if problem is None:
            problem = Retryable("another delivery of the same file is not settled yet")
        raise tries.retold(problem, f"{leaving.not_there(lacking, files)}: {problem}")

    async def _mark(self, sending: Sending) -> None:
        """All of it is there: the marker, last."""
        marker = await self._of_batch(channel_batches.marker_of)
        if marker is None or marker.delivered_at is not None:
            return
        content = bytearray()
        async for page in pages(self._ledger, self.row.id):
            content += marker_lines(await self._as_they_stand(page), marker.final)
        marker = await asyncio.to_thread(write_marker, self._marker, bytes(content), marker)
        problem = await sending.marker(marker)
        if problem is not None:
            raise tries.retold(problem, f"all files are there, but not {marker.final}: {problem}")

    async def _as_they_stand(self, page: Sequence[BatchFile]) -> list[BatchFile]:
        work = partial(as_they_stand, files=page, address=self.row.address, ignore_case=self.channel.ignore_case)
        return await self._ledger.read(work)

    # The end.

    async def _over(self, *, is_empty: bool) -> None:
        state = BatchState.GIVEN_UP if is_empty else BatchState.DELIVERED
        values = {"error": "all of it changed before it was sent" if is_empty else None, "error_class": None}
        await self._write({**values, "state": state.value, "ended_at": self._ledger.now_ns()})
        await asyncio.to_thread(remove_marker, self._marker)
        said = "delivery of a channel is over: all of it changed before it was sent" if is_empty else None
        log.info(said or "delivered to a channel", channel=self.channel.name, batch=self.row.id, kind=self.row.kind)

    async def _failed(self, error: GatewayError) -> None:
        log.warning("delivery of a channel failed", channel=self.channel.name, batch=self.row.id, error=str(error))
        if self._run is not None:
            await cleaned(ended(self._run, error))
        else:
            note = partial(tries.note, batch=self.row, channel=self.channel, error=error, at=self._ledger.now_ns())
            await self._ledger.write(note)
        await leaving.note_reasons(self._ledger, self.row.id, None if self._run is None else self._run.id)
        self.row = await self._ledger.write(partial(tries.fail, batch=self.row, error=error, lacked=self._lacked))

    async def _write(self, values: Mapping[str, Any]) -> None:
        self.row = await self._ledger.write(partial(channel_batches.change, batch=self.row.id, values=values))

    async def _of_batch(self, what: Callable[[Connection, int], T]) -> T:
        return await self._ledger.read(lambda connection: what(connection, self.row.id))

    @property
    def _ledger(self) -> Ledger:
        return self.means.services.ledger
