"""Many deliveries in one statement; where one of them can't follow, all are taken back and each goes by itself."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, func, select, text, update
from sqlalchemy.exc import IntegrityError

from gateway.core.errors import GatewayError
from gateway.core.model import Stamp
from gateway.ledger import deliveries
from gateway.ledger.delivery_row import DeliveryRow, State, new_delivery
from gateway.ledger.intent import Intent
from gateway.ledger.ready import Inserts, Ready, Updates, driver_of
from gateway.ledger.tables import delivery

T = TypeVar("T")

_INSERTS, _UPDATES = Inserts(delivery), Updates(delivery)
_THOSE = select(func.json_each(bindparam("those")).table_valued("value").c.value)
_ADVANCE_ALIKE = Ready(update(delivery).where(delivery.c.id.in_(_THOSE), delivery.c.state == bindparam("from_state")))
_LAST = text("SELECT seq FROM sqlite_sequence WHERE name = 'delivery'")


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
    last = connection.execute(_LAST).scalar_one_or_none() or 0  # nobody else writes in this transaction
    first = last + 1  # no id is given twice, whatever was dropped

    def together() -> list[DeliveryRow | GatewayError]:
        rows = [
            new_delivery(
                found, one.intent, one.intent.final, one.before, None, owner, at, name_partial(found, one.intent)
            )
            for found, one in enumerate(wanted, first)
        ]
        _INSERTS.run(connection, [{**deliveries.intended_columns(row), "id": row.id} for row in rows])
        return list(rows)

    def alone(one: Wanted) -> DeliveryRow | GatewayError:
        def named(found: int) -> str:
            return name_partial(found, one.intent)

        try:
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
        except GatewayError as exc:
            return exc  # a statement that is refused changes nothing, so the others stand

    return _in_one(connection, together) or [alone(one) for one in wanted]


def advance_each(
    connection: Connection, found: Sequence[int], source: State, target: State, values: Sequence[Mapping[str, Any]]
) -> list[bool]:
    """Take deliveries from state `source` to `target`, each with values of its own; False for one in another state."""
    pairs = [(one, {**each, "state": target.value}) for one, each in zip(found, values, strict=True)]

    def together() -> list[bool] | None:
        moved = _UPDATES.run(connection, [{"id": one, **each} for one, each in pairs], {"state": source.value})
        return [True] * len(pairs) if moved == len(pairs) else None

    def alone(one: int, each: Mapping[str, Any]) -> bool:
        return deliveries.ADVANCE.run(connection, {**each, "found": one, "from_state": source.value}).rowcount == 1

    return _in_one(connection, together) or [alone(*pair) for pair in pairs]


def advance_alike(
    connection: Connection, found: Sequence[int], source: State, target: State, values: Mapping[str, Any]
) -> list[bool]:
    """The same where all get the same values."""
    fixed = {**values, "state": target.value, "from_state": source.value}

    def together() -> list[bool] | None:
        moved = _ADVANCE_ALIKE.run(connection, {**fixed, "those": json.dumps(found)}).rowcount
        return [True] * len(found) if moved == len(found) else None

    return _in_one(connection, together) or advance_each(connection, found, source, target, [values] * len(found))


def release_all(connection: Connection, found: Sequence[int], owner: int, error: str, error_class: str) -> None:
    """As `deliveries.release` for each."""
    values = {"owner": None, "error": error, "error_class": error_class}
    _UPDATES.run(connection, [{"id": one, **values} for one in found], {"owner": owner})


def _in_one(connection: Connection, together: Callable[[], T | None]) -> T | None:
    """What `together` has done; None, and nothing done, where the statement was refused or did not reach all."""
    driver = driver_of(connection)
    driver.execute("SAVEPOINT bulk")
    try:
        done = together()
    except IntegrityError:
        done = None
    if done is None:
        driver.execute("ROLLBACK TO bulk")
    driver.execute("RELEASE bulk")
    return done
