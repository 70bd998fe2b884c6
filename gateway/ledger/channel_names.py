"""Names that files of a channel have at its recipient, or are to get: nobody else's file may take them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.core.portions import portions
from gateway.ledger.channel_tables import (
    OPEN_BATCH,
    catalogue_file,
    channel_batch,
    channel_batch_file,
    channel_event,
    channel_name,
)

_AT_ONCE = 500
_FILE, _NAME = channel_batch_file.c, channel_name.c


class Holder(NamedTuple):
    """Which file of which item has a name."""

    final: str
    item: str
    relative: str


class Standing(NamedTuple):
    """What a delivery has put under a name; of the same name the later delivery is what stands there."""

    final: str
    delivery: int
    sha256: str


def put_at(connection: Connection, address: str | None, finals: Sequence[str]) -> list[Standing]:
    """What deliveries to this address have put under these names, in whatever case, the latest of each name last.

    Told as far as batches are remembered, of all channels that go there.
    """
    query = select(*(_FILE[name] for name in Standing._fields)).select_from(channel_batch_file.join(channel_batch))
    there = channel_batch.c.address.is_not_distinct_from(address), _FILE.delivery.is_not(None)
    found: list[Standing] = []
    for some in portions(finals, _AT_ONCE):
        named = _FILE.folded.in_([one.casefold() for one in some])
        found += (Standing(*row) for row in connection.execute(query.where(*there, named)))
    return sorted(found, key=lambda one: one.delivery)


def keep(connection: Connection, channel: str, holders: Iterable[tuple[Holder, int]]) -> None:
    """These files count as having these names from a moment on, though nothing of ours brought them there."""
    rows = [{"channel": channel, "folded": one.final.casefold(), "at": at, **one._asdict()} for one, at in holders]
    if rows:
        query = upsert(channel_name)
        now = {"final": query.excluded.final, "at": query.excluded.at}
        connection.execute(query.on_conflict_do_update(index_elements=channel_name.primary_key, set_=now), rows)


def holders(connection: Connection, channel: str, catalogue: str, finals: Sequence[str]) -> set[Holder]:
    """Who has these names, in whatever case: what arrived last, what is to arrive, what counts as got since.

    What arrived is told as far as batches are remembered.  A file that is no longer in the catalogue keeps no name: one
    that was renamed, with its item or alone, may take it.
    """
    found: set[Holder] = set()
    for some in portions(finals, _AT_ONCE):
        found.update(_holders(connection, channel, catalogue, some))
    return found


def _holders(connection: Connection, channel: str, catalogue: str, finals: Sequence[str]) -> Iterator[Holder]:
    folded, of = [one.casefold() for one in finals], {"of_catalogue": catalogue}
    sent = channel_batch.c.channel == channel, _FILE.folded.in_(folded)
    arrived_at: dict[str, int] = {}
    for *holder, there, at in connection.execute(_ARRIVED_LAST.where(*sent), of):
        arrived_at[holder[0]] = at
        if there:
            yield Holder(*holder)
    for *holder, there in connection.execute(_TO_COME.where(*sent), of):
        if there:
            yield Holder(*holder)
    for query in _COUNTED:
        for *holder, at, _ in connection.execute(query.where(_NAME.channel == channel, _NAME.folded.in_(folded)), of):
            if at >= arrived_at.get(holder[0], at):
                yield Holder(*holder)


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
# With max() or min() in a query SQLite takes all other columns from the row that has it.
_LAST = func.max(_FILE.delivered_at)
_ARRIVED_LAST = _ALL.add_columns(_LAST).where(_FILE.delivered_at.is_not(None)).group_by(_FILE.final)
_TO_COME = _ALL.where(_FILE.delivered_at.is_(None), OPEN_BATCH)
_COUNTS_AND_IS_THERE = and_(
    catalogue_file.c.catalogue == bindparam("of_catalogue"),
    catalogue_file.c.item == _NAME.item,
    catalogue_file.c.relative == _NAME.relative,
)
# Many items may count as having one name: two of them are enough to know that it is not one's own.
_COUNTED = [
    select(_NAME.final, _NAME.item, _NAME.relative, _NAME.at, one(_NAME.item))
    .select_from(channel_name.join(catalogue_file, _COUNTS_AND_IS_THERE))
    .group_by(_NAME.final)
    for one in (func.min, func.max)
]
