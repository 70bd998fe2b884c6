"""One delivery as the ledger knows it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping

from gateway.core.model import Stamp
from gateway.ledger.intent import Intent, read_intent
from gateway.ledger.rows import from_row
from gateway.ledger.stamps import read_stamp


class State(StrEnum):
    """Where a delivery is; the arrows stand at the table."""

    INTENDED = "intended"
    PLACING = "placing"
    SWAPPING = "swapping"
    DELIVERED = "delivered"
    AWAITING = "awaiting"
    HELD = "held"
    DONE = "done"
    PARKED = "parked"
    FAILED = "failed"
    SKIPPED = "skipped"
    DELETE_FAILED = "delete_failed"


OPEN = (State.INTENDED, State.PLACING, State.SWAPPING, State.DELIVERED, State.AWAITING, State.HELD)
"""Not over: whoever owns it must bring it to an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """What was intended, and how far it got.  Times are nanoseconds since the epoch."""

    id: int
    intent: Intent
    state: State
    final: str  # the name it takes; another than intent.final where -UNI chose it
    partial: str
    starts: int
    before: Stamp | None  # what stood under the final name when it was intended
    noted: Stamp | None  # what the finished partial showed
    backup: str | None
    size: int | None
    sha256: str | None
    offset: int | None
    verified: str | None
    placed: str | None
    owner: int | None
    attempts: int
    started_at: int
    delivered_at: int | None
    finished_at: int | None
    error: str | None
    error_class: str | None
    notes: tuple[str, ...]
    sent_as: str | None  # where the source waits in the sentbox

    @property
    def name(self) -> str:
        """The source's last part; of a file that is sent again from the sentbox the one that it had before."""
        folder, _, name = self.intent.source.rpartition("/")
        in_sentbox = self.intent.sentbox is not None and folder == self.intent.sentbox.rstrip("/")
        return name.partition("-")[2] if in_sentbox else name


def read_delivery(row: RowMapping) -> DeliveryRow:
    """The frozen value of a row of the delivery table."""
    return from_row(
        DeliveryRow,
        row,
        intent=read_intent(row),
        state=State(row["state"]),
        before=read_stamp("before", row),
        noted=read_stamp("partial", row),
        notes=tuple(json.loads(row["notes"])),
    )


def new_delivery(
    found: int,
    intent: Intent,
    final: str,
    before: Stamp | None,
    offset: int | None,
    owner: int,
    at: int,
    partial: str = "",
) -> DeliveryRow:
    """The row of a delivery that was just intended."""
    return DeliveryRow(
        id=found, intent=intent, state=State.INTENDED, final=final, partial=partial, starts=1, before=before,
        noted=None, backup=None, size=None, sha256=None, offset=offset, verified=None, placed=None, owner=owner,
        attempts=1, started_at=at, delivered_at=None, finished_at=None, error=None, error_class=None,
        notes=(intent.note,) if intent.note else (),
        sent_as=None,
    )  # fmt: skip


def changed_delivery(row: DeliveryRow, state: State, values: Mapping[str, Any]) -> DeliveryRow:
    """The row as it reads once `values` (columns of its table) are set."""
    changes: dict[str, Any] = {name: value for name, value in values.items() if name in _FIELDS}
    if "before_size" in values:
        changes["before"] = read_stamp("before", values)
    if "partial_size" in values:
        changes["noted"] = read_stamp("partial", values)
    if "notes" in values:
        changes["notes"] = tuple(json.loads(values["notes"]))
    return replace(row, state=state, **changes)


_FIELDS = frozenset(field.name for field in fields(DeliveryRow)) - {"intent", "state", "before", "noted", "notes"}
