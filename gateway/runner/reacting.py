"""Runs the reactions that are due: at least once each, side by side, apart from the runs that caused them."""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog

from gateway.core.clock import Clock
from gateway.core.errors import GatewayError
from gateway.core.model import Span
from gateway.language.macros import expand
from gateway.language.nodes import LocalCopy, LocalDelete, LocalReplace, System
from gateway.language.reactions import Joiner, parse_reaction
from gateway.ledger import Connection, checks, reactions
from gateway.ledger.reactions import ReactionRow
from gateway.runner.instance import Instance
from gateway.runner.instance_values import instance_values
from gateway.runner.local_reactions import run_local
from gateway.runner.services import Services
from gateway.runner.system import expand_words, is_success, require_allowed, run_program, split_line

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.5
AT_ONCE = 8


class Reacting:
    """Takes due reactions from the ledger and runs them."""

    def __init__(self, services: Callable[[], Services], instance: Callable[[str], Instance], clock: Clock) -> None:
        self._services = services
        self._instance = instance
        self._clock = clock

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            if not await self.look():
                await self._clock.sleep(LOOK_EVERY_S)

    async def look(self) -> int:
        """Run what is due now; how many reactions that were."""
        services = self._services()
        now = services.ledger.now_ns()
        next_at = await services.ledger.read(reactions.next_due)
        if next_at is None or next_at > now:
            return 0
        rows = await services.ledger.write(partial(reactions.take, owner=services.owner, now=now, limit=AT_ONCE))
        async with asyncio.TaskGroup() as group:
            for row in rows:
                group.create_task(self._react(services, row))
        return len(rows)

    async def _react(self, services: Services, row: ReactionRow) -> None:
        """A reaction's failure never changes a delivery's state; it is shown, and tried again."""
        at = services.ledger.now_ns
        try:
            output = await self._perform(services, row)
        except GatewayError as error:
            log.warning("reaction failed", action=row.action, on=row.event, reaction=row.id, error=str(error))
            await services.ledger.write(partial(_failed, row=row, error=str(error), at=at()))
            return
        log.info("reaction done", action=row.action, on=row.event, reaction=row.id)
        await services.ledger.write(partial(reactions.done, found=row.id, output=output, at=at()))

    async def _perform(self, services: Services, row: ReactionRow) -> str:
        """Every step in turn: `&` runs the next always, `&&` only after success; the first error is raised."""
        instance = self._instance(row.action)
        values = {
            **instance_values(
                instance, instance.settings.first, services.configured.macros, row.text, services.clock.now()
            ),
            **row.macros,
        }
        outputs: list[str] = []
        first: GatewayError | None = None
        worked = True
        for step in parse_reaction(row.text, Span(instance.action.path, 1, 1, 1)).steps:
            if step.joiner is Joiner.AFTER_SUCCESS and not worked:
                continue
            try:
                outputs.append(await _step(services, instance, step.command, values))
                worked = True
            except GatewayError as error:
                first, worked = first or error, False
        if first is not None:
            raise first
        return "\n".join(outputs)


async def _step(
    services: Services,
    instance: Instance,
    command: object,
    values: dict[str, str],
) -> str:
    if isinstance(command, System):
        words = expand_words(split_line(command.line.value), lambda text: expand(text, values))
        require_allowed(words, services.configured.allow)
        ended = await run_program(words, folder=instance.root)
        if not is_success(ended.exit_code, command.success_codes):
            raise GatewayError(f"{words[0]!r} ended with code {ended.exit_code}; it last printed: {ended.output!r}")
        return ended.output
    assert isinstance(command, LocalCopy | LocalDelete | LocalReplace)
    return await run_local(services, instance, command, values)


def _failed(connection: Connection, row: ReactionRow, error: str, at: int) -> None:
    """The reaction of an autocheck makes its file due again; others are tried again by themselves."""
    if row.event == "on_check_met" and "file" in row.macros:
        checks.reaction_failed(connection, row.action, row.macros["file"], at)
        reactions.given_up(connection, row.id, error, at)
    else:
        reactions.failed(connection, row, error, at)
