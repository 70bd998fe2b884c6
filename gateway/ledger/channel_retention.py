"""What went out to channels long ago goes, in small bites; what a channel has got of an item never ages.

Nor does what a catalogue held that a channel was compared with last: only by that it is told again what was got, once
what counts in metadata is another part of it.
"""

from collections.abc import Callable, Collection, Iterator
from functools import partial

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, select, tuple_

from gateway.ledger.channel_tables import (
    catalogue_file,
    catalogue_item,
    catalogue_look,
    channel_batch,
    channel_batch_file,
    channel_event,
    channel_state,
)

BITE = 500
_ROWS = 5000


def forgetting(before: int, catalogues: Collection[str] = ()) -> Iterator[Callable[[Connection], int]]:
    """What forgets batches and events that were over before `before`, in order; each is called until it is 0.

    And what nobody looked at since: of catalogues other than these, which may be looked at just now.
    """
    yield partial(forget_files, before=before)
    yield partial(forget_events, before=before)
    yield partial(forget_batches, before=before)
    for table in (catalogue_file, catalogue_item, catalogue_look):
        yield partial(forget_catalogues, table=table, before=before, but=catalogues)


def forget_files(connection: Connection, before: int) -> int:
    """Drop a bite of the payloads of old batches; how many."""
    keys = (channel_batch_file.c.batch, channel_batch_file.c.n)
    old = select(*keys).where(channel_batch_file.c.batch.in_(select(channel_batch.c.id).where(_old(before))))
    return connection.execute(delete(channel_batch_file).where(tuple_(*keys).in_(old.limit(BITE)))).rowcount


def forget_events(connection: Connection, before: int) -> int:
    """Drop a bite of old events that no payload refers to; how many."""
    used = exists().where(channel_batch_file.c.event == channel_event.c.id)
    old = select(channel_event.c.id).where(channel_event.c.ended_at < before, ~used).limit(BITE)
    return connection.execute(delete(channel_event).where(channel_event.c.id.in_(old))).rowcount


def forget_batches(connection: Connection, before: int) -> int:
    """Drop a bite of old batches of which nothing is left; how many."""
    files = exists().where(channel_batch_file.c.batch == channel_batch.c.id)
    events = exists().where(channel_event.c.batch == channel_batch.c.id)
    old = select(channel_batch.c.id).where(_old(before), ~files, ~events).limit(BITE)
    return connection.execute(delete(channel_batch).where(channel_batch.c.id.in_(old))).rowcount


def forget_catalogues(connection: Connection, table: Table, before: int, but: Collection[str]) -> int:
    """Drop a bite of a table's rows of catalogues that belong to no channel any more; how many."""
    name = catalogue_look.c.catalogue
    used = exists().where(channel_state.c.catalogue == name)
    unused = select(name).where(catalogue_look.c.looked_at < before, ~used, name.not_in(but))
    keys = tuple(table.primary_key)
    old = select(*keys).where(table.c.catalogue.in_(unused)).limit(_ROWS)
    return connection.execute(delete(table).where(tuple_(*keys).in_(old))).rowcount


def _old(before: int) -> ColumnElement[bool]:
    return and_(channel_batch.c.ended_at.is_not(None), channel_batch.c.ended_at < before)
