"""What a run's loop reads and writes: all rows of one state of things, each decision in one commit."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.jobs.decision import Decision
from gateway.jobs.model import Moment
from gateway.ledger import Connection, job_destinations, job_rounds, job_runs, job_triggers, pauses
from gateway.ledger.job_destinations import PlaceRow
from gateway.ledger.job_runs import JobRunRow
from gateway.ledger.job_states import (
    AFTER_ALL,
    HAS_EVERYTHING,
    PLACE,
    TERMINAL,
    JobState,
    PlaceState,
    TriggerState,
    may_follow,
    moved,
)

UNDER_WAY = (
    PlaceState.COMPARING,
    PlaceState.LOADING,
    PlaceState.VERIFYING,
    PlaceState.PLACING,
    PlaceState.AFTER_ENDPOINT,
)
"""Where a destination is while somebody works on it."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A run at one moment.  `starts` are the latest ones of after_all by place, `paused` are scopes that hold."""

    run: JobRunRow
    places: tuple[PlaceRow, ...]
    starts: Mapping[str, TriggerState]
    paused: frozenset[str]

    def place(self, endpoint: str) -> PlaceRow:
        """One destination."""
        return next(one for one in self.places if one.endpoint == endpoint)

    def is_held(self, endpoint: str) -> bool:
        """True while a person has paused the endpoint, or all."""
        return not self.paused.isdisjoint(("all", f"endpoint:{endpoint}"))


def read_rows(connection: Connection, run: int, now: int) -> Rows:
    """All of them in one transaction."""
    row = job_runs.get(connection, run)
    assert row is not None, f"job run {run} is gone"
    moment = Moment.AFTER_ALL.value
    starts = {one.place: one.state for one in job_triggers.of_run(connection, run) if one.moment == moment}
    held = frozenset(one.scope for one in pauses.paused(connection, now))
    return Rows(row, job_destinations.of_run(connection, run), starts, held)


def taken(connection: Connection, seen: Rows, owner: int, endpoints: Collection[str], at: int) -> None:
    """The run goes on in this process; a destination whose endpoint is no longer configured is not in it any more."""
    job_runs.adopt(connection, seen.run.id, owner)
    for one in seen.places:
        if one.endpoint not in endpoints and may_follow(PLACE, one.state, PlaceState.REMOVED):
            said = _said(f"{one.endpoint} was taken out of the configuration", "Removed")
            job_destinations.advance(connection, one, PlaceState.REMOVED, at, said)
            abandon(connection, [one], said["error"], at)


def write_decision(connection: Connection, seen: Rows, made: Decision, at: int) -> JobRunRow:
    """All that it says of rows.  Raises StateLost if somebody moved one on, JobAlreadyRuns."""
    for endpoint in made.exclude:
        job_destinations.change(connection, seen.run.id, endpoint, {"excluded": True})
    for endpoint, why in made.abort:
        _abort(connection, seen.place(endpoint), why, at)
    for endpoint, why in made.fail:
        no_after_all(connection, seen.place(endpoint), why, "CommandFailed", at)
    for endpoint in made.over:
        job_destinations.advance(connection, seen.place(endpoint), PlaceState.DONE, at, job_destinations.ALL_WELL)
    if made.to in TERMINAL:
        abandon(connection, seen.places, "the run ended without it", at)
        job_triggers.leave(connection, seen.run.id, "the run ended without it", at)
    return _run(connection, seen.run, made, at)


def no_after_all(connection: Connection, row: PlaceRow, why: str, error_class: str, at: int) -> None:
    """after_all failed at a destination, or can't be run there, which is no better: the source's will not run.

    Where nobody knows how it ends a person is awaited.
    """
    if job_triggers.give_up(connection, row.run, row.endpoint, why, at) is TriggerState.UNKNOWN:
        return
    job_destinations.advance(connection, row, PlaceState.ERROR, at, {**_said(why, error_class), "next_at": None})


def _abort(connection: Connection, row: PlaceRow, why: str, at: int) -> None:
    job_destinations.advance(connection, row, PlaceState.ABORTED, at, _said(why, "Aborted"))
    abandon(connection, [row], why, at)


def abandon(connection: Connection, places: Sequence[PlaceRow], why: str, at: int) -> None:
    """What waits for its name where somebody lacks something never gets it, and what was begun is given up."""
    for one in places:
        if one.action_run is not None and one.state not in HAS_EVERYTHING:
            job_rounds.abandon(connection, one.action_run, why, at)


def _run(connection: Connection, row: JobRunRow, made: Decision, at: int) -> JobRunRow:
    values: dict[str, Any] = {}
    if made.after_all is not None:
        what = f"job run {row.id}: after_all"
        values["after_all"] = moved(AFTER_ALL, row.after_all, made.after_all, what).value
    if made.after_all is not None or made.note is not None:
        values["after_all_note"] = made.note
    if made.to is JobState.PREPARING and row.deadline_at is not None:
        values["deadline_at"] = row.deadline_at + at - row.since  # while it waited for its turn nothing was late
    if made.to is None:
        if values:
            job_runs.change(connection, row.id, values)
        return row
    return job_runs.advance(connection, row, made.to, at, error=made.error, error_class=made.error_class, values=values)


def rest(connection: Connection, places: Sequence[PlaceRow], at: int) -> None:
    """Nobody works on these any more: what they were at is begun anew, by and by."""
    for one in places:
        if one.state in UNDER_WAY:
            job_destinations.advance(connection, one, PlaceState.QUEUED, at)


def give_up(connection: Connection, seen: Rows, why: str, at: int) -> None:
    """What is not at its end ends here; one that is down keeps its state, and its reason."""
    for one in seen.places:
        if one.state in (PlaceState.OFFLINE, PlaceState.ERROR, PlaceState.DELIVERED):
            continue
        if may_follow(PLACE, one.state, PlaceState.ABORTED):
            _abort(connection, one, why, at)
    abandon(connection, seen.places, why, at)
    job_triggers.leave(connection, seen.run.id, why, at)


def fail_run(connection: Connection, seen: Rows, at: int, error: str, error_class: str) -> JobRunRow:
    """The run can't go on, whoever tries."""
    give_up(connection, seen, error, at)
    values = {"after_all": "not_run", "after_all_note": f"not run ({error})"} if _waits(seen.run) else {}
    return job_runs.advance(
        connection, seen.run, JobState.FAILED, at, error=error, error_class=error_class, values=values
    )


def _waits(row: JobRunRow) -> bool:
    return row.after_all.value == "waiting"


def _said(why: str, error_class: str) -> dict[str, Any]:
    return {"error": why, "error_class": error_class}
