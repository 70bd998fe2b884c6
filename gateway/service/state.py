"""How everything is doing: what the gateway that serves says, and what the ledger knows, put together."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import Any

from gateway.channels.model import Channels
from gateway.config.loaded import Loaded
from gateway.core.circuit import circuit_at
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError
from gateway.ledger import Connection, Ledger, endpoints, job_overview, overview, pauses, runs
from gateway.ledger.endpoints import EndpointTrouble
from gateway.ledger.instances import Holder
from gateway.ledger.job_overview import JobStanding
from gateway.ledger.pauses import Pause
from gateway.ledger.runs import RunRow
from gateway.runner.actions import Actions, read_actions
from gateway.runner.instance import Instance
from gateway.scheduler.book import from_ns
from gateway.scheduler.status import ActionStatus, Waiting
from gateway.service.asking import ask
from gateway.service.channel_reading import configured_channels
from gateway.service.channel_standing import ChannelStanding, QueueRows, queue_rows, standing
from gateway.service.reading import SERVE, NothingYet, reading, served_by

_ANSWER_WITHIN_S = 10.0
_QUIET = ("idle", "retry")
"""Words of the scheduler that what the ledger knows may overrule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the ledger knows; `held`, `unsettled` by action and state; `parked`, one of each action's files."""

    held: Mapping[tuple[str, str], int] = field(default_factory=dict)
    parked: Mapping[str, str] = field(default_factory=dict)
    unsettled: Mapping[tuple[str, str], int] = field(default_factory=dict)
    reactions: Mapping[str, int] = field(default_factory=dict)
    troubled: tuple[EndpointTrouble, ...] = ()
    pauses: tuple[Pause, ...] = ()
    latest: Mapping[str, RunRow] = field(default_factory=dict)
    jobs: tuple[JobStanding, ...] = ()
    queues: QueueRows = field(default_factory=QueueRows)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionState:
    """One action.  `word`: run, idle, lag, retry, parked, held, paused, disabled, refused, broken."""

    name: str
    word: str
    why: str = ""
    endpoint: str | None = None
    next_at: datetime | None = None
    running_since: datetime | None = None
    oldest: Waiting | None = None
    files: Mapping[str, int] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()
    parked: int = 0
    parked_file: str | None = None
    held_back: int = 0
    unsettled: Mapping[str, int] = field(default_factory=dict)
    failed_reactions: int = 0
    trouble: EndpointTrouble | None = None
    last_run: RunRow | None = None

    def as_json(self, state: "GatewayState") -> Mapping[str, Any]:
        """For --json."""
        zone, oldest, last, trouble = state.zone, self.oldest, self.last_run, self.trouble
        return {
            "action": self.name,
            "endpoint": self.endpoint,
            "state": self.word,
            "why": self.why or None,
            "served": state.holder is not None,
            "next_at": _iso(self.next_at, zone),
            "running_since": _iso(self.running_since, zone),
            "oldest_file": {"path": oldest.path, "since": _iso(oldest.since, zone), "verdict": oldest.verdict}
            if oldest
            else None,
            "files": dict(self.files),
            "held_back": self.held_back,
            "parked": self.parked,
            "unsettled": dict(self.unsettled),
            "failed_reactions": self.failed_reactions,
            "endpoint_error": trouble.error if trouble else None,
            "endpoint_next_at": _iso_ns(trouble.next_at, zone) if trouble else None,
            "endpoint_circuit": _circuit(trouble, state.now),
            "degraded": list(self.degraded),
            "last_run": {
                "id": last.id,
                "outcome": last.outcome,
                "started_at": _iso_ns(last.started_at, zone),
                "ended_at": _iso_ns(last.ended_at, zone),
                "files": last.files,
                "error": last.error,
            }
            if last
            else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayState:
    """The whole.  `holder` is the process that serves; `silent` why it says nothing although it is there."""

    actions: tuple[ActionState, ...]
    known: Known
    zone: tzinfo
    now: datetime
    channels: tuple[ChannelStanding, ...] = ()
    holder: Holder | None = None
    silent: str | None = None
    ledger_trouble: str | None = None

    def of(self, action: str) -> "GatewayState":
        """Only one action, or the instances of it."""
        mine = tuple(one for one in self.actions if action in (one.name, one.name.partition("@")[0]))
        return replace(self, actions=mine)


def _iso(at: datetime | None, zone: tzinfo) -> str | None:
    return None if at is None else at.astimezone(zone).isoformat(timespec="milliseconds")


def _iso_ns(at: int | None, zone: tzinfo) -> str | None:
    return None if at is None else _iso(from_ns(at), zone)


def _circuit(trouble: EndpointTrouble | None, now: datetime) -> str | None:
    if trouble is None:
        return None
    return circuit_at(None if trouble.next_at is None else from_ns(trouble.next_at), now).value


async def gather(loaded: Loaded, clock: Clock) -> GatewayState:
    """Ask whom there is to ask."""
    actions = await asyncio.to_thread(read_actions, loaded)
    channels = await configured_channels(loaded)
    holder = await served_by(loaded)
    holder = holder if holder is not None and holder.what == SERVE else None
    try:
        async with reading(loaded, clock) as ledger:
            known = await ledger.read(partial(_known, channels=channels, now=ledger.now_ns()))
            answer, silent = await _asked(ledger, clock) if holder else ({}, None)
            trouble = answer.get("trouble") or (str(ledger.trouble) if ledger.trouble else None)
    except NothingYet:
        known, answer, silent, trouble = Known(), {}, None, None
    return GatewayState(
        actions=_merged(actions, answer, known),
        known=known,
        zone=loaded.zone(),
        now=clock.now(),
        channels=standing(channels, known.queues, clock.now()),
        holder=holder,
        silent=silent if silent != trouble else None,
        ledger_trouble=trouble,
    )


async def _asked(ledger: Ledger, clock: Clock) -> tuple[Mapping[str, Any], str | None]:
    try:
        return await ask(ledger, clock, "status", {}, limit_s=_ANSWER_WITHIN_S), None
    except GatewayError as error:
        return {}, str(error)


def _known(connection: Connection, channels: Channels, now: int) -> Known:
    return Known(
        held=overview.held_counts(connection),
        parked=overview.parked_sources(connection),
        unsettled=overview.unsettled_counts(connection),
        reactions=overview.reaction_counts(connection),
        troubled=endpoints.troubled(connection),
        pauses=pauses.paused(connection, now),
        latest=runs.latest(connection),
        jobs=job_overview.standing(connection),
        queues=queue_rows(connection, channels) if channels.channels else QueueRows(),
    )


def _merged(actions: Actions, answer: Mapping[str, Any], known: Known) -> tuple[ActionState, ...]:
    """What serves knows its actions; without it, the scripts as they are now."""
    broken = answer["broken"] if "broken" in answer else {name: str(found) for name, found in actions.broken.items()}
    told = [_read_status(row) for row in answer.get("actions", ())]
    if "actions" not in answer:
        told = [_status_from(one, known) for one in actions.instances.values()]
    states = [_with_ledger(one, known) for one in told]
    states += [ActionState(name=name, word="broken", why=why) for name, why in broken.items()]
    return tuple(sorted(states, key=lambda one: one.name))


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
    scopes = ("all", f"action:{instance.name}", f"action:{instance.action.name}", f"endpoint:{instance.endpoint}")
    pause = next((one for one in known.pauses if one.scope in scopes), None)
    if pause is not None:
        return ActionStatus(
            name=instance.name, word="paused", why=f"{pause.scope} is paused", endpoint=instance.endpoint
        )
    return ActionStatus(name=instance.name, word="idle", endpoint=instance.endpoint)


def _with_ledger(told: ActionStatus, known: Known) -> ActionState:
    """A person must know of what waits for one, whatever else the action does."""
    name = told.name
    unsettled = {state: count for (action, state), count in known.unsettled.items() if action == name}
    trouble = next((one for one in known.troubled if one.endpoint == told.endpoint), None)
    state = ActionState(
        **{key: getattr(told, key) for key in asdict(told) if key != "oldest"},
        oldest=told.oldest,
        parked=known.held.get((name, "parked"), 0),
        parked_file=known.parked.get(name),
        held_back=known.held.get((name, "held_back"), 0),
        unsettled=unsettled,
        failed_reactions=known.reactions.get(name, 0),
        trouble=trouble,
        last_run=known.latest.get(name),
    )
    word, why = _overruled(state) if told.word in _QUIET else (told.word, told.why)
    return replace(state, word=word, why=why)


def _overruled(state: ActionState) -> tuple[str, str]:
    waits = {key: state.unsettled[key] for key in ("held", "delete_failed") if key in state.unsettled}
    if state.parked or waits:
        parts = [f"{state.parked} parked"] if state.parked else []
        return "parked", ", ".join(parts + [f"{count} {key.replace('_', ' ')}" for key, count in waits.items()])
    if state.word == "idle" and state.held_back:
        return "retry", f"{state.held_back} held back"
    return state.word, state.why


def since(at: datetime, now: datetime) -> timedelta:
    """How long ago, never negative."""
    return max(now - at, timedelta(0))
