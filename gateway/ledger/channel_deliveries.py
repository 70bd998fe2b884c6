"""What a channel is told of a delivery in the commit that ends it: a file is there, perhaps the whole item."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, bindparam, select, update

from gateway.ledger import channel_arrivals, channel_batches, channel_events, job_rounds, runs
from gateway.ledger.channel_arrivals import Arrival
from gateway.ledger.channel_batches import BatchState
from gateway.ledger.channel_events import EventState
from gateway.ledger.channel_tables import channel_batch_file
from gateway.ledger.delivery_row import DeliveryRow
from gateway.ledger.ready import Ready

_FILE = channel_batch_file.c
_THERE = Ready(
    update(channel_batch_file)
    .where(_FILE.batch == bindparam("of_batch"), _FILE.n == bindparam("of_n"))
    .values(delivered_at=bindparam("at"), delivery=bindparam("by"))
)


def note_delivered(connection: Connection, rows: Sequence[DeliveryRow]) -> None:
    """These files have arrived; an item of which nothing is missing now is delivered.

    What is settled at an endpoint that the batch went to before, and goes to no more, tells nothing of it.
    A batch that had failed goes on once all of it is there: a rename that nobody had heard of was settled.
    """
    pairs = [(row, row.intent.packed) for row in rows if row.intent.packed is not None]
    sent_to = {batch: channel_batches.endpoint_of(connection, batch) for batch in {one.batch for _, one in pairs}}
    pairs = [(row, one) for row, one in pairs if sent_to[one.batch] in (None, row.intent.endpoint)]
    for row, packed in pairs:
        at = row.delivered_at or row.started_at
        _THERE.run(connection, {"of_batch": packed.batch, "of_n": packed.n, "at": at, "by": row.id})
    for batch in dict.fromkeys(packed.batch for _, packed in pairs):
        numbers = [packed.n for _, packed in pairs if packed.batch == batch]
        _note(connection, batch, numbers, max(row.delivered_at or row.started_at for row, _ in pairs))
        channel_batches.go_on_if_there(connection, batch)


def _note(connection: Connection, batch: int, numbers: Sequence[int], at: int) -> None:
    """By event: which of its files are there now, and whether that is all of it."""
    names: dict[int, set[str]] = {}
    touched = select(_FILE.event, _FILE.relative).where(_FILE.batch == batch, _FILE.n.in_(numbers))
    for event, relative in connection.execute(touched.where(_FILE.event.is_not(None))):
        names.setdefault(event, set()).add(relative)
    lacks = select(_FILE.event).where(_FILE.event.in_(names), _FILE.batch == batch, _FILE.delivered_at.is_(None))
    lacking = set(connection.execute(lacks.distinct()).scalars())
    rows = (channel_events.get(connection, event) for event in names)
    mine = [row for row in rows if row is not None and row.state is EventState.BATCHED and row.batch == batch]
    if mine:
        arrivals = [Arrival(row, frozenset(names[row.id]), row.id not in lacking) for row in mine]
        channel_arrivals.arrived(connection, mine[0].channel, arrivals, at)


def abandon(connection: Connection, channels: Collection[str], at: int) -> None:
    """Deliveries to channels that are not among these any more rest as failed; what was begun of them is settled."""
    for row in channel_batches.open_of(connection):
        if row.channel in channels or row.state is not BatchState.DELIVERING:
            continue
        said = {"error": f"{row.channel} is no channel of the configuration any more", "error_class": "Removed"}
        channel_batches.change(connection, row.id, {**said, "state": BatchState.FAILED.value})
        run = None if row.action_run is None else runs.get(connection, row.action_run)
        if run is not None and run.state != "ended":
            job_rounds.end(connection, run.id, error=said["error"], error_class=job_rounds.STOPPED, at=at)
