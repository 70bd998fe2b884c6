"""`gateway job runs`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from textwrap import shorten

from gateway.cli.doing import do
from gateway.cli.job_table import took
from gateway.cli.moments import short
from gateway.cli.output import Row, print_rows
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.moments import iso
from gateway.core.units import show_size
from gateway.jobs.report import Standing, after_all_said, read_report
from gateway.ledger import Connection, job_runs
from gateway.ledger.job_runs import JobRunRow
from gateway.ledger.job_states import HAS_EVERYTHING
from gateway.service.near_names import unknown
from gateway.service.reading import NothingYet, reading

COLUMNS = ("run", "job", "when", "trigger", "state", "complete", "sent", "took", "said")
_SAID_AT_MOST = 100
_FOR_PEOPLE = ("when", "complete", "sent", "took", "said")


def list_runs(job: str | None, *, limit: int, active: bool, as_json: bool) -> None:
    """A row a run, newest first."""
    rows = do(partial(_rows, job=job, limit=limit, active=active), looks_back=True)
    if as_json:
        rows = [{key: value for key, value in row.items() if key not in _FOR_PEOPLE} for row in rows]
    empty = "No run goes on." if active else "No job ran yet; gateway job start NAME starts one."
    print_rows(rows, COLUMNS, as_json=as_json, empty=empty)


@dataclass(frozen=True, slots=True)
class _Found:
    run: JobRunRow
    places: Sequence[Standing]


async def _rows(loaded: Loaded, clock: Clock, job: str | None, limit: int, active: bool) -> list[Row]:
    try:
        async with reading(loaded, clock) as ledger:
            found = await ledger.read(partial(_found, job=job, limit=limit, active=active))
            now = ledger.now_ns()
    except NothingYet:
        found, now = [], 0
    if not found and job is not None and job not in loaded.config.jobs:
        raise unknown("job", job, loaded.config.jobs)
    return [_row(one, loaded.zone(), now) for one in found]


def _found(connection: Connection, job: str | None, limit: int, active: bool) -> list[_Found]:
    rows = job_runs.live(connection) if active else job_runs.of_job(connection, job, limit)
    chosen = [row for row in rows if job in (None, row.job)][:limit]
    reports = [report for row in chosen if (report := read_report(connection, row.id)) is not None]
    return [_Found(report.run, report.places) for report in reports]


def _row(found: _Found, zone: tzinfo, now: int) -> Row:
    run, places = found.run, [one.row for one in found.places]
    complete = sum(one.state in HAS_EVERYTHING for one in places)
    began = run.started_at or run.due_at
    took_s = max(0, (run.ended_at or now) - began) / 1e9
    return {
        "run": run.id,
        "job": run.job,
        "state": run.state.value,
        "terminal": run.terminal,
        "trigger": run.trigger,
        "asked_by": run.asked_by,
        "restarted_from": run.restarted_from,
        "priority": run.priority,
        "due_at": iso(run.due_at, zone),
        "started_at": iso(run.started_at, zone),
        "ended_at": iso(run.ended_at, zone),
        "deadline_at": iso(run.deadline_at, zone),
        "destinations": len(places),
        "complete_destinations": complete,
        "delivered": sum(one.delivered for one in places),
        "unchanged": sum(one.unchanged for one in places),
        "failed": sum(one.failed for one in found.places),
        "bytes_sent": sum(one.bytes_sent for one in places),
        "after_all": after_all_said(run),
        "cleaned": run.cleaned,
        "notes": list(run.notes),
        "error": run.error,
        "error_class": run.error_class,
        "when": short(began, zone),
        "complete": f"{complete} of {len(places)}" if places else None,
        "sent": show_size(sum(one.bytes_there for one in found.places)),
        "took": took(took_s) if run.started_at is not None else None,
        "said": shorten(run.error or "; ".join(run.notes), _SAID_AT_MOST, placeholder=" …") or None,
    }
