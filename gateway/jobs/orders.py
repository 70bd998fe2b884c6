"""What a person asks of a run: each a change of its rows in one commit, refused where it can't be."""

from typing import Any

from gateway.core.errors import Refused, Unknown
from gateway.jobs.life_rows import Rows, abandon, give_up, rest
from gateway.ledger import Connection, job_destinations, job_runs, job_triggers
from gateway.ledger.job_destinations import PlaceRow
from gateway.ledger.job_runs import JobRunRow
from gateway.ledger.job_states import SETTLED, AfterAll, JobState, PlaceState, TriggerState, may_reopen

_MAY_PAUSE = (JobState.PREPARING, JobState.TRANSFERRING)
_BARRED = (JobState.COMPLETING, JobState.CLEANING)
_PAUSED = "paused"
_UNKNOWN = (TriggerState.STARTED, TriggerState.UNKNOWN)
_BEGUN_ANEW: dict[str, Any] = {**job_destinations.ALL_WELL, "excluded": False, "begins_at": None}


class RunIsOver(Refused):
    """What is asked for can only be done while the run goes on."""


def may_pause(seen: Rows) -> None:
    """Raises Refused."""
    run = seen.run
    if run.state not in (*_MAY_PAUSE, JobState.PAUSED):
        raise Refused(f"run {run.id} of {run.job} is {run.state.value}: only one that prepares or transfers is paused")


def pause(connection: Connection, seen: Rows, by: str, at: int) -> None:
    """preparing or transferring -> paused; partials stay where they are."""
    run = seen.run
    if run.state is JobState.PAUSED:
        return
    may_pause(seen)
    rest(connection, seen.places, at)
    row = job_runs.advance(connection, run, JobState.PAUSED, at)
    job_runs.note(connection, row, f"{_PAUSED} by {by}" if by else _PAUSED)


def resume(connection: Connection, seen: Rows, at: int) -> None:
    """Back to what was paused."""
    run = seen.run
    if run.state is not JobState.PAUSED:
        raise Refused(f"run {run.id} of {run.job} is {run.state.value}, not paused")
    _pause_over(connection, job_runs.advance(connection, run, run.paused_in or JobState.TRANSFERRING, at))


def _pause_over(connection: Connection, row: JobRunRow) -> None:
    """Who paused it stays noted, as something that was."""
    for one in row.notes:
        if one.startswith(_PAUSED):
            job_runs.note_instead(connection, row, one, f"was {one}")


def stop(connection: Connection, seen: Rows, by: str, at: int) -> None:
    """The run ends as it is: what was delivered stays."""
    run = seen.run
    if run.terminal:
        raise Refused(f"run {run.id} of {run.job} is over: {run.state.value}")
    said = f"stopped by {by}" if by else "stopped"
    give_up(connection, seen, said, at)
    values = _after_all_stopped(seen, said)
    row = job_runs.advance(connection, run, JobState.ABORTED, at, error=said, error_class="Stopped", values=values)
    _pause_over(connection, row)


def _after_all_stopped(seen: Rows, said: str) -> dict[str, Any]:
    """What became of after_all where the run is stopped: a command that was started goes on, unwatched."""
    if seen.run.after_all is AfterAll.WAITING:
        return {"after_all": AfterAll.NOT_RUN.value, "after_all_note": f"not run ({said})"}
    if seen.run.after_all not in (AfterAll.RUNNING, AfterAll.UNKNOWN):
        return {}
    started = sorted(place for place, state in seen.starts.items() if state in _UNKNOWN)
    names = ", ".join(place or "the source" for place in started)
    state = AfterAll.UNKNOWN if started else AfterAll.FAILED
    return {"after_all": state.value, "after_all_note": f"{said}; under way at {names}" if started else said}


def approve(connection: Connection, seen: Rows, endpoint: str | None, at: int) -> None:
    """Deletions above the limit may be done; where nobody knows whether after_all ran, a person says that it did."""
    _require_live(seen)
    waiting = [one for one in seen.places if endpoint in (None, one.endpoint) and _asks(one)]
    for one in waiting:
        values = {"approved": True, "next_at": at, "begins_at": None}
        job_destinations.change(connection, one.run, one.endpoint, values)
    places = [place for place, state in seen.starts.items() if state is TriggerState.UNKNOWN]
    unknown = [place for place in places if endpoint in (None, place)]
    for place in unknown:
        _known(connection, seen, place, TriggerState.OK, "a person says that it ran", at)
    if not waiting and not unknown:
        where = f" at {endpoint}" if endpoint else ""
        raise Refused(f"run {seen.run.id} of {seen.run.job}: nothing waits for approval{where}")


def _require_live(seen: Rows) -> None:
    """Raises RunIsOver."""
    run = seen.run
    if run.terminal:
        raise RunIsOver(f"run {run.id} of {run.job} is over: {run.state.value}; gateway job restart {run.id}")


def may_begin_again(seen: Rows, endpoint: str) -> None:
    """Raises RunIsOver, Refused, Unknown."""
    run, row = seen.run, place_of(seen, endpoint)
    _require_live(seen)
    if _is_unknown(seen, endpoint):
        return
    said = f"run {run.id} of {run.job}"
    if run.state in _BARRED and row.state in (PlaceState.DELIVERED, PlaceState.DONE):
        raise Refused(f"{said} is {run.state.value}: after_all is at work; wait for the end of the run")
    if row.state in (PlaceState.DONE, PlaceState.REMOVED):
        raise Refused(f"{said}: {endpoint} is {row.state.value}")


def _is_unknown(seen: Rows, endpoint: str) -> bool:
    return seen.run.state in _BARRED and seen.starts.get(endpoint) is TriggerState.UNKNOWN


def begin_again(connection: Connection, seen: Rows, endpoint: str, at: int) -> None:
    """A destination of a live run drops what it has under way and begins anew.

    Where nobody knows whether after_all ran there, it is started again.
    """
    row = place_of(seen, endpoint)
    may_begin_again(seen, endpoint)
    if _is_unknown(seen, endpoint):
        _known(connection, seen, endpoint, TriggerState.AGAIN, "a person says: start it again", at)
        return
    abandon(connection, [row], "the destination was begun anew", at)
    _queue(connection, row, at)


def _known(connection: Connection, seen: Rows, place: str, state: TriggerState, said: str, at: int) -> None:
    row = job_triggers.latest(connection, seen.run.id, job_triggers.AFTER_ALL, place)
    assert row is not None
    job_triggers.advance(connection, row, state, {"ended_at": at, "error": said})


def reopen(connection: Connection, seen: Rows, endpoint: str, deadline_at: int, at: int) -> None:
    """A destination of a run that is over completes it, while after_all was not run and no newer run exists."""
    run, row = seen.run, place_of(seen, endpoint)
    if not may_reopen(run.state, run.after_all):
        after_all = f", after_all: {run.after_all.value}" if run.after_all is not AfterAll.NONE else ""
        raise Refused(
            f"run {run.id} of {run.job} is {run.state.value}{after_all}; it can't be completed any more, "
            f"run the job again: gateway job restart {run.id}"
        )
    newer = next((one for one in job_runs.of_job(connection, run.job, 1) if one.id > run.id), None)
    if newer is not None:
        raise Refused(f"run {newer.id} of {run.job} is newer than run {run.id}; restart {endpoint} there")
    _queue(connection, row, at)
    back = {"after_all": AfterAll.WAITING.value} if run.after_all is AfterAll.NOT_RUN else {}
    cleared = {"error": None, "error_class": None, "after_all_note": None, "deadline_at": deadline_at, "owner": None}
    job_runs.advance(connection, run, JobState.TRANSFERRING, at, values={**cleared, **back})


def place_of(seen: Rows, endpoint: str) -> PlaceRow:
    """Raises Unknown with what there is."""
    found = next((one for one in seen.places if one.endpoint == endpoint), None)
    if found is None:
        names = ", ".join(one.endpoint for one in seen.places)
        raise Unknown(f"run {seen.run.id} of {seen.run.job} has no destination {endpoint!r}; it has {names}")
    return found


def _queue(connection: Connection, row: PlaceRow, at: int) -> None:
    values = {**_BEGUN_ANEW, "begun": row.begun + 1}
    if row.state is PlaceState.QUEUED:
        job_destinations.change(connection, row.run, row.endpoint, values)
    else:
        job_destinations.advance(connection, row, PlaceState.QUEUED, at, values)


def _asks(row: PlaceRow) -> bool:
    return row.error_class == "ApprovalNeeded" and row.state not in SETTLED
