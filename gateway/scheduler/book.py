"""What the scheduler asks of the ledger and tells it: a narrow seam, so that a simulation needs no database."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from gateway.core.moments import moment, ns
from gateway.ledger import Connection, checks, runs
from gateway.ledger.due_times import keep_times, last_times
from gateway.ledger.ledger import Ledger
from gateway.ledger.looks import Look, note_looks
from gateway.ledger.standing import HeldEndpoint, Standing, held_endpoints, standings
from gateway.scheduler.autocheck import Report

Standings = Mapping[str, Sequence[Standing]]
"""By source path."""


class Book(Protocol):
    """The ledger, as the scheduler needs it."""

    async def standings(self, sources: Mapping[str, Collection[str]]) -> Mapping[str, Standings]:
        """For each action, what stands in the way of which of `sources`."""
        ...

    async def note(self, looks: Sequence[Look]) -> None:
        """Record verdicts that changed."""
        ...

    async def held_endpoints(self) -> Mapping[str, HeldEndpoint]:
        """The endpoints that nobody is to try now, by name."""
        ...

    async def reports(self, action: str) -> Mapping[str, Report]:
        """When the CHECK of `action` last reported which file."""
        ...

    async def forget_reports(self, action: str, present: Collection[str]) -> None:
        """Drop the reports of files that are not `present`."""
        ...

    async def last_times(self) -> Mapping[str, datetime]:
        """For each action the last due time that was run or skipped."""
        ...

    async def keep_times(self, times: Mapping[str, datetime], skipped: Mapping[str, str]) -> None:
        """Record them; and for each action, in words, the due times for which nothing runs."""
        ...


class LedgerBook:
    """The book of the running gateway."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def standings(self, sources: Mapping[str, Collection[str]]) -> Mapping[str, Standings]:
        """One reading for all actions."""
        return await self._ledger.read(
            lambda connection: {
                action: _by_source(standings(connection, action, paths)) for action, paths in sources.items()
            }
        )

    async def note(self, looks: Sequence[Look]) -> None:
        """One transaction for all."""
        await self._ledger.write(lambda connection: note_looks(connection, looks))

    async def held_endpoints(self) -> Mapping[str, HeldEndpoint]:
        """Those with a time that is still to come."""
        now_ns = self._ledger.now_ns()
        held = await self._ledger.read(lambda connection: held_endpoints(connection, now_ns))
        return {one.endpoint: one for one in held}

    async def reports(self, action: str) -> Mapping[str, Report]:
        """As the tables have them."""
        rows = await self._ledger.read(lambda connection: checks.reports(connection, action))
        return {path: report_of(row) for path, row in rows.items()}

    async def forget_reports(self, action: str, present: Collection[str]) -> None:
        """One transaction."""
        await self._ledger.write(lambda connection: checks.forget_gone(connection, action, present))

    async def last_times(self) -> Mapping[str, datetime]:
        """As moments."""
        times = await self._ledger.read(last_times)
        return {action: moment(at) for action, at in times.items()}

    async def keep_times(self, times: Mapping[str, datetime], skipped: Mapping[str, str]) -> None:
        """One transaction for all."""
        at = self._ledger.now_ns()

        def work(connection: Connection) -> None:
            keep_times(connection, {action: ns(time) for action, time in times.items()})
            for action, note in skipped.items():
                runs.skip(connection, action, note, at)

        await self._ledger.write(work)


def report_of(row: checks.Report) -> Report:
    """As the ledger keeps it."""
    next_at = None if row.next_at is None else moment(row.next_at)
    return Report(row.stamp, moment(row.reported_at), row.failures, next_at)


def _by_source(found: Sequence[Standing]) -> Standings:
    grouped: defaultdict[str, list[Standing]] = defaultdict(list)
    for one in found:
        grouped[one.source].append(one)
    return grouped
