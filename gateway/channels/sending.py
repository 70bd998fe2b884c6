"""The files of a batch on their way: some at a time, each as its PUT says it, carried as those of any action."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from gateway.channels.leaving import frozen_stamp
from gateway.core.errors import GatewayError
from gateway.language.nodes import Command, Put
from gateway.ledger import Ledger, channel_batches
from gateway.ledger.channel_batches import BatchFile
from gateway.ledger.intent import Intent, Packed
from gateway.ledger.runs import FrozenFile
from gateway.runner.carrying import Carrying
from gateway.runner.intents import intending
from gateway.runner.interrupted import work_of
from gateway.runner.jobs import Ends
from gateway.runner.run import CommandFailed, Run
from gateway.runner.sending import lanes, width
from gateway.runner.targets import join_remote


async def pages(ledger: Ledger, batch: int, *, lacking: bool = False) -> AsyncGenerator[tuple[BatchFile, ...], None]:
    """The files of a batch but for its marker, some at a time: it may have 100,000s.  `lacking`: not there yet."""
    page, after = partial(channel_batches.page, batch=batch, lacking=lacking), 0
    while files := await ledger.read(partial(page, after=after)):
        yield files
        after = files[-1].n


@dataclass(frozen=True, slots=True)
class Sending:
    """In one run of the action that the batch is."""

    run: Run
    batch: int

    async def files(self) -> GatewayError | None:
        """All that is not there yet; the first error.  One of the endpoint's ends it."""
        first, before = None, 0
        async with aclosing(pages(self.run.services.ledger, self.batch)) as found:
            async for page in found:
                numbered = enumerate(page, before + 1)
                problem = await self._carry(
                    [await self._intent(*one) for one in numbered if one[1].delivered_at is None]
                )
                before, first = before + len(page), first or problem
                if problem is not None and problem.concerns_endpoint:
                    break
        return first

    async def marker(self, file: BatchFile) -> GatewayError | None:
        """The last of its files; the error that kept it."""
        return await self._carry([await self._intent(len(self._commands), file)])

    async def _carry(self, intents: Sequence[Intent]) -> GatewayError | None:
        """What a kill left of them is gone on with."""
        if not intents:
            return None
        run, services = self.run, self.run.services
        find = partial(channel_batches.begun, action_run=run.id, first=intents[0].n, last=intents[-1].n)
        sources = {one.source for one in intents}
        begun = {row.intent.source: row for row in await services.ledger.read(find) if row.intent.source in sources}
        ends = Ends(source=lambda _: services.local, target=lambda lane: lane.endpoint)
        run.command = intents[0].command
        try:
            carrying = Carrying(run, run.command, self._put(run.command), ends)
            await carrying.carry(work_of(intents, begun), lanes(run), width(run))
        except CommandFailed as error:
            return error.cause
        return None

    async def _intent(self, number: int, file: BatchFile) -> Intent:
        """What is intended for a file, as its PUT says it."""
        intend = intending(self.run, number, self._put(number), len(self._commands))
        found = FrozenFile(file.n, file.source, file.relative, frozen_stamp(file))
        intent = await intend(found, join_remote(self.run.folder, file.final))
        return replace(intent, sha256=file.sha256 or None, make_dirs=True, packed=Packed(self.batch, file.n))

    @property
    def _commands(self) -> Sequence[Command]:
        return self.run.instance.action.commands

    def _put(self, number: int) -> Put:
        """The command with this number, from 1."""
        command = self._commands[number - 1]
        assert isinstance(command, Put), "a delivery consists of PUTs"
        return command
