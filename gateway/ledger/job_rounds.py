"""One try of a job's destination: the action's run, what it is to have, and what became of it, each in one commit."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, func, select, update

from gateway.ledger import deliveries, job_contents, job_deliveries, job_destinations, runs
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.job_destinations import FileRow
from gateway.ledger.job_tables import job_destination, job_file
from gateway.ledger.tables import delivery
from gateway.ledger.tables import run as run_table

STOPPED = "Stopped"
_WORD = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRound:
    """What the run of a destination's action starts with; `keeps`: what an earlier one laid down is gone on with."""

    action: str
    endpoint: str
    job_run: int
    owner: int
    script_sha256: str
    keeps: bool = False


def begin(connection: Connection, new: NewRound, at: int) -> int:
    """The action's run, named by the destination.  One that was cut off is ended before, or goes on."""
    earlier = _live(connection, new.action)
    row = job_destinations.get(connection, new.job_run, new.endpoint)
    if earlier is not None and new.keeps and row is not None and row.action_run != earlier:
        abandon(connection, earlier, "the run of its job is over", at)
        earlier = None
    if earlier is not None and new.keeps:
        runs.adopt(connection, earlier, new.owner)
        _fail_intended(connection, earlier, "the gateway was stopped", STOPPED, at)
        found = earlier
    else:
        found = fresh(
            connection,
            action=new.action,
            endpoint=new.endpoint,
            trigger="job",
            owner=new.owner,
            script_sha256=new.script_sha256,
            at=at,
        )
    job_destinations.change(connection, new.job_run, new.endpoint, {"action_run": found})
    return found


def fresh(
    connection: Connection, *, action: str, endpoint: str | None, trigger: str, owner: int, script_sha256: str, at: int
) -> int:
    """A new run of an action; one that was cut off is ended before."""
    earlier = _live(connection, action)
    if earlier is not None:
        end(connection, earlier, error="the gateway was stopped", error_class=STOPPED, at=at)
    return runs.start(
        connection,
        action=action,
        endpoint=endpoint,
        trigger=trigger,
        owner=owner,
        script_sha256=script_sha256,
        at=at,
    )


def _live(connection: Connection, action: str) -> int | None:
    query = select(run_table.c.id).where(run_table.c.action == action, run_table.c.state != "ended")
    found: int | None = connection.execute(query).scalar()
    return found


def end(
    connection: Connection,
    found: int,
    *,
    at: int,
    error: str | None = None,
    error_class: str | None = None,
    notes: Sequence[str] = (),
) -> None:
    """The run is over; what it had only intended has failed, so that nobody goes on with it but the next one."""
    _fail_intended(connection, found, error or "the run of its action ended", error_class or STOPPED, at)
    row = runs.get(connection, found)
    done = "done" if row is not None and row.files else "nothing"
    outcome = done if error is None else _WORD if error_class == STOPPED else "failed"
    runs.end(connection, found, outcome=outcome, notes=notes, error=error, error_class=error_class, at=at)


def interrupt(connection: Connection, found: int, at: int) -> None:
    """The run is cut off, and will be gone on with: only what lies there whole waits for it."""
    _fail_intended(connection, found, "it was stopped", STOPPED, at)


def abandon(connection: Connection, found: int, why: str, at: int) -> None:
    """The same where what waits for its final name never gets it: its partials are swept.

    What an ended run has left is for settle, and so is a file whose old version is being moved aside already.
    """
    run = runs.get(connection, found)
    if run is None or run.state == "ended":
        return
    for row in laid(connection, found):
        if row.state is State.PLACING:
            deliveries.move(connection, row.id, State.PLACING, State.INTENDED, {"owner": None})
    end(connection, found, error=why, error_class=STOPPED, at=at)


def laid(connection: Connection, found: int) -> tuple[DeliveryRow, ...]:
    """The deliveries of a run whose bytes are there and which have no final name yet."""
    waiting = (State.PLACING, State.SWAPPING)
    return tuple(row for row in deliveries.open_deliveries(connection, run=found) if row.state in waiting)


def note_unsettled(connection: Connection, found: int, at: int) -> None:
    """Files of a run whose end nobody knows: their destination lacks them until settle says otherwise."""
    for row in deliveries.open_deliveries(connection, run=found):
        if row.intent.share is not None and row.delivered_at is None:  # else only its old version is to be removed
            why = row.error or f"nobody knows yet whether it is there ({row.state.value})"
            job_deliveries.note_failed(connection, row.intent, row.intent.share, row.id, why, at)


def has_open(connection: Connection, action: str) -> bool:
    """True if deliveries of the action are still to be settled."""
    return bool(deliveries.open_deliveries(connection, action=action))


def _fail_intended(connection: Connection, found: int, error: str, error_class: str, at: int) -> None:
    for row in deliveries.open_deliveries(connection, run=found):
        if row.state is State.INTENDED:
            deliveries.fail(connection, row.id, error, error_class, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a comparison came to: `files` in all, of which `missing` (paths) are sent and `refused` can't be had.

    `untold` are there because a process died between the rename and its commit: they are counted when that is settled.
    `bytes_due` are those of `missing` and of `untold`.
    """

    place: int
    files: int
    missing: Sequence[str]
    bytes_due: int
    untold: int = 0
    refused: Sequence[FileRow] = ()


def compared(connection: Connection, run: int, endpoint: str, wanted: Wanted) -> None:
    """Set the counters anew: what was delivered before in this run stays so, unless it is missing again."""
    ours = job_file.c.run == run, job_file.c.endpoint == endpoint
    connection.execute(delete(job_file).where(*ours, job_file.c.state.in_(("failed", "skipped"))))
    job_contents.forget_there(connection, wanted.place, wanted.missing)
    delivered = _delivered(connection, run, endpoint)
    if delivered and wanted.missing:
        again = delete(job_file).where(*ours, job_file.c.relative == bindparam("gone"))
        connection.execute(again, [{"gone": one} for one in wanted.missing])
        delivered = _delivered(connection, run, endpoint)
    job_destinations.note_files(connection, run, wanted.refused)
    refused, missing = len(wanted.refused), len(wanted.missing)
    columns = job_destination.c
    query = update(job_destination).where(columns.run == run, columns.endpoint == endpoint)
    connection.execute(
        query.values(
            files=wanted.files,
            delivered=delivered,
            failed=refused,
            skipped=0,
            unchanged=max(0, wanted.files - missing - refused - delivered - wanted.untold),
            bytes=columns.bytes_sent + wanted.bytes_due,
        )
    )


def _delivered(connection: Connection, run: int, endpoint: str) -> int:
    query = select(func.count()).select_from(job_file)
    query = query.where(job_file.c.run == run, job_file.c.endpoint == endpoint, job_file.c.state == "delivered")
    return int(connection.execute(query).scalar_one())


@dataclass(frozen=True, slots=True)
class Failed:
    """How many files a destination could not be given, the first of them, and the classes of errors, each once.

    `unsent` of them were not even begun.
    """

    count: int
    unsent: int = 0
    relative: str = ""
    reason: str = ""
    classes: tuple[str, ...] = ()


def failed(connection: Connection, run: int, endpoint: str) -> Failed:
    """What failed at a destination."""
    same = job_file.c.run == run, job_file.c.endpoint == endpoint, job_file.c.state == "failed"
    counted = select(func.count(), func.count(job_file.c.delivery)).select_from(job_file).where(*same)
    count, begun = connection.execute(counted).one()
    if not count:
        return Failed(0)
    query = select(job_file.c.relative, job_file.c.reason).where(*same).order_by(job_file.c.relative).limit(1)
    relative, reason = connection.execute(query).one()
    joined = select(delivery.c.error_class).join(job_file, job_file.c.delivery == delivery.c.id).where(*same)
    classes = connection.execute(joined.distinct()).scalars()
    return Failed(count, count - begun, relative, reason or "", tuple(sorted(one for one in classes if one)))


def note_deleted(connection: Connection, run: int, endpoint: str, place: int, files: Sequence[FileRow]) -> None:
    """What was there beyond the source is gone."""
    job_destinations.note_files(connection, run, files)
    job_destinations.count(connection, run, endpoint, deleted=len(files))
    job_contents.forget_there(connection, place, [one.relative for one in files])
