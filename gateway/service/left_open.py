"""Deliveries of an action that are not over and that nobody carries: which file is stuck, and what holds it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gateway.core.errors import NeedsOperator, Retryable
from gateway.ledger import Connection, deliveries, endpoints, overview
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.endpoints import EndpointTrouble
from gateway.service.failures import exit_code_of

CUT_OFF = (State.INTENDED, State.PLACING, State.SWAPPING)
"""States of a delivery whose file is not there."""

ARRIVED = (State.DONE, State.AWAITING, State.DELIVERED, State.DELETE_FAILED)
"""States of a delivery whose file is there."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """A delivery that nobody goes on with; `why` is the endpoint's error, or else its own.

    `untried`: nobody has met an error since it was cut off.
    """

    row: DeliveryRow
    why: str
    error_class: str | None
    untried: bool = False

    @property
    def exit_code(self) -> int:
        """That of the error which holds it; else of one that a person, or time, must mend."""
        if self.error_class is not None and (code := exit_code_of(self.error_class)) > 1:
            return code
        return NeedsOperator.exit_code if self.row.state is State.HELD else Retryable.exit_code

    def __str__(self) -> str:
        return f"{self.row.name}: delivery {self.row.id} {_how(self)}: {self.why}"

    @property
    def remedy(self) -> str:
        """What a person can do."""
        if self.untried:
            return f"`gateway run {self.row.intent.action}` goes on with it, or `gateway serve`"
        return f"once that is mended the next run goes on with it; `gateway retry {self.row.id}` tries at once"


def _how(stuck: Stuck) -> str:
    if stuck.row.state is State.HELD:
        return "is held"
    if stuck.row.state in ARRIVED:
        return "has arrived, but is not over"
    return "was interrupted" if stuck.untried else "was interrupted and can't go on"


def stuck_of(connection: Connection, action: str | None = None, *, held: bool = True) -> tuple[Stuck, ...]:
    """What is stuck of an action, or of all; `held`: some process has the state folder."""
    troubles = {one.endpoint: one for one in endpoints.troubled(connection)}
    rows = overview.left_alone(connection, held=held)
    return tuple(_stuck(row, troubles.get(row.intent.endpoint)) for row in rows if _is_of(row, action))


def interrupted_of(connection: Connection, *, held: bool) -> Mapping[int, Stuck]:
    """Those that were cut off, by delivery; likewise."""
    return {one.row.id: one for one in stuck_of(connection, held=held) if one.row.state in CUT_OFF}


def _is_of(row: DeliveryRow, action: str | None) -> bool:
    """Told here and not by the query: open ones are few, those of an action may be all that ever were."""
    return action in (None, row.intent.action)


def _stuck(row: DeliveryRow, trouble: EndpointTrouble | None) -> Stuck:
    if trouble is not None and row.state is not State.HELD:
        return Stuck(row, trouble.error, trouble.error_class)
    if row.error is None:
        return Stuck(row, "nobody has gone on with it yet", None, untried=True)
    return Stuck(row, row.error, row.error_class)


def open_ids(connection: Connection, action: str) -> tuple[int, ...]:
    """The deliveries of an action that are not over, but for those that only wait for an answer."""
    rows = deliveries.open_deliveries(connection)
    return tuple(row.id for row in rows if _is_of(row, action) and row.state is not State.AWAITING)


def arrived(connection: Connection, found: Collection[int]) -> tuple[DeliveryRow, ...]:
    """Those of `found` whose file is there meanwhile."""
    rows = (deliveries.get(connection, one) for one in found)
    return tuple(row for row in rows if row is not None and row.state in ARRIVED)
