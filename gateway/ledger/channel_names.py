"""Names that files of a channel have at its recipient, or are to get: nobody else's file may take them."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, select

from gateway.ledger.channel_tables import OPEN_BATCH, catalogue_file, channel_batch, channel_batch_file, channel_event

_AT_ONCE = 500
_FILE = channel_batch_file.c


class Holder(NamedTuple):
    """Which file of which item has a name."""

    final: str
    item: str
    relative: str


def holders(connection: Connection, channel: str, catalogue: str, finals: Sequence[str]) -> set[Holder]:
    """Who has these names, in whatever case, as far as batches are remembered: what arrived last, and what is to.

    A file that is no longer in the catalogue keeps none: one that was renamed, with its item or alone, may take it.
    """
    found: set[Holder] = set()
    for at in range(0, len(finals), _AT_ONCE):
        folded = [one.casefold() for one in finals[at : at + _AT_ONCE]]
        mine = channel_batch.c.channel == channel, _FILE.folded.in_(folded)
        for query in (_ARRIVED_LAST, _TO_COME):
            rows = connection.execute(query.where(*mine), {"of_catalogue": catalogue})
            found.update(Holder(*row[:3]) for row in rows if row.there)
    return found


_STILL_THERE = and_(
    catalogue_file.c.catalogue == bindparam("of_catalogue"),
    catalogue_file.c.item == channel_event.c.item,
    catalogue_file.c.relative == _FILE.relative,
)
_ALL = select(
    _FILE.final, channel_event.c.item, _FILE.relative, catalogue_file.c.item.is_not(None).label("there")
).select_from(
    channel_batch_file.join(channel_batch)
    .join(channel_event, channel_event.c.id == _FILE.event)
    .outerjoin(catalogue_file, _STILL_THERE)
)
# With max() in a query SQLite takes all other columns from the row that has it.
_LAST = func.max(_FILE.delivered_at)
_ARRIVED_LAST = _ALL.add_columns(_LAST).where(_FILE.delivered_at.is_not(None)).group_by(_FILE.final)
_TO_COME = _ALL.where(_FILE.delivered_at.is_(None), OPEN_BATCH)
