"""Names that files of a channel have at its recipient, or are to get: nobody else's file may take them."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, collate, select

from gateway.ledger.channel_tables import catalogue_file, channel_batch, channel_batch_file, channel_event

_AT_ONCE = 500


class Holder(NamedTuple):
    """Which file of which item has a name."""

    final: str
    item: str
    relative: str


def holders(connection: Connection, channel: str, catalogue: str, finals: Sequence[str]) -> set[Holder]:
    """Who has these names, in whatever case, as far as batches are remembered.

    A file that is no longer in the catalogue keeps none: one that was renamed, with its item or alone, may.
    """
    found: set[Holder] = set()
    for at in range(0, len(finals), _AT_ONCE):
        rows = connection.execute(
            _HOLDERS.where(
                channel_batch.c.channel == channel,
                catalogue_file.c.catalogue == catalogue,
                collate(channel_batch_file.c.final, "NOCASE").in_(finals[at : at + _AT_ONCE]),
            )
        )
        found.update(Holder(*row) for row in rows)
    return found


_STILL_THERE = and_(
    catalogue_file.c.item == channel_event.c.item, catalogue_file.c.relative == channel_batch_file.c.relative
)
_HOLDERS = select(channel_batch_file.c.final, channel_event.c.item, channel_batch_file.c.relative).select_from(
    channel_batch_file.join(channel_batch)
    .join(channel_event, channel_event.c.id == channel_batch_file.c.event)
    .join(catalogue_file, _STILL_THERE)
)
