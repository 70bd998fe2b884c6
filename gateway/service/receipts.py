"""What the ledger says of a delivery or a run, as programs read it: names as documented, times ISO 8601 with offset."""

from collections.abc import Collection, Mapping, Sequence
from datetime import tzinfo

from gateway.core.moments import iso
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.runs import RunRow

Cell = str | int | Sequence[str] | None
Receipt = Mapping[str, Cell]

FIELDS = (
    "id", "run", "action", "endpoint", "command", "source", "final", "size_bytes", "sha256", "state", "verified",
    "attempts", "started_at", "finished_at", "error",
)  # fmt: skip
"""What `history --json` shows."""

DELIVERY_COLUMNS = (*FIELDS, "verb", "n", "of", "delivered_at", "final_seen", "in_place", "kept_as", "notes")
"""What an export holds: all that a receipt needs, on its own."""

RUN_COLUMNS = (
    "id", "action", "endpoint", "trigger", "state", "outcome", "files", "failed_files", "size_bytes", "started_at",
    "ended_at", "error", "notes",
)  # fmt: skip


def receipt(row: DeliveryRow, parked: Collection[int], zone: tzinfo) -> Receipt:
    """The fields of `FIELDS`; `parked` are the ids of failed deliveries whose source is parked."""
    intent = row.intent
    return {
        "id": row.id,
        "run": intent.run,
        "action": intent.action,
        "endpoint": intent.endpoint or None,
        "command": intent.command,
        "source": intent.source,
        "final": row.final,
        "size_bytes": row.size if row.size is not None else intent.stamp.size_bytes,
        "sha256": row.sha256,
        "state": "parked" if row.state is State.FAILED and row.id in parked else row.state.value,
        "verified": row.verified,
        "attempts": row.attempts,
        "started_at": iso(row.started_at, zone),
        "finished_at": iso(row.finished_at, zone),
        "error": row.error,
    }


def whole_receipt(row: DeliveryRow, parked: Collection[int], zone: tzinfo) -> Receipt:
    """The fields of `DELIVERY_COLUMNS`: also what was seen under the final name, and where the source is kept."""
    return {
        **receipt(row, parked, zone),
        "verb": row.intent.verb,
        "n": row.intent.n,
        "of": row.intent.of,
        "delivered_at": iso(row.delivered_at, zone),
        "final_seen": row.placed,
        "in_place": "yes" if row.intent.inplace or row.offset is not None else "no",
        "kept_as": row.sent_as,
        "notes": list(row.notes),
    }


def run_receipt(row: RunRow, zone: tzinfo) -> Receipt:
    """The fields of `RUN_COLUMNS`."""
    return {
        "id": row.id,
        "action": row.action,
        "endpoint": row.endpoint,
        "trigger": row.trigger,
        "state": row.state,
        "outcome": row.outcome,
        "files": row.files,
        "failed_files": row.failed_files,
        "size_bytes": row.size_bytes,
        "started_at": iso(row.started_at, zone),
        "ended_at": iso(row.ended_at, zone),
        "error": row.error,
        "notes": list(row.notes),
    }
