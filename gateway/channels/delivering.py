"""One try of a batch: its files carried as those of any action, its marker last, what became of it in its row.

What fails ends here, on this batch: it is tried again at the next time of its kind, or by hand.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from gateway.channels import leaving, tries
from gateway.channels.compiled import Compiled, Sent, bound, compiled
from gateway.channels.freezing import Freezing
from gateway.channels.marker import as_they_stand, marker_lines, marker_path, remove_marker, write_marker
from gateway.channels.model import Channel
from gateway.config.loaded import Loaded
from gateway.core.errors import GatewayError, Retryable, fault_text
from gateway.language.nodes import Command, Put
from gateway.ledger import (
    Connection,
    Ledger,
    channel_batches,
    deliveries,
)
from gateway.ledger.channel_batches import BatchFile, BatchRow, BatchState
from gateway.ledger.intent import Intent, Packed
from gateway.ledger.runs import FrozenFile
from gateway.runner.carrying import Carrying
from gateway.runner.instance import Instance
from gateway.runner.intents import intending
from gateway.runner.interrupted import work_of
from gateway.runner.jobs import Ends
from gateway.runner.moving import noted
from gateway.runner.places import Place, Places
from gateway.runner.rounds import ended, round_of
from gateway.runner.run import CommandFailed, Run
from gateway.runner.sending import lanes, width
from gateway.runner.services import Services
from gateway.runner.targets import join_remote
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
        made = await self._compiled()
        self._run = run = await self._begin(bound(made, self.means.loaded), place)
        await self._settle(run)
        async with noted(run.moving, run.services.ledger, run.services.clock):
            problem = await self._send(run, made)
        await self._leave_changed(run)
        sent = await self._require_all(problem)
        if sent:
            await self._mark(run, made)
        await ended(run, None)
        await self._over(is_empty=not sent)

    async def _compiled(self) -> Compiled:
        sent = [Sent(one.source, one.final) async for page in self._pages() for one in page]
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

    async def _send(self, run: Run, made: Compiled) -> GatewayError | None:
        """All that is not there yet, page by page; the first error.  One of the endpoint's ends it."""
        first, number = None, 0
        async with aclosing(self._pages()) as pages:
            async for page in pages:
                wanted = [(number + at, one) for at, one in enumerate(page, 1) if one.delivered_at is None]
                problem = await self._carry(run, [await self._intent(run, made, *each) for each in wanted])
                number, first = number + len(page), first or problem
                if problem is not None and problem.concerns_endpoint:
                    break
        return first

    async def _carry(self, run: Run, intents: Sequence[Intent]) -> GatewayError | None:
        if not intents:
            return None
        find = partial(channel_batches.begun, action_run=run.id, first=intents[0].n, last=intents[-1].n)
        sources = {one.source for one in intents}
        begun = {row.intent.source: row for row in await self._ledger.read(find) if row.intent.source in sources}
        first = _put(run.instance.action.commands[intents[0].command - 1])
        ends = Ends(source=lambda _: self.means.services.local, target=lambda lane: lane.endpoint)
        run.command = intents[0].command
        try:
            await Carrying(run, run.command, first, ends).carry(work_of(intents, begun), lanes(run), width(run))
        except CommandFailed as error:
            return error.cause
        return None

    async def _intent(self, run: Run, made: Compiled, number: int, file: BatchFile) -> Intent:
        """What is intended for a file, as its PUT says it."""
        intend = intending(run, number, _put(made.action.commands[number - 1]), len(made.action.commands))
        found = FrozenFile(file.n, file.source, file.relative, leaving.frozen_stamp(file))
        intent = await intend(found, join_remote(run.folder, file.final))
        return replace(intent, sha256=file.sha256 or None, make_dirs=True, packed=Packed(self.row.id, file.n))

    async def _leave_changed(self, run: Run) -> None:
        """An item of which a file that is not there yet is another one now goes out with a later delivery."""
        refused = await self._ledger.read(partial(leaving.refused, run=run.id))
        changed = dict[int, str]()
        async for page in self._pages(lacking=True):
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

    async def _mark(self, run: Run, made: Compiled) -> None:
        """All of it is there: the marker, last."""
        marker = await self._of_batch(channel_batches.marker_of)
        if marker is None or marker.delivered_at is not None:
            return
        content = bytearray()
        async for page in self._pages():
            content += marker_lines(await self._as_they_stand(page), marker.final)
        marker = await asyncio.to_thread(write_marker, self._marker, bytes(content), marker)
        problem = await self._carry(run, [await self._intent(run, made, len(made.action.commands), marker)])
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

    async def _pages(self, *, lacking: bool = False) -> AsyncGenerator[tuple[BatchFile, ...], None]:
        """Its files but for the marker, some at a time: it may have 100,000s."""
        page, after = partial(channel_batches.page, batch=self.row.id, lacking=lacking), 0
        while files := await self._ledger.read(partial(page, after=after)):
            yield files
            after = files[-1].n

    async def _of_batch(self, what: Callable[[Connection, int], T]) -> T:
        return await self._ledger.read(lambda connection: what(connection, self.row.id))

    @property
    def _ledger(self) -> Ledger:
        return self.means.services.ledger


def _put(command: Command) -> Put:
    assert isinstance(command, Put), "a delivery consists of PUTs"
    return command
