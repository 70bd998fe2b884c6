"""PUT+GET: the answers that are waited for, each with its own deadline.  noted -> waiting -> found | missed"""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from gateway.core.model import Stamp
from gateway.ledger.rows import columns_of, from_row
from gateway.ledger.stamps import read_stamp, stamp_columns
from gateway.ledger.tables import awaited


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """One answer.  `before` is what stood under its name before the request was put: only another one counts."""

    delivery: int
    action: str
    endpoint: str
    response: str
    local: str
    before: Stamp | None
    deadline_at: int
    state: str = "noted"


def note(connection: Connection, answer: Awaited) -> None:
    """Record, with the request that is intended, what stands under the answer's name."""
    values = {**columns_of(answer, without=("before",)), **stamp_columns("before", answer.before)}
    connection.execute(insert(awaited).values(values))


def expect(connection: Connection, delivery: int, deadline_at: int) -> None:
    """noted -> waiting: the request is delivered."""
    query = update(awaited).where(awaited.c.delivery == delivery, awaited.c.state == "noted")
    connection.execute(query.values(state="waiting", deadline_at=deadline_at))


def waiting(connection: Connection) -> tuple[Awaited, ...]:
    """The answers that are still waited for, by deadline."""
    query = select(awaited).where(awaited.c.state == "waiting").order_by(awaited.c.deadline_at)
    return tuple(
        from_row(Awaited, row, before=read_stamp("before", row)) for row in connection.execute(query).mappings()
    )


def over(connection: Connection, delivery: int, state: str, answer: int | None = None) -> bool:
    """waiting -> found or missed; False if it was over before."""
    query = update(awaited).where(awaited.c.delivery == delivery, awaited.c.state == "waiting")
    return connection.execute(query.values(state=state, answer=answer)).rowcount > 0


def wait_again(connection: Connection, delivery: int, deadline_at: int) -> bool:
    """missed -> waiting: a person says that the answer comes after all; False if this one was not missed."""
    query = update(awaited).where(awaited.c.delivery == delivery, awaited.c.state == "missed")
    return connection.execute(query.values(state="waiting", deadline_at=deadline_at)).rowcount > 0
