"""How one action is doing: what its scheduler says, and what the ledger knows, which may overrule it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.ledger.endpoints import EndpointTrouble
from gateway.ledger.job_overview import JobStanding
from gateway.ledger.pauses import Pause
from gateway.ledger.runs import RunRow
from gateway.scheduler.status import ActionStatus
from gateway.service.channel_standing import QueueRows
from gateway.service.left_open import CUT_OFF, Stuck
from gateway.service.sending import Sending

_QUIET = ("idle", "retry")
"""Words of the scheduler that what the ledger knows may overrule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the ledger knows; `sources`, `unsettled` by action and state; `parked`, one of each action's files.

    `held`: some process has the state folder; else a run that is not over was cut off.  `scheduled`: a gateway serves.
    """

    sources: Mapping[tuple[str, str], int] = field(default_factory=dict)
    parked: Mapping[str, str] = field(default_factory=dict)
    unsettled: Mapping[tuple[str, str], int] = field(default_factory=dict)
    reactions: Mapping[str, int] = field(default_factory=dict)
    troubled: tuple[EndpointTrouble, ...] = ()
    pauses: tuple[Pause, ...] = ()
    latest: Mapping[str, RunRow] = field(default_factory=dict)
    jobs: tuple[JobStanding, ...] = ()
    queues: QueueRows = field(default_factory=QueueRows)
    stuck: tuple[Stuck, ...] = ()
    sending: tuple[Sending, ...] = ()
    held: bool = True
    scheduled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionState:
    """One action.

    `told` is what its scheduler says, its word overruled by what the ledger knows: run, idle, lag, retry, failed,
    stuck, interrupted, parked, paused, disabled, refused, broken.
    `cut_off`: the last run was, and nobody has gone on with it; `stuck` are files that nobody carries.
    """

    told: ActionStatus
    parked: int = 0
    parked_file: str | None = None
    held_back: int = 0
    unsettled: Mapping[str, int] = field(default_factory=dict)
    failed_reactions: int = 0
    trouble: EndpointTrouble | None = None
    last_run: RunRow | None = None
    cut_off: bool = False
    stuck: tuple[Stuck, ...] = ()
    sending: tuple[Sending, ...] = ()


def with_ledger(told: ActionStatus, known: Known) -> ActionState:
    """A person must know of what waits for one, whatever else the action does."""
    name = told.name
    unsettled = {state: count for (action, state), count in known.unsettled.items() if action == name}
    trouble = next((one for one in known.troubled if one.endpoint == told.endpoint), None)
    last = known.latest.get(name)
    state = ActionState(
        told=told,
        parked=known.sources.get((name, "parked"), 0),
        parked_file=known.parked.get(name),
        held_back=known.sources.get((name, "held_back"), 0),
        unsettled=unsettled,
        failed_reactions=known.reactions.get(name, 0),
        trouble=trouble,
        last_run=last,
        cut_off=last is not None and last.state != "ended" and not known.held,
        sending=tuple(one for one in known.sending if one.row.intent.action == name) if known.held else (),
        stuck=tuple(one for one in known.stuck if one.row.intent.action == name and one.row.state in CUT_OFF),
    )
    if told.word not in _QUIET:
        return state
    word, why = _overruled(state, scheduled=known.scheduled)
    return replace(state, told=replace(told, word=word, why=why))


def _overruled(state: ActionState, *, scheduled: bool) -> tuple[str, str]:
    told, last = state.told, state.last_run
    if last is not None and last.state != "ended" and not scheduled:
        return ("interrupted", f"run {last.id} was cut off") if state.cut_off else ("run", "")
    waits = {key: state.unsettled[key] for key in ("held", "delete_failed") if key in state.unsettled}
    if state.parked or waits:
        parts = [f"{state.parked} parked"] if state.parked else []
        return "parked", ", ".join(parts + [f"{count} {key.replace('_', ' ')}" for key, count in waits.items()])
    if state.stuck:
        return "stuck", str(state.stuck[0])
    if told.word == "idle" and state.held_back:
        return "retry", f"{state.held_back} held back"
    if told.word == "idle" and last is not None and last.outcome == "failed":
        return "idle" if scheduled else "failed", f"its last run failed: {last.error}"
    return told.word, told.why
