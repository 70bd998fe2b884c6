"""One try of a batch: its files carried as those of any action, its marker last, what became of it in its row.

What fails ends here, on this batch: it is tried again at the next time of its kind, or by hand.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from gateway.channels import leaving
from gateway.channels.batches import sent_of
from gateway.channels.compiled import Compiled, bound, compiled
from gateway.channels.freezing import Freezing
from gateway.channels.marker import marker_path, remove_marker, write_marker
from gateway.channels.model import Channel
from gateway.config.loaded import Loaded
from gateway.core.errors import GatewayError, Retryable, fault_text
from gateway.endpoints.place import Place as Address
from gateway.language.nodes import Command, Put
from gateway.ledger import (
    Connection,
    Ledger,
    channel_batches,
    deliveries,
    runs,
)
from gateway.ledger.channel_batches import BatchFile, BatchRow, BatchState
from gateway.ledger.intent import Intent, Packed
from gateway.ledger.runs import FrozenFile
from gateway.runner.carrying import Carrying
from gateway.runner.instance import Instance
from gateway.runner.intents import intending
from gateway.runner.interrupted import recalled, work_of
from gateway.runner.jobs import Ends
from gateway.runner.places import Place, Places
from gateway.runner.rounds import begin_round, ended, round_of
from gateway.runner.run import CommandFailed, Run
from gateway.runner.sending import lanes, width
from gateway.runner.services import Services
from gateway.runner.targets import join_remote
from gateway.transfer.bounded import cleaned

log = structlog.get_logger(__name__)

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
    """One batch that is `delivering`."""

    means: Means
    channel: Channel
    row: BatchRow
    _marker: Path = field(init=False)
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
        self._lacked = False
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
        blind = self.means.loaded.config.endpoints[self.channel.endpoint].case == "ignore"
        self.row = await Freezing(channel=self.channel, row=self.row, ignore_case=blind).freeze(self._ledger)

    async def _try(self, place: Place) -> None:
        files = await self._files()
        made = compiled(self.channel, sent_of(files, str(self._marker)))
        run = await self._begin(bound(made, self.means.loaded), place)
        try:
            await self._settle(run)
            problem = await self._send(run, made, [one for one in files if one.event is not None])
            await self._leave_changed(run)
            sent = await self._require_all(problem)
            await self._mark(run, made, sent)
        except GatewayError as error:
            await cleaned(ended(run, error))
            raise
        await ended(run, None)
        await self._over(is_empty=not sent)

    async def _begin(self, instance: Instance, place: Place) -> Run:
        services, at = self.means.services, self._ledger.now_ns()
        address = _address_of(services.pool.place(instance.endpoint or ""))
        begin = partial(_begin, batch=self.row, instance=instance, address=address, owner=services.owner, at=at)
        self.row = await self._ledger.take(begin)
        assert self.row.action_run is not None
        return round_of(self.row.action_run, instance, services, place)

    async def _settle(self, run: Run) -> None:
        """What an earlier try left between two names comes first; what a kill left of this one is gone on with."""
        work = partial(deliveries.open_deliveries, action=run.instance.name)
        if any(row.intent.run != run.id for row in await self._ledger.read(work)):
            await self.means.settle(run.endpoint)

    async def _send(self, run: Run, made: Compiled, files: Sequence[BatchFile]) -> GatewayError | None:
        """All that is not there yet; the first error."""
        there = {one.n for one in await self._files() if one.delivered_at is not None}
        wanted = [(number, one) for number, one in enumerate(files, 1) if one.n not in there]
        return await self._carry(run, [await self._intent(run, made, *each) for each in wanted])

    async def _carry(self, run: Run, intents: Sequence[Intent]) -> GatewayError | None:
        if not intents:
            return None
        sources = {one.source for one in intents}
        rows = await self._ledger.read(partial(deliveries.of_run, run=run.id))
        begun = {row.intent.source: row for row in rows if row.intent.source in sources}
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
        lacking = [one for one in await self._files() if one.event is not None and one.delivered_at is None]
        refused = await self._ledger.read(partial(leaving.refused, run=run.id))
        changed = await asyncio.to_thread(leaving.changed, lacking, refused)
        if changed:
            at = self._ledger.now_ns()
            await self._ledger.write(
                partial(leaving.leave, batch=self.row.id, channel=self.channel, why=changed, at=at)
            )

    async def _require_all(self, problem: GatewayError | None) -> list[BatchFile]:
        """Its files, all of which are there.  Raises why something of it is not."""
        files = [one for one in await self._files() if one.event is not None]
        lacking = [one for one in files if one.delivered_at is None]
        self._lacked = bool(lacking)
        if not lacking:
            return files
        if problem is None:
            problem = Retryable("another delivery of the same file is not settled yet")
        said = f"{len(lacking)} of {len(files)} files are not there: {problem}"
        raise recalled(type(problem).__name__, said)

    async def _mark(self, run: Run, made: Compiled, sent: Sequence[BatchFile]) -> None:
        """All of it is there: the marker, last."""
        marker = next((one for one in await self._files() if one.event is None), None)
        if marker is None or marker.delivered_at is not None or not sent:
            return
        marker = await asyncio.to_thread(write_marker, self._marker, sent, marker)
        problem = await self._carry(run, [await self._intent(run, made, len(made.action.commands), marker)])
        if problem is not None:
            raise recalled(type(problem).__name__, f"all files are there, but not {marker.final}: {problem}")

    # The end.

    async def _over(self, *, is_empty: bool) -> None:
        state = BatchState.GIVEN_UP if is_empty else BatchState.DELIVERED
        values = {"error": "all of it changed before it was sent" if is_empty else None, "error_class": None}
        await self._write({**values, "state": state.value, "ended_at": self._ledger.now_ns()})
        await asyncio.to_thread(remove_marker, self._marker)
        log.info("delivered to a channel", channel=self.channel.name, batch=self.row.id, kind=self.row.kind)

    async def _failed(self, error: GatewayError) -> None:
        log.warning("delivery of a channel failed", channel=self.channel.name, batch=self.row.id, error=str(error))
        self.row = await self._ledger.write(partial(_fail, batch=self.row, error=error, lacked=self._lacked))

    async def _write(self, values: Mapping[str, Any]) -> None:
        self.row = await self._ledger.write(partial(channel_batches.change, batch=self.row.id, values=values))

    async def _files(self) -> tuple[BatchFile, ...]:
        return await self._ledger.read(partial(channel_batches.files_of, batch=self.row.id))

    @property
    def _ledger(self) -> Ledger:
        return self.means.services.ledger


def _put(command: Command) -> Put:
    assert isinstance(command, Put), "a delivery consists of PUTs"
    return command


def _address_of(place: Address) -> str:
    """What tells two recipients apart."""
    return f"{place.scheme}://{place.user}@{place.host}:{place.port}/{place.folder}"


def _begin(connection: Connection, batch: BatchRow, instance: Instance, address: str, owner: int, at: int) -> BatchRow:
    """The action's run: the one that a kill cut off goes on, else a new one; at another place nothing is there."""
    last = None if batch.action_run is None else runs.get(connection, batch.action_run)
    is_moved = last is not None and (last.endpoint != instance.endpoint or batch.address not in (None, address))
    if is_moved:
        channel_batches.send_anew(connection, batch.id)
    latest = runs.latest_of(connection, instance.name)
    if last is not None and latest is not None and latest.id == last.id and last.state != "ended" and not is_moved:
        runs.adopt(connection, last.id, owner)
        return batch
    found = begin_round(connection, instance, trigger="channel", owner=owner, at=at)
    return channel_batches.change(connection, batch.id, {"action_run": found, "address": address})


def _fail(connection: Connection, batch: BatchRow, error: GatewayError, *, lacked: bool) -> BatchRow:
    """This try is over.  Where files were missing, and none is any more, it goes on: they were settled since."""
    leaving.note_reasons(connection, batch)
    said = {"error": str(error), "error_class": type(error).__name__, "failures": batch.failures + 1}
    failed = channel_batches.change(connection, batch.id, {**said, "state": BatchState.FAILED.value})
    if lacked:
        channel_batches.go_on_if_there(connection, batch.id)
    return channel_batches.get(connection, batch.id) or failed
