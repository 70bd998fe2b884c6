"""The last due time of each action that was run or skipped: what was missed while the gateway was down comes after."""

from collections.abc import Mapping

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from gateway.ledger.tables import action_state


def last_times(connection: Connection) -> dict[str, int]:
    """By action, in nanoseconds since the epoch."""
    query = select(action_state.c.action, action_state.c.scheduled_at).where(action_state.c.scheduled_at.is_not(None))
    return {action: at for action, at in connection.execute(query) if at is not None}


def keep_times(connection: Connection, times: Mapping[str, int]) -> None:
    """Note the last due times of `times`."""
    for action, at in times.items():
        query = insert(action_state).values(action=action, scheduled_at=at)
        connection.execute(query.on_conflict_do_update(index_elements=["action"], set_={"scheduled_at": at}))
