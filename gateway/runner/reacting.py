"""Runs the reactions that are due: at least once each, side by side, apart from the runs that caused them."""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog

from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, fault_text
from gateway.core.model import Span
from gateway.language.macros import expand
from gateway.language.nodes import LocalCopy, LocalDelete, LocalReplace, System
from gateway.language.reactions import Joiner, parse_reaction
from gateway.ledger import Connection, checks, reactions
from gateway.ledger.reactions import ReactionRow
from gateway.runner.instance import Instance
from gateway.runner.instance_values import instance_values
from gateway.runner.local_reactions import run_local
from gateway.runner.programs import run_system
from gateway.runner.services import Services

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.5
AT_ONCE = 8


class Reacting:
    """Takes due reactions from the ledger and runs them, at most `AT_ONCE`: one that takes long holds up no other."""

    def __init__(self, services: Callable[[], Services], instance: Callable[[str], Instance], clock: Clock) -> None:
        self._services = services
        self._instance = instance
        self._clock = clock
        self._under_way = 0
        self._seen: tuple[int, int | None] = (-1, None)  # the ledger's version at the last look, what is due next

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                for row in await self._take():
                    group.create_task(self._react(self._services(), row))
                await self._clock.sleep(LOOK_EVERY_S)

    async def look(self) -> int:
        """Run what is due now to its end; how many reactions that were."""
        rows = await self._take()
        async with asyncio.TaskGroup() as group:
            for row in rows:
                group.create_task(self._react(self._services(), row))
        return len(rows)

    async def _take(self) -> tuple[ReactionRow, ...]:
        services = self._services()
        now = services.ledger.now_ns()
        free = AT_ONCE - self._under_way
        version, next_at = services.ledger.version(), self._seen[1]
        if version != self._seen[0]:
            next_at = await services.ledger.read(reactions.next_due)
            self._seen = (version, next_at)
        if next_at is None or next_at > now or not free:
            return ()
        rows = await services.ledger.write(partial(reactions.take, owner=services.owner, now=now, limit=free))
        self._under_way += len(rows)
        return rows

    async def _react(self, services: Services, row: ReactionRow) -> None:
        """A reaction's failure never changes a delivery's state; it is shown, and tried again."""
        at = services.ledger.now_ns
        say = log.bind(action=row.action, reaction=row.id, on=row.event)
        try:
            output = await self._perform(services, row)
        except GatewayError as error:
            say.warning("reaction failed", error=str(error))
            await services.ledger.write(partial(_failed, row=row, error=str(error), at=at()))
        except Exception as fault:  # ours: shown like any other, and the other reactions go on
            say.exception("reaction crashed")
            await services.ledger.write(partial(_failed, row=row, error=fault_text(fault), at=at()))
        else:
            say.info("reaction done")
            await services.ledger.write(partial(reactions.done, found=row.id, output=output, at=at()))
        finally:
            self._under_way -= 1

    async def _perform(self, services: Services, row: ReactionRow) -> str:
        """Every step in turn: `&` runs the next always, `&&` only after success; the first error is raised."""
        instance = self._instance(row.action)
        values = _values(services, instance, row)
        outputs: list[str] = []
        first: GatewayError | None = None
        worked = True
        for step in parse_reaction(row.text, Span(instance.action.path, 1, 1, 1)).steps:
            if step.joiner is Joiner.AFTER_SUCCESS and not worked:
                continue
            try:
                outputs.append(await _step(services, instance, step.command, values, again=row.attempts > 1))
                worked = True
            except GatewayError as error:
                first, worked = first or error, False
        if first is not None:
            raise first
        return "\n".join(outputs)


def _values(services: Services, instance: Instance, row: ReactionRow) -> dict[str, str]:
    """Those of the outcome, as they were then; paths and names as they are now."""
    now = services.clock.now()
    values = instance_values(instance, instance.settings.first, services.configured.macros, row.text, now)
    return {**values, **row.macros}


async def _step(services: Services, instance: Instance, command: object, values: dict[str, str], *, again: bool) -> str:
    if isinstance(command, System):
        return await run_system(services, instance, command, lambda text: expand(text, values))
    assert isinstance(command, LocalCopy | LocalDelete | LocalReplace)
    return await run_local(services, instance, command, values, again=again)


def _failed(connection: Connection, row: ReactionRow, error: str, at: int) -> None:
    """The reaction of an autocheck makes its file due again; others are tried again by themselves."""
    if row.event == "on_check_met" and "file" in row.macros:
        checks.reaction_failed(connection, row.action, row.macros["file"], at)
        reactions.given_up(connection, row.id, error, at)
    else:
        reactions.failed(connection, row, error, at)
