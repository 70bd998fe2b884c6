"""Batches: what goes out to a channel together, with the payload that was frozen for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, text, update

from gateway.ledger.channel_tables import channel_batch, channel_batch_file
from gateway.ledger.delivery_row import DeliveryRow, read_delivery
from gateway.ledger.errors import StateLost
from gateway.ledger.tables import delivery, run

PAGE = 5000
"""Files that are read at once: a batch may have 100,000s."""
_IS_OPEN = text("state IN ('delivering','failed')")


class BatchState(StrEnum):
    """Where a batch is; the first two are open."""

    DELIVERING = "delivering"
    FAILED = "failed"  # tried again at the next time of its kind, or by hand
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"  # nothing of it is left to send


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """One batch.  Times are nanoseconds since the epoch; it is the `number`-th of its channel on `day`.

    `freezing`: not all that goes with it is in it yet.  `address` is where its last try went, however its endpoint is
    called.
    """

    id: int
    channel: str
    kind: str
    state: BatchState
    due_at: int
    number: int
    day: str
    freezing: bool
    action_run: int | None
    address: str | None
    failures: int
    error: str | None
    error_class: str | None
    started_at: int
    ended_at: int | None


class BatchFile(NamedTuple):
    """A file of a batch, as it was when it was frozen; `event` None: the marker that ends the delivery.

    `delivered_at` and `delivery` are set in the commit that says that it is there.
    """

    n: int
    event: int | None
    source: str
    relative: str
    size: int
    mtime_ns: int
    inode: int
    sha256: str
    final: str
    delivered_at: int | None = None
    delivery: int | None = None


_FILES = select(*(channel_batch_file.c[name] for name in BatchFile._fields))
_LACKING = channel_batch_file.c.event.is_not(None), channel_batch_file.c.delivered_at.is_(None)


class Trouble(NamedTuple):
    """Why the n-th file of a batch did not arrive."""

    n: int
    error: str
    error_class: str


def make(
    connection: Connection, channel: str, kind: str, due_at: int, day: str, at: int, *, freezing: bool = False
) -> BatchRow:
    """A new batch, the next one of its day; its payload follows in the same commit, or in others while `freezing`."""
    same = channel_batch.c.channel == channel, channel_batch.c.day == day
    last = connection.execute(select(func.max(channel_batch.c.number)).where(*same)).scalar()
    values = {
        "channel": channel,
        "kind": kind,
        "state": BatchState.DELIVERING.value,
        "due_at": due_at,
        "number": (last or 0) + 1,
        "day": day,
        "freezing": freezing,
        "started_at": at,
    }
    return _read(connection.execute(insert(channel_batch).values(values).returning(channel_batch)).mappings().one())


def freeze(connection: Connection, batch: int, files: Sequence[BatchFile]) -> None:
    """What it sends, exactly."""
    if files:
        rows = [{"batch": batch, "folded": one.final.casefold(), **one._asdict()} for one in files]
        connection.execute(insert(channel_batch_file), rows)


def page(connection: Connection, batch: int, after: int, *, lacking: bool = False) -> tuple[BatchFile, ...]:
    """The next files of a batch after the one with this number; of those that are not there yet, or of all."""
    query = _FILES.where(channel_batch_file.c.batch == batch, channel_batch_file.c.n > after)
    query = query.where(*_LACKING) if lacking else query.where(channel_batch_file.c.event.is_not(None))
    return tuple(BatchFile(*row) for row in connection.execute(query.order_by(channel_batch_file.c.n).limit(PAGE)))


def marker_of(connection: Connection, batch: int) -> BatchFile | None:
    """The marker of a batch that has one."""
    query = _FILES.where(channel_batch_file.c.batch == batch, channel_batch_file.c.event.is_(None))
    row = connection.execute(query).one_or_none()
    return None if row is None else BatchFile(*row)


def counted(connection: Connection, batch: int) -> tuple[int, int]:
    """How many files a batch has, and how many of them are not there yet; its marker left out."""
    columns = channel_batch_file.c
    query = select(func.count(), func.count(columns.delivered_at)).where(columns.batch == batch)
    files, there = connection.execute(query.where(columns.event.is_not(None))).one()
    return int(files), int(files) - int(there)


def last_file(connection: Connection, batch: int) -> int:
    """The number of the file that was frozen last; 0: none was, but for a marker."""
    query = select(func.max(channel_batch_file.c.n)).where(channel_batch_file.c.batch == batch)
    return int(connection.execute(query).scalar() or 0)


def remove(connection: Connection, batch: int) -> None:
    """It holds nothing: its number is free."""
    connection.execute(delete(channel_batch_file).where(channel_batch_file.c.batch == batch))
    connection.execute(delete(channel_batch).where(channel_batch.c.id == batch))


def names_of(connection: Connection, batch: int) -> Iterator[tuple[str, str]]:
    """The name of each of its files, and the file that gets it ("": the marker)."""
    columns = channel_batch_file.c.final, channel_batch_file.c.source
    for row in connection.execute(select(*columns).where(channel_batch_file.c.batch == batch)):
        yield row[0], row[1]


def files_of(connection: Connection, batch: int) -> tuple[BatchFile, ...]:
    """What it sends, in order; the marker is the last one."""
    order = channel_batch_file.c.event.is_(None), channel_batch_file.c.n
    query = _FILES.where(channel_batch_file.c.batch == batch).order_by(*order)
    return tuple(BatchFile(*row) for row in connection.execute(query))


def troubles(connection: Connection, action_run: int) -> list[Trouble]:
    """What kept files from arriving in a try, in their order."""
    columns = delivery.c.n, delivery.c.error, delivery.c.error_class
    query = select(*columns).where(delivery.c.run == action_run, delivery.c.error.is_not(None))
    return [Trouble(*row) for row in connection.execute(query.order_by(delivery.c.n, delivery.c.id))]


def lacking_events(connection: Connection, batch: int, numbers: Sequence[int]) -> dict[int, int]:
    """The event of each of these files that is not there yet, by number."""
    columns = channel_batch_file.c
    query = select(columns.n, columns.event).where(columns.batch == batch, columns.n.in_(numbers), *_LACKING)
    return {row[0]: row[1] for row in connection.execute(query)}


def begun(connection: Connection, action_run: int, first: int, last: int) -> list[DeliveryRow]:
    """The deliveries in a try of the files with these numbers."""
    query = select(delivery).where(delivery.c.run == action_run, delivery.c.n.between(first, last))
    return [read_delivery(row) for row in connection.execute(query.order_by(delivery.c.n, delivery.c.id)).mappings()]


def leave_out(connection: Connection, batch: int, event: int) -> None:
    """The files of an event that left the batch; one that had failed goes on if nothing else is missing."""
    same = channel_batch_file.c.batch == batch, channel_batch_file.c.event == event
    connection.execute(delete(channel_batch_file).where(*same))
    go_on_if_there(connection, batch)


def go_on_if_there(connection: Connection, batch: int) -> None:
    """A failed batch that no file is missing of now ends by itself, with its marker.

    Asked where a file arrives or leaves: a marker that is refused waits for its next time as any failure does.
    """
    columns = channel_batch_file.c
    lacks = select(columns.n).where(columns.batch == batch, *_LACKING)
    mine = channel_batch.c.id == batch, channel_batch.c.state == BatchState.FAILED.value
    connection.execute(update(channel_batch).where(*mine, ~lacks.exists()).values(state=BatchState.DELIVERING.value))


def send_anew(connection: Connection, batch: int) -> None:
    """Nothing of it is there: it goes to another endpoint now."""
    query = update(channel_batch_file).where(channel_batch_file.c.batch == batch)
    connection.execute(query.values(delivered_at=None, delivery=None))


def endpoint_of(connection: Connection, batch: int) -> str | None:
    """Where it was sent last; None if it never was."""
    query = select(run.c.endpoint).join(channel_batch, channel_batch.c.action_run == run.c.id)
    found: str | None = connection.execute(query.where(channel_batch.c.id == batch)).scalar()
    return found


def get(connection: Connection, batch: int) -> BatchRow | None:
    """One batch."""
    row = connection.execute(select(channel_batch).where(channel_batch.c.id == batch)).mappings().one_or_none()
    return None if row is None else _read(row)


def open_of(connection: Connection, channel: str | None = None) -> tuple[BatchRow, ...]:
    """What is under way or failed, of one channel or of all, oldest first."""
    query = select(channel_batch).where(_IS_OPEN)
    if channel is not None:
        query = query.where(channel_batch.c.channel == channel)
    return tuple(_read(row) for row in connection.execute(query.order_by(channel_batch.c.id)).mappings())


def latest(connection: Connection, channel: str, *, limit: int = 100) -> tuple[BatchRow, ...]:
    """The latest batches of a channel, newest first."""
    query = select(channel_batch).where(channel_batch.c.channel == channel)
    rows = connection.execute(query.order_by(channel_batch.c.id.desc()).limit(limit)).mappings()
    return tuple(_read(row) for row in rows)


def change(connection: Connection, batch: int, values: Mapping[str, Any]) -> BatchRow:
    """Write these columns of an open batch (`state` among them).  Raises StateLost if it is over."""
    query = update(channel_batch).where(channel_batch.c.id == batch, _IS_OPEN)
    row = connection.execute(query.values(dict(values)).returning(channel_batch)).mappings().one_or_none()
    if row is None:
        raise StateLost(f"batch {batch}: it is over")
    return _read(row)


def _read(row: RowMapping) -> BatchRow:
    return BatchRow(**{**row, "state": BatchState(row["state"])})
