"""Starting a run: all that it goes by from now on is frozen in one commit — job, members, folders, deadline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.config.loaded import Loaded
from gateway.core.moments import ns
from gateway.jobs.compiled import deliver
from gateway.jobs.frozen import digest, freeze
from gateway.jobs.instances import instance_of, job_values
from gateway.jobs.model import Destination, Job, Moment
from gateway.jobs.read import folders_of
from gateway.jobs.schedule import Clocks, begins_at, deadline_at
from gateway.jobs.schedule import Start as DueStart
from gateway.ledger import Connection, job_destinations, job_runs
from gateway.ledger.job_destinations import NewPlace
from gateway.ledger.job_runs import JobAlreadyRuns, JobRunRow, NewJobRun
from gateway.ledger.job_states import JobState
from gateway.runner.instance_values import instance_values
from gateway.runner.texts import expanded_path

HAND, SCHEDULE, CATCH_UP, SAVED, RESTART = "hand", "schedule", "catch_up", "saved", "restart"


Also = Callable[[Connection], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A start that is asked for: by whom, or for which time of the schedule (`due`)."""

    trigger: str = HAND
    by: str | None = None
    priority: int | None = None
    rehash: bool = False
    restarted_from: int | None = None
    due: DueStart | None = None

    @property
    def is_asked(self) -> bool:
        """True if a person waits for an answer."""
        return self.due is None or self.trigger == SAVED


@dataclass(frozen=True, slots=True)
class Frozen:
    """A run as it goes into the ledger."""

    run: NewJobRun
    places: tuple[NewPlace, ...]


def clocks_of(loaded: Loaded, job: Job, saved_at: datetime) -> Clocks:
    """Whose clocks the job's schedule goes by."""
    each = [loaded.zone(one.endpoint) for one in job.destinations if one.endpoint in loaded.config.endpoints]
    return Clocks(zone=loaded.zone(), saved_at=saved_at, each=each)


def frozen_run(loaded: Loaded, job: Job, start: Start, saved_at: datetime, now: datetime) -> Frozen:
    """Everything that a run goes by, macros in folders put in as they are now."""
    clocks = clocks_of(loaded, job, saved_at)
    due_at = start.due.at if start.due is not None else now
    return Frozen(
        NewJobRun(
            job=job.name,
            text=freeze(job),
            digest=digest(job),
            trigger=start.trigger,
            asked_by=start.by,
            priority=start.priority or job.priority,
            due_at=ns(due_at),
            restarted_from=start.restarted_from,
            wall=start.due.wall.isoformat() if start.due is not None else None,
            deadline_at=ns(deadline_at(job.deadline, now, job.schedule, clocks)),
            rehash=start.rehash or job.rehash_all,
            has_after_all=job.trigger(Moment.AFTER_ALL) is not None,
        ),
        tuple(_place(loaded, job, one, start, now) for one in job.destinations),
    )


def _place(loaded: Loaded, job: Job, to: Destination, start: Start, now: datetime) -> NewPlace:
    begins = begins_at(start.due, job.schedule, loaded.zone(to.endpoint)) if start.due is not None else None
    return NewPlace(
        endpoint=to.endpoint,
        folder=_expanded(loaded, job, to, now),
        priority=start.priority or to.priority,
        begins_at=ns(begins) if begins is not None else None,
    )


def _expanded(loaded: Loaded, job: Job, to: Destination, now: datetime) -> str:
    """The folder at the start of the run: midnight changes nothing."""
    if "%" not in to.place:
        return to.place
    nobody = job_values(0, now.isoformat(), 0, 0)
    instance = instance_of(loaded, deliver(job, to, folders_of(loaded.state, job.name)), nobody)
    values = instance_values(instance, instance.settings.first, loaded.config.macros, to.place, now)
    return expanded_path(to.place, values).rstrip("/") or "/"


def start_row(
    connection: Connection, frozen: Frozen, *, at: int, asked: bool, skip_if_running: bool, also: Also | None = None
) -> int:
    """The run and its destinations: `scheduled`, or `skipped` beside one that goes on; its number.

    `also` is written in the same commit, for whatever becomes of it.

    Raises JobAlreadyRuns where a person asked: nobody wants two runs by hand in a row unseen.
    """
    if also is not None:
        also(connection)
    live = (row for row in job_runs.live(connection) if row.job == frozen.run.job)
    going_on = next((row for row in live if not _ends_now(row, at)), None)
    if going_on is not None and (skip_if_running or asked):
        said = f"run {going_on.id} of {frozen.run.job} is {going_on.state.value}"
        if asked:
            raise JobAlreadyRuns(f"{said}; wait for its end, or: gateway job stop {going_on.id}")
        return job_runs.skip_run(connection, frozen.run, said, at)
    found = job_runs.schedule_run(connection, frozen.run, at)
    job_destinations.add(connection, found, frozen.places, at)
    return found


def _ends_now(row: JobRunRow, at: int) -> bool:
    """True for a run whose deadline has come, which usually is the next start: that one takes its place."""
    return row.state is not JobState.SCHEDULED and row.deadline_at is not None and row.deadline_at <= at


def skip_rows(connection: Connection, new: NewJobRun, skipped: Sequence[DueStart], at: int) -> None:
    """Starts that were missed, and are too late to be made good, stand in history as one row."""
    if skipped:
        first, last = skipped[0].wall, skipped[-1].wall
        times = f"{first:%Y-%m-%d %H:%M}" + (f" to {last:%Y-%m-%d %H:%M}" if len(skipped) > 1 else "")
        job_runs.skip_run(connection, new, f"{len(skipped)} missed ({times}); misfire says not to make it good", at)
