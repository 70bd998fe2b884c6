"""Files that are carried together: what each of them has so far, and what their caller lends."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.config.schema import Verify
from gateway.core.model import Entry
from gateway.endpoints.base import BulkSource, BulkTarget, Endpoint, Laid, Whole
from gateway.language.nodes import Taken
from gateway.ledger import Ledger
from gateway.ledger.delivery_row import DeliveryRow
from gateway.transfer.intent import Hooks, Intent

SMALL_BYTES = 1024 * 1024
"""The largest file that is held in memory whole."""


def fits(intent: Intent) -> bool:
    """True for a small file that takes its name as most do; all others go by themselves."""
    special = intent.inplace or intent.awaits_answer or intent.zip or intent.unzip or intent.member_of
    special = special or intent.executable or intent.archive
    plain = intent.mode is Taken.REPLACE and intent.verify is not Verify.READBACK and not special
    return plain and intent.stamp.size_bytes <= SMALL_BYTES


class Turn(Protocol):
    """When files that follow each other may take their names; as `InLine`, for all of them at once."""

    async def before_placing(self) -> None:
        """Return when it may be recorded that they take their names."""
        ...

    async def before_rename(self) -> None:
        """Return when their renames may be sent."""
        ...

    def renames_sent(self) -> None:
        """Their renames are sent before anything else happens."""
        ...


@dataclass(slots=True, eq=False)
class Aboard:
    """One file on its way with others; `number` is its place in the command."""

    number: int
    intent: Intent
    _row: DeliveryRow | None = None
    _whole: Whole | None = None
    before: Entry | None = None
    laid: Laid | None = None
    proved: Mapping[str, Any] = field(default_factory=dict)
    """The columns of `placing`."""

    @property
    def delivery(self) -> int | None:
        """Its id once it is intended."""
        return None if self._row is None else self._row.id

    @property
    def row(self) -> DeliveryRow:
        """What the ledger says of it, once it is intended."""
        assert self._row is not None, "it was intended"
        return self._row

    @row.setter
    def row(self, row: DeliveryRow) -> None:
        self._row = row

    @property
    def whole(self) -> Whole:
        """Its bytes, once they are read."""
        assert self._whole is not None, "it was read"
        return self._whole

    @whole.setter
    def whole(self, whole: Whole) -> None:
        self._whole = whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """What the caller lends: the two ends, asked by `takes` and `lays`; `turns` parts files that may go at once.

    `left` takes a file that is to be brought on by itself, `delivered` one that is done: at once, on the loop.
    """

    source: Endpoint
    target: Endpoint
    takes: BulkSource
    lays: BulkTarget
    ledger: Ledger
    owner: int
    hooks: Hooks
    turns: Callable[[Sequence[int]], Sequence[tuple[slice, Turn]]]
    left: Callable[[Aboard], None]
    delivered: Callable[[DeliveryRow, Aboard], None]
