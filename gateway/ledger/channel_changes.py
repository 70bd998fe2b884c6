"""Who changed what of a schedule and when; what another hand changed in the files is found by comparing."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.ledger.channel_tables import channel_change, channel_value

Key = tuple[str, str]
"""A channel ("" for the default of all) and the name of a value."""
OUTSIDE = "outside"
"""Instead of a person: somebody edited the file."""
_BEGIN: Key = ("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One value that was changed; `channel` is "" for the default of all.  Times are nanoseconds since the epoch."""

    id: int
    at: int
    who: str
    channel: str
    key: str
    old: str | None
    new: str | None
    outside: bool


def note(
    connection: Connection,
    at: int,
    who: str,
    channel: str,
    key: str,
    old: str | None,
    new: str | None,
    *,
    outside: bool = False,
) -> None:
    """Record that a value was changed; the next `compare` takes it for granted."""
    values = {"at": at, "who": who, "channel": channel, "key": key, "old": old, "new": new, "outside": outside}
    connection.execute(insert(channel_change).values(values))
    _keep(connection, (channel, key), new)


def compare(connection: Connection, at: int, values: Mapping[Key, str | None]) -> tuple[ChangeRow, ...]:
    """Record what differs from when the files were last read or saved as changed outside, and return it.

    `values` are all values of all files; the first time ever they are kept, and nothing counts as changed.
    """
    known = {(row.channel, row.key): row.value for row in connection.execute(select(channel_value))}
    before = _latest_id(connection)
    for key in sorted(known.keys() | values.keys()):
        old, new = known.get(key), values.get(key)
        if old == new or key == _BEGIN:
            continue
        if _BEGIN in known:
            note(connection, at, OUTSIDE, key[0], key[1], old, new, outside=True)
        else:
            _keep(connection, key, new)
    _keep(connection, _BEGIN, "")
    rows = connection.execute(select(channel_change).where(channel_change.c.id > before).order_by(channel_change.c.id))
    return tuple(ChangeRow(**row) for row in rows.mappings())


def latest(connection: Connection, channel: str | None = None, *, limit: int = 100) -> tuple[ChangeRow, ...]:
    """The latest changes of a channel's own values ("" the default's), or of all, newest first."""
    query = select(channel_change)
    if channel is not None:
        query = query.where(channel_change.c.channel == channel)
    rows = connection.execute(query.order_by(channel_change.c.id.desc()).limit(limit)).mappings()
    return tuple(ChangeRow(**row) for row in rows)


def _latest_id(connection: Connection) -> int:
    query = select(channel_change.c.id).order_by(channel_change.c.id.desc()).limit(1)
    return int(connection.execute(query).scalar() or 0)


def _keep(connection: Connection, key: Key, value: str | None) -> None:
    query = upsert(channel_value).values(channel=key[0], key=key[1], value=value)
    connection.execute(query.on_conflict_do_update(index_elements=["channel", "key"], set_={"value": value}))
