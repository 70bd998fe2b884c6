"""How everything is doing: what the gateway that serves says, and what the ledger knows, put together."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import Any

from gateway.channels.model import Channels
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError
from gateway.ledger import Connection, Ledger, endpoints, job_overview, overview, pauses, runs
from gateway.ledger.instances import Holder
from gateway.runner.actions import Actions, read_actions
from gateway.runner.instance import Instance
from gateway.scheduler.pauses import scopes_of, shown_scope
from gateway.scheduler.status import ActionStatus, Waiting
from gateway.service.action_state import ActionState, Known, with_ledger
from gateway.service.asking import ask, newer
from gateway.service.channel_reading import configured_channels
from gateway.service.channel_standing import ChannelStanding, QueueRows, queue_rows, standing
from gateway.service.left_open import stuck_of
from gateway.service.newer import Newer
from gateway.service.reading import SERVE, NothingYet, reading, served_by
from gateway.service.sending import sending

_ANSWER_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayState:
    """The whole.  `holder` is the process that serves; `silent` why it says nothing although it is there.

    `newer` are files that were changed since it read them.
    """

    actions: tuple[ActionState, ...]
    known: Known
    zone: tzinfo
    now: datetime
    channels: tuple[ChannelStanding, ...] = ()
    holder: Holder | None = None
    silent: str | None = None
    ledger_trouble: str | None = None
    newer: tuple[str, ...] = ()

    def of(self, action: str) -> "GatewayState":
        """Only one action, or the instances of it."""
        mine = tuple(one for one in self.actions if action in (one.told.name, one.told.name.partition("@")[0]))
        return replace(self, actions=mine)


async def gather(loaded: Loaded, clock: Clock) -> GatewayState:
    """Ask whom there is to ask."""
    actions = await asyncio.to_thread(read_actions, loaded)
    channels = await configured_channels(loaded)
    holds = await served_by(loaded)
    holder = holds if holds is not None and holds.what == SERVE else None
    try:
        async with reading(loaded, clock) as ledger:
            known = await ledger.read(partial(_known, channels=channels, now=ledger.now_ns(), held=holds is not None))
            known = replace(known, scheduled=holder is not None)
            answer, silent = await _asked(ledger, clock) if holder else ({}, None)
            changed = await newer(ledger, clock) if holder and silent is None and loaded.is_whole else Newer()
            trouble = answer.get("trouble") or (str(ledger.trouble) if ledger.trouble else None)
    except NothingYet:
        known, answer, silent, trouble, changed = Known(), {}, None, None, Newer()
    return GatewayState(
        actions=_merged(actions, answer, known),
        known=known,
        zone=loaded.zone(),
        now=clock.now(),
        channels=standing(channels, known.queues, clock.now()),
        holder=holder,
        silent=silent if silent != trouble else None,
        ledger_trouble=trouble,
        newer=changed.lines,
    )


async def _asked(ledger: Ledger, clock: Clock) -> tuple[Mapping[str, Any], str | None]:
    try:
        return await ask(ledger, clock, "status", {}, limit_s=_ANSWER_WITHIN_S), None
    except GatewayError as error:
        return {}, str(error)


def _known(connection: Connection, channels: Channels, now: int, *, held: bool) -> Known:
    return Known(
        sources=overview.held_counts(connection),
        parked=overview.parked_sources(connection),
        unsettled=overview.unsettled_counts(connection),
        reactions=overview.reaction_counts(connection),
        troubled=endpoints.troubled(connection),
        pauses=pauses.paused(connection, now),
        latest=runs.latest(connection),
        jobs=job_overview.standing(connection),
        queues=queue_rows(connection, channels) if channels.channels else QueueRows(),
        stuck=stuck_of(connection, held=held),
        sending=sending(connection),
        held=held,
    )


def _merged(actions: Actions, answer: Mapping[str, Any], known: Known) -> tuple[ActionState, ...]:
    """What serves knows its actions; without it, the scripts as they are now."""
    broken = answer["broken"] if "broken" in answer else {name: str(found) for name, found in actions.broken.items()}
    told = [_read_status(row) for row in answer.get("actions", ())]
    if "actions" not in answer:
        told = [_status_from(one, known) for one in actions.instances.values()]
    states = [with_ledger(one, known) for one in told]
    states += [ActionState(told=ActionStatus(name=name, word="broken", why=why)) for name, why in broken.items()]
    return tuple(sorted(states, key=lambda one: one.told.name))


def _read_status(row: Mapping[str, Any]) -> ActionStatus:
    oldest = row["oldest"]
    return ActionStatus(
        name=row["name"],
        word=row["word"],
        why=row["why"],
        endpoint=row["endpoint"],
        next_at=_moment(row["next_at"]),
        running_since=_moment(row["running_since"]),
        oldest=Waiting(oldest["path"], datetime.fromisoformat(oldest["since"]), oldest["verdict"]) if oldest else None,
        files=row["files"],
        degraded=tuple(row["degraded"]),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _status_from(instance: Instance, known: Known) -> ActionStatus:
    """What can be said of an action that nobody schedules."""
    if not instance.settings.enabled:
        return ActionStatus(name=instance.name, word="disabled", why="@enabled no", endpoint=instance.endpoint)
    pause = next((one for one in known.pauses if one.scope in scopes_of(instance)), None)
    if pause is not None:
        why = f"{shown_scope(pause.scope)} is paused"
        return ActionStatus(name=instance.name, word="paused", why=why, endpoint=instance.endpoint)
    return ActionStatus(name=instance.name, word="idle", endpoint=instance.endpoint)


def since(at: datetime, now: datetime) -> timedelta:
    """How long ago, never negative."""
    return max(now - at, timedelta(0))
