"""What was told of an action's failures: the same one tells once, then every 24 h; once more when it works again."""

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from gateway.ledger.tables import action_state

AGAIN_AFTER_NS = 24 * 3600 * 1_000_000_000


def tell_failure(connection: Connection, action: str, failure: str, now: int) -> bool:
    """Note that `action` failed with the fingerprint `failure`; True if that is to be told now."""
    row = connection.execute(select(action_state).where(action_state.c.action == action)).mappings().one_or_none()
    failing_since = row["failing_since"] if row is not None else None
    told_at = row["told_at"] if row is not None else None
    known = row is not None and failing_since is not None and row["failure"] == failure
    if known and told_at is not None and now - told_at < AGAIN_AFTER_NS:
        return False
    _set(connection, action, failing_since=failing_since or now, failure=failure, told_at=now)
    return True


def tell_resolved(connection: Connection, action: str) -> bool:
    """Note that `action` works; True if it failed before, and that is to be told."""
    query = select(action_state.c.failing_since).where(action_state.c.action == action)
    if connection.execute(query).scalar() is None:
        return False
    _set(connection, action, failing_since=None, failure=None, told_at=None)
    return True


def _set(connection: Connection, action: str, **values: int | str | None) -> None:
    query = insert(action_state).values(action=action, **values)
    connection.execute(query.on_conflict_do_update(index_elements=["action"], set_=values))
