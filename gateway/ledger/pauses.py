"""What a person has paused: an action, an endpoint, or all."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, or_, select
from sqlalchemy.dialects.sqlite import insert

from gateway.ledger.rows import columns_of, from_row
from gateway.ledger.tables import pause

ALL = "all"


@dataclass(frozen=True, slots=True)
class Pause:
    """`scope` is `action:NAME`, `endpoint:NAME` or `all`; `until` None means until it is resumed."""

    scope: str
    until: int | None
    by: str
    at: int


def hold(connection: Connection, wanted: Pause) -> None:
    """Pause a scope, or change until when."""
    values = columns_of(wanted)
    connection.execute(insert(pause).values(values).on_conflict_do_update(index_elements=["scope"], set_=values))


def let_go(connection: Connection, scope: str) -> bool:
    """Resume a scope; False if it was not paused."""
    return connection.execute(delete(pause).where(pause.c.scope == scope)).rowcount > 0


def paused(connection: Connection, now: int) -> tuple[Pause, ...]:
    """Every pause that holds now."""
    query = select(pause).where(or_(pause.c.until.is_(None), pause.c.until > now)).order_by(pause.c.scope)
    return tuple(from_row(Pause, row) for row in connection.execute(query).mappings())
