"""What a channel has got of each item, or counts as got."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, and_, bindparam, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.core.portions import portions
from gateway.ledger.channel_contents import Contents
from gateway.ledger.channel_tables import COUNTS_UNNAMED, catalogue_item, channel_item

_ASKED_AT_ONCE = 500
ANY = ""
"""Instead of a digest: whatever the item comes to rest with counts as got."""
PARTLY = "-"
"""Instead of a digest: something between two contents of the item, which its paths tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """What a channel has got of one item; Times are nanoseconds since the epoch.

    `first_at` None: it never got the item, and what it was to get was dropped by hand.
    `named`: the names are kept of what counts as got without a delivery.
    """

    item: str
    metadata: str
    files: str
    contents: Contents
    first_at: int | None
    delivered_at: int | None = None
    gone_at: int | None = None
    named: bool = False

    def without(self, names: Collection[str]) -> "Got":
        """Nobody knows whether it has these files."""
        contents = self.contents.without(names)
        return replace(
            self,
            metadata=self.metadata if contents.metadata == self.contents.metadata else PARTLY,
            files=self.files if contents.files == self.contents.files else PARTLY,
            contents=contents,
        )


class Differs(NamedTuple):
    """An item of the catalogue that is not what the channel has got; `known`: it has got the item before."""

    item: str
    known: bool


def of_items(connection: Connection, channel: str, wanted: Sequence[str]) -> dict[str, Got]:
    """What the channel has got of these items, by item."""
    found: dict[str, Got] = {}
    query = select(channel_item).where(channel_item.c.channel == channel)
    for some in portions(wanted, _ASKED_AT_ONCE):
        rows = connection.execute(query.where(channel_item.c.item.in_(some))).mappings()
        found.update((row["item"], _read(row)) for row in rows)
    return found


def differing(connection: Connection, channel: str, catalogue: str) -> list[Differs]:
    """The catalogue's items that are not what the channel has got, or are back; in order of their names."""
    here = and_(channel_item.c.channel == channel, channel_item.c.item == catalogue_item.c.item)
    other = or_(
        channel_item.c.item.is_(None),
        channel_item.c.metadata != catalogue_item.c.metadata,
        channel_item.c.files != catalogue_item.c.files,
        channel_item.c.gone_at.is_not(None),
    )
    query = select(catalogue_item.c.item, channel_item.c.first_at.is_not(None))
    query = query.select_from(catalogue_item.outerjoin(channel_item, here)).where(
        catalogue_item.c.catalogue == catalogue, other
    )
    return [Differs(item, bool(known)) for item, known in connection.execute(query.order_by(catalogue_item.c.item))]


def present(connection: Connection, channel: str) -> list[str]:
    """The items that the channel has got and that are not gone."""
    query = select(channel_item.c.item).where(channel_item.c.channel == channel, channel_item.c.gone_at.is_(None))
    return list(connection.execute(query).scalars())


def put(connection: Connection, channel: str, rows: Sequence[Got]) -> None:
    """What the channel has got of these items from now on; other items stay as they are."""
    if rows:
        query = upsert(channel_item)
        names = ("metadata", "files", "contents", "first_at", "delivered_at", "gone_at", "named")
        query = query.on_conflict_do_update(
            index_elements=["channel", "item"], set_={name: query.excluded[name] for name in names}
        )
        connection.execute(query, [_values(channel, row) for row in rows])


def went(connection: Connection, channel: str, gone: Sequence[str], at: int) -> None:
    """Items that are no longer there, or no longer selected."""
    if gone:
        same = channel_item.c.channel == channel, channel_item.c.item == bindparam("which")
        connection.execute(update(channel_item).where(*same).values(gone_at=at), [{"which": one} for one in gone])


def without_names(connection: Connection, channel: str, most: int) -> list[Got]:
    """So many items at most that count as got as they are, and whose names are not kept."""
    query = select(channel_item).with_hint(channel_item, "INDEXED BY channel_items_without_names")
    query = query.where(channel_item.c.channel == channel, COUNTS_UNNAMED)
    return [_read(row) for row in connection.execute(query.limit(most)).mappings()]


def counts(connection: Connection) -> dict[str, tuple[int, int]]:
    """By channel: how many items it has got, and how many of them are gone."""
    query = select(channel_item.c.channel, func.count(), func.count(channel_item.c.gone_at))
    rows = connection.execute(query.where(channel_item.c.first_at.is_not(None)).group_by(channel_item.c.channel))
    return {channel: (int(many), int(gone)) for channel, many, gone in rows}


def _values(channel: str, row: Got) -> dict[str, Any]:
    return {
        "channel": channel,
        "item": row.item,
        "metadata": row.metadata,
        "files": row.files,
        "contents": row.contents.text(),
        "first_at": row.first_at,
        "delivered_at": row.delivered_at,
        "gone_at": row.gone_at,
        "named": row.named,
    }


def _read(row: RowMapping) -> Got:
    values = {name: row[name] for name in row if name != "channel"}
    return Got(**{**values, "contents": Contents.read(row["contents"])})
