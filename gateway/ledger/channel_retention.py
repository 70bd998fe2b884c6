"""What went out to channels long ago goes, in small bites; what a channel has got of an item never ages.

Nor does what a catalogue held that a channel was compared with last: only by that it is told again what was got, once
what counts in metadata is another part of it.
"""

from collections.abc import Callable, Collection, Iterator
from functools import partial

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, select, tuple_

from gateway.ledger import channel_catalogues
from gateway.ledger.channel_tables import (
    catalogue_item,
    catalogue_look,
    channel_batch,
    channel_batch_file,
    channel_event,
    channel_state,
)

BITE = 500


def forgetting(before: int, catalogues: Callable[[], Collection[str]] = tuple) -> Iterator[Callable[[Connection], int]]:
    """What forgets batches and events that were over before `before`, in order; each is called until it is 0.

    And what nobody looked at since: of catalogues other than these, which may be looked at just now.  Those are asked
    for at each bite: one may come back meanwhile.
    """
    yield partial(forget_files, before=before)
    yield partial(forget_events, before=before)
    yield partial(forget_batches, before=before)
    yield partial(forget_catalogues, before=before, but=catalogues)


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


def forget_catalogues(connection: Connection, before: int, but: Callable[[], Collection[str]]) -> int:
    """Drop a bite of a catalogue that belongs to no channel any more; how many rows, files not counted.

    What is left is whole: an item goes with its files, and a look at the catalogue reads again what went.
    """
    name = catalogue_look.c.catalogue
    used = exists().where(channel_state.c.catalogue == name)
    unused = select(name).where(catalogue_look.c.looked_at < before, ~used, name.not_in(but())).limit(1)
    catalogue = connection.execute(unused).scalar_one_or_none()
    if catalogue is None:
        return 0
    held = select(catalogue_item.c.item).where(catalogue_item.c.catalogue == catalogue).limit(BITE)
    items = connection.execute(held).scalars().all()
    if not items:
        return connection.execute(delete(catalogue_look).where(name == catalogue)).rowcount
    channel_catalogues.disturb(connection, catalogue)
    channel_catalogues.forget_items(connection, catalogue, items)
    return len(items)


def _old(before: int) -> ColumnElement[bool]:
    return and_(channel_batch.c.ended_at.is_not(None), channel_batch.c.ended_at < before)
