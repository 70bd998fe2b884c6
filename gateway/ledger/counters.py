"""%index%: counts per endpoint and day."""

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from gateway.ledger.tables import counter


def next_index(connection: Connection, endpoint: str, day: str, how_many: int = 1) -> int:
    """Take `how_many` numbers of the day; the first of them, from 1."""
    query = insert(counter).values(endpoint=endpoint, day=day, value=how_many)
    query = query.on_conflict_do_update(index_elements=["endpoint", "day"], set_={"value": counter.c.value + how_many})
    last: int = connection.execute(query.returning(counter.c.value)).scalar_one()
    return last - how_many + 1
