"""What a distribution job is told of a delivery in the commit that ends it: its place has the file, or why not."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, exists, literal_column, update
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.ledger.delivery_row import DeliveryRow
from gateway.ledger.intent import Intent, Share
from gateway.ledger.job_tables import job_destination, job_file, place_content
from gateway.ledger.ready import Ready, driver_of
from gateway.ledger.words import stored

_THERE = upsert(place_content)
_NOTE_THERE = Ready(
    _THERE.on_conflict_do_update(
        index_elements=["place", "relative"],
        set_={name: _THERE.excluded[name] for name in ("size", "mtime_ns", "grain_ns", "sha256", "digest", "at")},
    )
)
_FILE = upsert(job_file)
_NOTE_FILE = Ready(
    _FILE.on_conflict_do_update(
        index_elements=["run", "endpoint", "relative"],
        set_={name: _FILE.excluded[name] for name in ("state", "size", "reason", "delivery", "at")},
    )
)
_SAME_FILE = (
    job_file.c.run == bindparam("of_run"),
    job_file.c.endpoint == bindparam("of_endpoint"),
    job_file.c.relative == bindparam("of_relative"),
)


def _was(state: str) -> Any:
    """1 if that is what was said of the file before."""
    return exists().where(*_SAME_FILE, job_file.c.state == literal_column(f"'{state}'"))


# One file more has failed: it leaves the state that it was in, and a word said twice counts once.
_COUNT_FAILED = Ready(
    update(job_destination)
    .values(
        delivered=job_destination.c.delivered - _was("delivered"),
        skipped=job_destination.c.skipped - _was("skipped"),
        failed=job_destination.c.failed + literal_column("1") - _was("failed"),
    )
    .where(job_destination.c.run == bindparam("of_run"), job_destination.c.endpoint == bindparam("of_endpoint"))
)
_COUNT_DELIVERED = Ready(
    update(job_destination)
    .values(
        delivered=job_destination.c.delivered + bindparam("delivered_more"),
        failed=job_destination.c.failed - bindparam("failed_less"),
        skipped=job_destination.c.skipped - bindparam("skipped_less"),
        bytes_sent=job_destination.c.bytes_sent + bindparam("bytes_more"),
    )
    .where(job_destination.c.run == bindparam("of_run"), job_destination.c.endpoint == bindparam("of_endpoint"))
)
_WERE = """SELECT state, count(*) FROM job_file
WHERE run = ? AND endpoint = ? AND relative IN (SELECT value FROM json_each(?)) GROUP BY state"""


def note_delivered(connection: Connection, rows: Sequence[DeliveryRow]) -> None:
    """The place of a destination has these files, with the sizes and times that their finished partials showed."""
    pairs = [(row, row.intent.share) for row in rows if row.intent.share is not None]
    first = next(iter(pairs), None)
    if first is None or first[1] is None:
        return
    which = (first[1].run, first[0].intent.endpoint)
    names = json.dumps([stored(share.relative) for _, share in pairs])
    before = dict(driver_of(connection).execute(_WERE, (first[1].run, stored(which[1]), names)).fetchall())
    counted = {f"{state}_less": before.get(state, 0) for state in ("failed", "skipped")}
    more = {"delivered_more": len(pairs) - before.get("delivered", 0), "bytes_more": sum(row.size or 0 for row in rows)}
    _COUNT_DELIVERED.run(connection, {"of_run": which[0], "of_endpoint": which[1], **more, **counted})
    _NOTE_THERE.run_all(connection, [_there(row, share) for row, share in pairs])
    _NOTE_FILE.run_all(connection, [_delivered(row, share) for row, share in pairs])


def _there(row: DeliveryRow, share: Share) -> dict[str, Any]:
    noted = row.noted
    return {
        "place": share.place,
        "relative": share.relative,
        "size": row.size or 0,
        "mtime_ns": noted.mtime_ns if noted is not None else None,
        "grain_ns": noted.mtime_precision_ns if noted is not None else 1,
        "sha256": row.sha256 or row.intent.sha256,
        "digest": share.digest,
        "at": row.delivered_at or row.started_at,
    }


def _delivered(row: DeliveryRow, share: Share) -> dict[str, Any]:
    return {
        "run": share.run,
        "endpoint": row.intent.endpoint,
        "relative": share.relative,
        "state": "delivered",
        "size": row.size or 0,
        "reason": None,
        "delivery": row.id,
        "at": row.delivered_at or row.started_at,
    }


def note_failed(
    connection: Connection, intent: Intent, share: Share, delivery: int | None, reason: str, at: int
) -> None:
    """The place lacks the file, and why."""
    named = {"run": share.run, "endpoint": intent.endpoint, "relative": share.relative}
    _COUNT_FAILED.run(connection, {f"of_{name}": value for name, value in named.items()})
    said = {"state": "failed", "size": intent.stamp.size_bytes, "reason": reason, "delivery": delivery, "at": at}
    _NOTE_FILE.run(connection, {**named, **said})
