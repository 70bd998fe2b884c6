"""Runs of jobs at a glance: those under way, and of each job the last one where it needs a person's look."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from gateway.ledger import job_runs
from gateway.ledger.job_runs import JobRunRow
from gateway.ledger.job_states import HAS_EVERYTHING, JobState
from gateway.ledger.job_tables import job_destination

_WELL = (JobState.FINISHED, JobState.SKIPPED, JobState.ABORTED)


@dataclass(frozen=True, slots=True)
class JobStanding:
    """A run, and how many of its destinations are in each state."""

    run: JobRunRow
    states: Mapping[str, int]

    @property
    def complete(self) -> int:
        """How many have everything."""
        return sum(count for state, count in self.states.items() if state in HAS_EVERYTHING)


def standing(connection: Connection) -> tuple[JobStanding, ...]:
    """Runs that are not over, and the last of each job where it did not end well."""
    live = job_runs.live(connection)
    ended = [row for row in job_runs.latest(connection).values() if row.terminal and row.state not in _WELL]
    states = _states(connection, [row.id for row in (*live, *ended)])
    return tuple(JobStanding(row, states.get(row.id, {})) for row in (*live, *ended))


def _states(connection: Connection, runs: list[int]) -> Mapping[int, dict[str, int]]:
    columns = job_destination.c.run, job_destination.c.state
    query = select(*columns, func.count()).where(job_destination.c.run.in_(runs)).group_by(*columns)
    found: dict[int, dict[str, int]] = {}
    for run, state, count in connection.execute(query):
        found.setdefault(run, {})[state] = count
    return found
