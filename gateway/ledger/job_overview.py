"""Runs of jobs at a glance: those under way, and of each job the last one where it needs a person's look."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from gateway.ledger import job_runs
from gateway.ledger.job_runs import JobRunRow
from gateway.ledger.job_states import HAS_EVERYTHING, AfterAll, JobState, PlaceState
from gateway.ledger.job_tables import job_destination

_WELL = (JobState.FINISHED, JobState.SKIPPED, JobState.ABORTED)


@dataclass(frozen=True, slots=True)
class JobStanding:
    """A run, how many of its destinations are in each state, and how many of them ask whether they may delete."""

    run: JobRunRow
    states: Mapping[str, int]
    asking: int = 0

    @property
    def waits_for_person(self) -> str | None:
        """What a person must say before a run that goes on can come to its end."""
        if self.run.terminal:
            return None
        if self.run.after_all is AfterAll.UNKNOWN:
            return self.run.after_all_note
        which = f"gateway job show {self.run.id} says what, gateway job approve {self.run.id} lets it be done"
        return f"{self.asking} would delete more than delete_limit: {which}" if self.asking else None

    @property
    def complete(self) -> int:
        """How many have everything."""
        return sum(count for state, count in self.states.items() if state in HAS_EVERYTHING)


def standing(connection: Connection) -> tuple[JobStanding, ...]:
    """Runs that are not over, and the last of each job where it did not end well."""
    live = job_runs.live(connection)
    ended = [row for row in job_runs.latest(connection).values() if row.terminal and row.state not in _WELL]
    states = _states(connection, [row.id for row in (*live, *ended)])
    asking = _asking(connection, [row.id for row in live])
    return tuple(JobStanding(row, states.get(row.id, {}), asking.get(row.id, 0)) for row in (*live, *ended))


def _asking(connection: Connection, runs: list[int]) -> Mapping[int, int]:
    asks = job_destination.c.state == PlaceState.ERROR.value, job_destination.c.error_class == "ApprovalNeeded"
    query = select(job_destination.c.run, func.count()).where(job_destination.c.run.in_(runs), *asks)
    return {row[0]: row[1] for row in connection.execute(query.group_by(job_destination.c.run))}


def _states(connection: Connection, runs: list[int]) -> Mapping[int, dict[str, int]]:
    columns = job_destination.c.run, job_destination.c.state
    query = select(*columns, func.count()).where(job_destination.c.run.in_(runs)).group_by(*columns)
    found: dict[int, dict[str, int]] = {}
    for run, state, count in connection.execute(query):
        found.setdefault(run, {})[state] = count
    return found
