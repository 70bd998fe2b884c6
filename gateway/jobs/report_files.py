"""The report of a job run file by file: what became of each at every destination."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from gateway.core.moments import iso
from gateway.jobs.frozen import thaw
from gateway.jobs.manifest import FILE, wanted
from gateway.jobs.model import Job
from gateway.jobs.report import Cell, Report, Standing, patterns_of
from gateway.ledger import Connection, job_contents, job_destinations
from gateway.ledger.job_contents import Entry, Skipped, There
from gateway.ledger.job_destinations import FileRow
from gateway.ledger.job_runs import JobRunRow
from gateway.ledger.job_states import HAS_EVERYTHING

FILE_COLUMNS = ("run", "job", "endpoint", "path", "state", "bytes", "sha256", "at", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLine:
    """One file at one destination.  `at` is nanoseconds since the epoch, None where nothing was done."""

    endpoint: str
    relative: str
    state: str
    size_bytes: int
    sha256: str | None = None
    at: int | None = None
    reason: str | None = None


def file_lines(connection: Connection, report: Report, endpoint: str | None = None) -> Iterator[FileLine]:
    """Every file at every destination, or at one; by destination, then by path."""
    run, job = report.run, thaw(report.run.text)
    frozen = job_contents.entries(connection, run.manifest) if run.manifest is not None else []
    files = [one for one in frozen if one.kind == FILE]
    for place in report.places:
        if endpoint in (None, place.row.endpoint):
            yield from _of_place(connection, job, place, files)


def _of_place(connection: Connection, job: Job, place: Standing, files: Sequence[Entry]) -> Iterator[FileLine]:
    row = place.row
    noted = {one.relative: one for one in job_destinations.files_of(connection, row.run, row.endpoint)}
    there = _there(connection, place)
    lines = [_skipped_line(row.endpoint, one) for one in place.skipped]
    for entry in wanted(job, files, patterns_of(job, row.endpoint)):
        said = noted.pop(entry.relative, None)
        lines.append(_line(place, entry, there) if said is None else _noted_line(said, entry.sha256))
    lines += [_noted_line(one, None) for one in noted.values()]
    yield from sorted(lines, key=lambda line: line.relative)


def _there(connection: Connection, place: Standing) -> Mapping[str, There] | None:
    """What the place has, where that is asked; None: all that nothing is noted of is unchanged."""
    if place.row.state in HAS_EVERYTHING or (place.row.files and not place.rest):
        return None
    return job_contents.there(connection, place.row.place) if place.row.files else {}


def _line(place: Standing, entry: Entry, there: Mapping[str, There] | None) -> FileLine:
    """A file that no row speaks of."""
    known = there.get(entry.relative) if there is not None else None
    is_there = there is None or (known is not None and known.sha256 == entry.sha256)
    return FileLine(
        endpoint=place.row.endpoint,
        relative=entry.relative,
        state="unchanged" if is_there else "failed" if place.over else "waiting",
        size_bytes=entry.size,
        sha256=entry.sha256,
        reason=place.row.error if place.over and not is_there else None,
    )


def _noted_line(said: FileRow, sha256: str | None) -> FileLine:
    return FileLine(
        endpoint=said.endpoint,
        relative=said.relative,
        state=said.state,
        size_bytes=said.size,
        sha256=sha256,
        at=said.at,
        reason=said.reason,
    )


def _skipped_line(endpoint: str, one: Skipped) -> FileLine:
    return FileLine(endpoint=endpoint, relative=one.relative, state="skipped", size_bytes=0, reason=one.why)


def file_fields(run: JobRunRow, line: FileLine, zone: tzinfo) -> dict[str, Cell]:
    """One file, in the order of FILE_COLUMNS."""
    return {
        "run": run.id,
        "job": run.job,
        "endpoint": line.endpoint,
        "path": line.relative,
        "state": line.state,
        "bytes": line.size_bytes,
        "sha256": line.sha256,
        "at": iso(line.at, zone),
        "reason": line.reason,
    }
