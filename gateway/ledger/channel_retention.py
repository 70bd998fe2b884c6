"""What went out to channels long ago goes, in small bites; what a channel has got of an item never ages."""

from collections.abc import Callable, Iterator
from functools import partial

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, select, tuple_

from gateway.ledger.channel_tables import channel_batch, channel_batch_file, channel_event

BITE = 500


def forgetting(before: int) -> Iterator[Callable[[Connection], int]]:
    """What forgets batches and events that were over before `before`, in order; each is called until it is 0."""
    yield partial(forget_files, before=before)
    yield partial(forget_events, before=before)
    yield partial(forget_batches, before=before)


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


def _old(before: int) -> ColumnElement[bool]:
    return and_(channel_batch.c.ended_at.is_not(None), channel_batch.c.ended_at < before)
