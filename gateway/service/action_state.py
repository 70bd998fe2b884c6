"""How one action is doing: what its scheduler says, and what the ledger knows, which may overrule it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from gateway.core.circuit import circuit_at
from gateway.ledger.endpoints import EndpointTrouble
from gateway.ledger.job_overview import JobStanding
from gateway.ledger.pauses import Pause
from gateway.ledger.runs import RunRow
from gateway.scheduler.book import from_ns
from gateway.scheduler.status import ActionStatus, Waiting
from gateway.service.channel_standing import QueueRows
from gateway.service.left_open import CUT_OFF, Stuck
from gateway.service.sending import Sending

if TYPE_CHECKING:
    from gateway.service.state import GatewayState

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

    `word`: run, idle, lag, retry, failed, stuck, interrupted, parked, paused, disabled, refused, broken.
    `cut_off`: the last run was, and nobody has gone on with it; `stuck` are files that nobody carries.
    """

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
    cut_off: bool = False
    stuck: tuple[Stuck, ...] = ()
    sending: tuple[Sending, ...] = ()

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
            "stuck": [{"delivery": one.row.id, "file": one.row.name, "error": one.why} for one in self.stuck],
            "moving": [
                {
                    "delivery": one.row.id,
                    "file": one.row.name,
                    "bytes": one.sent_bytes,
                    "size_bytes": one.row.intent.stamp.size_bytes,
                }
                for one in self.sending
            ],
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


def _iso(at: datetime | None, zone: tzinfo) -> str | None:
    return None if at is None else at.astimezone(zone).isoformat(timespec="milliseconds")


def _iso_ns(at: int | None, zone: tzinfo) -> str | None:
    return None if at is None else _iso(from_ns(at), zone)


def _circuit(trouble: EndpointTrouble | None, now: datetime) -> str | None:
    if trouble is None:
        return None
    return circuit_at(None if trouble.next_at is None else from_ns(trouble.next_at), now).value


def with_ledger(told: ActionStatus, known: Known) -> ActionState:
    """A person must know of what waits for one, whatever else the action does."""
    name = told.name
    unsettled = {state: count for (action, state), count in known.unsettled.items() if action == name}
    trouble = next((one for one in known.troubled if one.endpoint == told.endpoint), None)
    last = known.latest.get(name)
    state = ActionState(
        **{key: getattr(told, key) for key in asdict(told) if key != "oldest"},
        oldest=told.oldest,
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
    word, why = _overruled(state, scheduled=known.scheduled) if told.word in _QUIET else (told.word, told.why)
    return replace(state, word=word, why=why)


def _overruled(state: ActionState, *, scheduled: bool) -> tuple[str, str]:
    last = state.last_run
    if last is not None and last.state != "ended" and not scheduled:
        return ("interrupted", f"run {last.id} was cut off") if state.cut_off else ("run", "")
    waits = {key: state.unsettled[key] for key in ("held", "delete_failed") if key in state.unsettled}
    if state.parked or waits:
        parts = [f"{state.parked} parked"] if state.parked else []
        return "parked", ", ".join(parts + [f"{count} {key.replace('_', ' ')}" for key, count in waits.items()])
    if state.stuck:
        return "stuck", str(state.stuck[0])
    if state.word == "idle" and state.held_back:
        return "retry", f"{state.held_back} held back"
    if state.word == "idle" and last is not None and last.outcome == "failed":
        return "idle" if scheduled else "failed", f"its last run failed: {last.error}"
    return state.word, state.why
