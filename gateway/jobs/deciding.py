"""What becomes of a job run next: barrier, quorum, exclusion, deadline.  Pure: rows and a time in, a `Decision` out.

The required destinations have everything: the barrier is open, after_all is run at each that has everything, at those
that come later as soon as they do, at the source when nobody is waited for any more; then the source is cleaned up.
Somebody who is down is tried again until the deadline; what only a person can mend keeps nobody waiting.
"""

from collections.abc import Iterator, Mapping, Sequence

from gateway.jobs.decision import Decision
from gateway.jobs.model import HERE, Job, Moment
from gateway.jobs.standing import Standing, aborted_at, excluded_at, is_due, times_of
from gateway.ledger.job_destinations import PlaceRow
from gateway.ledger.job_runs import JobRunRow
from gateway.ledger.job_states import HAS_EVERYTHING, WENT_WELL, AfterAll, JobState, PlaceState, TriggerState

Starts = Mapping[str, TriggerState | None]
"""after_all by place: each place that has such a command, with how its latest start stands (None: never started)."""

DEADLINE = "the deadline has passed"
_NOT_STARTED = (None, TriggerState.DUE, TriggerState.AGAIN, TriggerState.NOT_RUN)
_FAILED = (TriggerState.FAILED, TriggerState.NOT_RUN)
_UNENDED = (*_NOT_STARTED, TriggerState.STARTED)


def decide(run: JobRunRow, places: Sequence[PlaceRow], job: Job, starts: Starts, now: int) -> Decision:
    """What is to be done now; `now` in nanoseconds since the epoch."""
    is_late = run.deadline_at is not None and run.deadline_at <= now
    if run.terminal:
        return Decision()
    if run.state is JobState.SCHEDULED:
        return Decision(to=JobState.PREPARING) if run.due_at <= now else Decision(wake_at=run.due_at)
    if run.state in (JobState.PREPARING, JobState.PAUSED):
        return _timed_out(run, Standing.of(places, job.require)) if is_late else Decision(wake_at=run.deadline_at)
    if run.state is JobState.CLEANING:
        return Decision(clean=True)
    left_out = tuple(one.endpoint for one in places if (at := excluded_at(one, job)) is not None and at <= now)
    given_up = tuple(_given_up(places, job, now))
    if left_out or given_up:
        return Decision(exclude=left_out, abort=given_up)
    standing = Standing.of(places, job.require)
    if run.state is JobState.TRANSFERRING:
        return _transferring(run, standing, job, is_late=is_late, now=now)
    return _completing(run, standing, job, starts, is_late=is_late, now=now)


def _given_up(places: Sequence[PlaceRow], job: Job, now: int) -> Iterator[tuple[str, str]]:
    for one in places:
        at = aborted_at(one, job)
        if at is not None and at <= now:
            yield one.endpoint, f"{one.error} (abort_on = {one.error_class})"


def _transferring(run: JobRunRow, standing: Standing, job: Job, *, is_late: bool, now: int) -> Decision:
    trigger = job.trigger(Moment.AFTER_ALL)
    settled = trigger is not None and trigger.settled
    is_waiting = bool(standing.open) and not is_late
    if (not is_waiting) if settled else standing.has_enough:
        return Decision(
            to=JobState.COMPLETING,
            after_all=AfterAll.RUNNING if run.after_all is AfterAll.WAITING else None,
            abort=_stopped(standing) if is_late else (),
        )
    if is_late and standing.under_way:
        return _timed_out(run, standing)
    if not is_waiting:
        return _incomplete(run, standing)
    return _goes_on(run, standing, job, now)


def _goes_on(run: JobRunRow, standing: Standing, job: Job, now: int) -> Decision:
    begin = tuple(one.endpoint for one in standing.undone if is_due(one, now))
    return Decision(begin=begin, release=standing.loaded_enough, wake_at=_wake_at(run, standing, job, now))


def _wake_at(run: JobRunRow, standing: Standing, job: Job, now: int) -> int | None:
    times = [run.deadline_at, *(at for one in standing.undone for at in times_of(one))]
    times += [at for one in standing.undone for at in (excluded_at(one, job), aborted_at(one, job))]
    return min((at for at in times if at is not None and at > now), default=None)


def _stopped(standing: Standing) -> tuple[tuple[str, str], ...]:
    """Whoever is still at it when the deadline passes; one that is down stays what it is."""
    return tuple((one.endpoint, DEADLINE) for one in standing.under_way)


def _timed_out(run: JobRunRow, standing: Standing) -> Decision:
    lacks = standing.who_lacks()
    said = f"{DEADLINE}: {lacks}" if lacks else DEADLINE
    return Decision(
        to=JobState.TIMED_OUT,
        error=said,
        error_class="TimedOut",
        abort=_stopped(standing),
        after_all=_not_run(run),
        note=f"not run ({said})" if _not_run(run) else None,
    )


def _incomplete(run: JobRunRow, standing: Standing) -> Decision:
    """Nobody is left who could still come to have everything, and that is not enough."""
    lacks = standing.who_lacks()
    return Decision(
        to=JobState.FINISHED_WITH_ERRORS,
        error=standing.said(),
        error_class="Incomplete",
        after_all=_not_run(run),
        note=f"not run ({lacks})" if _not_run(run) else None,
    )


def _not_run(run: JobRunRow) -> AfterAll | None:
    return AfterAll.NOT_RUN if run.after_all is AfterAll.WAITING else None


def _completing(run: JobRunRow, standing: Standing, job: Job, starts: Starts, *, is_late: bool, now: int) -> Decision:
    waiting = tuple(one for one in standing.have if one.state is PlaceState.DELIVERED)
    over = tuple(one.endpoint for one in waiting if one.endpoint not in starts or starts[one.endpoint] in WENT_WELL)
    failed = tuple(
        (one.endpoint, "after_all failed")
        for one in waiting
        if starts.get(one.endpoint, TriggerState.OK) is TriggerState.FAILED
    )
    failed += tuple(
        (one.endpoint, f"after_all: {one.error}") for one in waiting if is_late and _is_put_off(one, starts)
    )
    late = _stopped(standing) if is_late else ()
    if over or failed or late:
        return Decision(over=over, fail=failed, abort=late)
    unknown = tuple(one.endpoint for one in waiting if starts[one.endpoint] is TriggerState.UNKNOWN)
    due = tuple(one for one in waiting if one.endpoint not in unknown)
    if due or (standing.open and not is_late):
        after = tuple(one.endpoint for one in due if (one.next_at or 0) <= now)
        going_on = _goes_on(run, standing, job, now)
        times = [at for at in (going_on.wake_at, *(one.next_at for one in due)) if at is not None and at > now]
        return Decision(begin=going_on.begin, after=after, release=True, wake_at=min(times, default=None))
    if unknown:
        return _unknown(run, unknown, is_late=is_late)
    return _at_source(run, standing, starts, is_late=is_late)


def _is_put_off(row: PlaceRow, starts: Starts) -> bool:
    """True where after_all was not started yet, since the place can't be reached, or asks for another time."""
    return row.next_at is not None and starts.get(row.endpoint) in _NOT_STARTED


def _unknown(run: JobRunRow, where: tuple[str, ...], *, is_late: bool) -> Decision:
    """It can't be known whether a command ran: a person says, until the deadline."""
    names = ", ".join(place or "the source" for place in where)
    said = f"nobody knows whether after_all ran at {names}; look there: `gateway job approve {run.id}` says that it did"
    if HERE not in where:
        said += f", `gateway job restart {run.id} --destination {where[0]}` starts it again"
    if is_late:
        state = AfterAll.UNKNOWN if run.after_all is AfterAll.RUNNING else None
        return Decision(
            to=JobState.FINISHED_WITH_ERRORS,
            error=said,
            error_class="Unknown",
            after_all=state,
            note=f"unknown ({names})",
        )
    if run.after_all is AfterAll.RUNNING:
        return Decision(after_all=AfterAll.UNKNOWN, note=said)
    return Decision(wake_at=run.deadline_at)


def _at_source(run: JobRunRow, standing: Standing, starts: Starts, *, is_late: bool) -> Decision:
    """All destinations have come to an end: the source is the last."""
    failed = sorted(place for place, state in starts.items() if state in _FAILED)
    if failed:
        return _failed(run, failed)
    state = starts.get(HERE)
    if HERE in starts and is_late and run.error is not None and state in _NOT_STARTED:
        return _failed(run, [HERE])
    if HERE in starts and state in _UNENDED:
        return Decision(after=(HERE,), wake_at=run.deadline_at)
    if state is TriggerState.UNKNOWN:
        return _unknown(run, (HERE,), is_late=is_late)
    ran = run.after_all in (AfterAll.RUNNING, AfterAll.UNKNOWN)
    return Decision(
        to=JobState.CLEANING, after_all=AfterAll.DONE if ran else None, note=_where(standing) if ran else None
    )


def _where(standing: Standing) -> str | None:
    """At whom it did not run."""
    return f"not at: {standing.who_lacks()}" if standing.undone else None


def _failed(run: JobRunRow, places: Sequence[str]) -> Decision:
    where = ", ".join(place or "the source" for place in places)
    said = f"after_all failed at {where}; the source was left as it is"
    ran = run.after_all in (AfterAll.RUNNING, AfterAll.UNKNOWN)
    return Decision(
        to=JobState.FINISHED_WITH_ERRORS,
        error=said,
        error_class="CommandFailed",
        after_all=AfterAll.FAILED if ran else None,
        note=f"failed at {where}",
    )


def went_well(run: JobRunRow, places: Sequence[PlaceRow]) -> bool:
    """True if a run that is cleaned up is `finished`: every destination has every file."""
    left = [one for one in places if one.state is not PlaceState.REMOVED]
    return run.cleaned != "failed" and all(one.state in HAS_EVERYTHING and not one.failed for one in left)
