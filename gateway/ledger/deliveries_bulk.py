"""Many deliveries in one statement; where one of them can't follow, all are taken back and each goes by itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.core.errors import GatewayError
from gateway.core.model import Stamp
from gateway.ledger import deliveries
from gateway.ledger.delivery_row import DeliveryRow, State, changed_delivery, new_delivery
from gateway.ledger.intent import Intent
from gateway.ledger.ready import Ready, driver_of
from gateway.ledger.tables import delivery

T = TypeVar("T")

_INSERT = Ready(insert(delivery))
_ADVANCE = Ready(
    update(delivery).where(delivery.c.id == bindparam("found"), delivery.c.state == bindparam("from_state"))
)
_RELEASE = Ready(update(delivery).where(delivery.c.id == bindparam("found"), delivery.c.owner == bindparam("mine")))
_LAST = select(func.max(delivery.c.id))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A delivery to be intended: `before` is what stands under its final name."""

    intent: Intent
    before: Stamp | None


def intend_all(
    connection: Connection,
    wanted: Sequence[Wanted],
    *,
    owner: int,
    at: int,
    name_partial: Callable[[int, Intent], str],
) -> list[DeliveryRow | GatewayError]:
    """As `deliveries.intend` for each, its final name as wanted; SourceBusy and FinalBusy are answers."""
    first = int(connection.execute(_LAST).scalar_one() or 0) + 1  # nobody else writes in this transaction

    def together() -> list[DeliveryRow | GatewayError]:
        made = [_new(found, one, owner, at, name_partial) for found, one in enumerate(wanted, first)]
        _INSERT.run_all(connection, [values for values, _ in made])
        return [row for _, row in made]

    def alone(one: Wanted) -> DeliveryRow:
        def named(found: int) -> str:
            return name_partial(found, one.intent)

        return deliveries.intend(
            connection,
            one.intent,
            final=one.intent.final,
            before=one.before,
            offset=None,
            owner=owner,
            at=at,
            name_partial=named,
        )

    return _together_or_alone(connection, together, [partial(alone, one) for one in wanted])


def _new(
    found: int, one: Wanted, owner: int, at: int, name_partial: Callable[[int, Intent], str]
) -> tuple[dict[str, Any], DeliveryRow]:
    intent = one.intent
    named = name_partial(found, intent)
    values = deliveries.intended_columns(intent, intent.final, one.before, None, owner, at)
    row = new_delivery(found, intent, intent.final, one.before, None, owner, at)
    return {**values, "id": found, "partial": named}, replace(row, partial=named)


def advance_all(
    connection: Connection, rows: Sequence[DeliveryRow], target: State, values: Sequence[Mapping[str, Any]]
) -> list[DeliveryRow | GatewayError]:
    """As `deliveries.advance` for each of `rows`, all in one state; StateLost is an answer."""
    pairs = list(zip(rows, values, strict=True))

    def together() -> list[DeliveryRow | GatewayError]:
        fixed = {"state": target.value, "from_state": rows[0].state.value}
        moved = _ADVANCE.run_all(connection, [{**each, **fixed, "found": row.id} for row, each in pairs])
        if moved != len(rows):
            raise _NotAll
        return [changed_delivery(row, target, each) for row, each in pairs]

    alone = [partial(deliveries.advance, connection, row, target, each) for row, each in pairs]
    return _together_or_alone(connection, together, alone)


def release_all(connection: Connection, found: Sequence[int], owner: int, error: str, error_class: str) -> None:
    """As `deliveries.release` for each."""
    values = {"owner": None, "error": error, "error_class": error_class, "mine": owner}
    _RELEASE.run_all(connection, [{**values, "found": one} for one in found])


class _NotAll(GatewayError):
    """Some of the rows were in another state."""


def _together_or_alone(
    connection: Connection,
    together: Callable[[], list[DeliveryRow | GatewayError]],
    alone: Sequence[Callable[[], DeliveryRow]],
) -> list[DeliveryRow | GatewayError]:
    driver = driver_of(connection)
    driver.execute("SAVEPOINT bulk")
    try:
        found = together()
    except (IntegrityError, _NotAll):
        driver.execute("ROLLBACK TO bulk")
        found = [_answer(work) for work in alone]
    driver.execute("RELEASE bulk")
    return found


def _answer(work: Callable[[], DeliveryRow]) -> DeliveryRow | GatewayError:
    """A statement that is refused changes nothing, so the others stand."""
    try:
        return work()
    except GatewayError as exc:
        return exc
