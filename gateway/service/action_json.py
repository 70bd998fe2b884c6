"""How one action is doing, for programs: an object of `gateway status --json`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from gateway.core.circuit import circuit_at
from gateway.core.moments import iso, moment
from gateway.ledger.endpoints import EndpointTrouble
from gateway.ledger.runs import RunRow
from gateway.scheduler.status import Waiting
from gateway.service.action_state import ActionState
from gateway.service.left_open import Stuck
from gateway.service.sending import Sending


def action_json(one: ActionState, *, served: bool, now: datetime, zone: tzinfo) -> Mapping[str, Any]:
    """Times in `zone`; `served`: a gateway serves."""
    told, trouble = one.told, one.trouble
    return {
        "action": told.name,
        "endpoint": told.endpoint,
        "state": told.word,
        "why": told.why or None,
        "served": served,
        "next_at": _iso(told.next_at, zone),
        "running_since": _iso(told.running_since, zone),
        "oldest_file": _oldest(told.oldest, zone) if told.oldest else None,
        "files": dict(told.files),
        "held_back": one.held_back,
        "parked": one.parked,
        "unsettled": dict(one.unsettled),
        "stuck": _stuck(one.stuck),
        "moving": _moving(one.sending),
        "failed_reactions": one.failed_reactions,
        "endpoint_error": trouble.error if trouble else None,
        "endpoint_next_at": iso(trouble.next_at, zone) if trouble else None,
        "endpoint_circuit": _circuit(trouble, now, zone) if trouble else None,
        "degraded": list(told.degraded),
        "last_run": _run(one.last_run, zone) if one.last_run else None,
    }


def _oldest(oldest: Waiting, zone: tzinfo) -> Mapping[str, Any]:
    return {"path": oldest.path, "since": _iso(oldest.since, zone), "verdict": oldest.verdict}


def _stuck(stuck: Sequence[Stuck]) -> list[Mapping[str, Any]]:
    return [{"delivery": one.row.id, "file": one.row.name, "error": one.why} for one in stuck]


def _moving(sending: Sequence[Sending]) -> list[Mapping[str, Any]]:
    return [
        {
            "delivery": one.row.id,
            "file": one.row.name,
            "bytes": one.sent_bytes,
            "size_bytes": one.row.intent.stamp.size_bytes,
        }
        for one in sending
    ]


def _run(run: RunRow, zone: tzinfo) -> Mapping[str, Any]:
    return {
        "id": run.id,
        "outcome": run.outcome,
        "started_at": iso(run.started_at, zone),
        "ended_at": iso(run.ended_at, zone),
        "files": run.files,
        "error": run.error,
    }


def _iso(at: datetime | None, zone: tzinfo) -> str | None:
    return None if at is None else at.astimezone(zone).isoformat(timespec="milliseconds")


def _circuit(trouble: EndpointTrouble, now: datetime, zone: tzinfo) -> str:
    return circuit_at(None if trouble.next_at is None else moment(trouble.next_at, zone), now).value
