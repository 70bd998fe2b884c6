"""The report of a job run: what became of every file at every destination, in numbers that add up.

A destination's files are delivered, unchanged, skipped or failed; while it is not at its end the rest is waiting.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.jobs.frozen import thaw
from gateway.jobs.ignore import Ignore
from gateway.jobs.left_behind import left_behind
from gateway.jobs.manifest import FILE, wanted
from gateway.jobs.model import Job
from gateway.language.pattern import is_temporary
from gateway.ledger import Connection, job_contents, job_destinations, job_moving, job_runs, job_triggers
from gateway.ledger.job_contents import Entry, ManifestRow, Skipped
from gateway.ledger.job_destinations import PlaceRow
from gateway.ledger.job_runs import JobRunRow
from gateway.ledger.job_states import HAS_EVERYTHING, AfterAll, PlaceState
from gateway.ledger.job_triggers import TriggerRow

TRIED = (
    PlaceState.COMPARING,
    PlaceState.LOADING,
    PlaceState.VERIFYING,
    PlaceState.PLACING,
    PlaceState.AFTER_ENDPOINT,
)
"""What a destination goes through when it is tried."""

Cell = str | int | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One destination of a run; `skipped` counts what lies at the source and is not sent, too.

    `files` are those that it is to have, `over`: the run is, and why it failed, if it did.  `moving` are bytes of files
    under way that are there already.
    """

    row: PlaceRow
    skipped: tuple[Skipped, ...]
    files: int
    over: bool
    over_by: str | None = None
    moving: int = 0

    @property
    def waiting(self) -> int:
        """Files that nothing is known of yet; none once the run is over."""
        return 0 if self.over else self.rest

    @property
    def failed(self) -> int:
        """Files that it could not be given; once the run is over that is all that it lacks."""
        return self.row.failed + (self.rest if self.over else 0)

    @property
    def error(self) -> str | None:
        """What is wrong there now: while it is tried again nothing is, for all that is known."""
        return None if self.row.state in TRIED else self.row.error

    @property
    def rest(self) -> int:
        """Files that no row speaks of."""
        row = self.row
        return max(0, self.files - row.delivered - row.unchanged - row.skipped - row.failed)

    @property
    def bytes_there(self) -> int:
        """Of all that it lacked; while names are given all of that lies there."""
        row = self.row
        if row.state is PlaceState.PLACING:
            return max(row.bytes, row.bytes_sent)
        return row.bytes_sent + min(self.moving, max(0, row.bytes - row.bytes_sent))

    @property
    def skipped_count(self) -> int:
        """All that is skipped."""
        return self.row.skipped + len(self.skipped)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A run as it stands in the ledger at one moment."""

    run: JobRunRow
    places: tuple[Standing, ...]
    starts: tuple[TriggerRow, ...]
    manifest: ManifestRow | None
    kept: tuple[str, ...] = ()
    """What it has left half-way, once it is over."""


def read_report(connection: Connection, found: int) -> Report | None:
    """The run, its destinations and its commands; None if there is no such run."""
    row = job_runs.get(connection, found)
    if row is None:
        return None
    frozen = job_contents.manifest_of(connection, row.manifest) if row.manifest is not None else None
    job, skipped = thaw(row.text), frozen.skipped if frozen is not None else ()
    sizes = _Sizes(connection, row, job)
    places = job_destinations.of_run(connection, found)
    moving = {} if row.terminal else job_moving.moving(connection, [one.action_run for one in places if one.action_run])
    return Report(
        run=row,
        places=tuple(
            Standing(
                row=one,
                skipped=_skipped_for(job, one.endpoint, skipped),
                files=sizes.of(one),
                over=row.terminal,
                over_by=row.error,
                moving=moving.get(one.action_run or 0, 0),
            )
            for one in places
        ),
        starts=job_triggers.of_run(connection, found),
        manifest=frozen,
        kept=tuple(left_behind(connection, places)) if row.terminal else (),
    )


class _Sizes:
    """How many files each destination of a run is to have; the manifest is read once, and only where no row says it."""

    def __init__(self, connection: Connection, run: JobRunRow, job: Job) -> None:
        self._connection = connection
        self._run = run
        self._job = job
        self._files: list[Entry] | None = None
        self._wanted: dict[tuple[str, ...], int] = {}

    def of(self, place: PlaceRow) -> int:
        """One that a run never came to compare lacks them all at its end."""
        manifest = self._run.manifest
        if place.files or not self._run.terminal or manifest is None or place.state in HAS_EVERYTHING:
            return place.files
        if self._files is None:
            self._files = [one for one in job_contents.entries(self._connection, manifest) if one.kind == FILE]
        patterns = patterns_of(self._job, place.endpoint)
        if patterns not in self._wanted:
            self._wanted[patterns] = len(wanted(self._job, self._files, patterns))
        return self._wanted[patterns]


def _skipped_for(job: Job, endpoint: str, skipped: Sequence[Skipped]) -> tuple[Skipped, ...]:
    """What a destination would have had, were it sent: not what its profile leaves out anyway."""
    patterns = patterns_of(job, endpoint)
    if not patterns or not skipped:
        return tuple(skipped)
    leaves_out = Ignore(patterns)
    return tuple(one for one in skipped if _is_hidden(one.relative) or not leaves_out(one.relative))


def _is_hidden(relative: str) -> bool:
    """Left out by itself: it is said all the same, for whoever looks for the file."""
    return is_temporary(relative.rstrip("/").rpartition("/")[2])


def patterns_of(job: Job, endpoint: str) -> tuple[str, ...]:
    """What a destination's profile leaves out."""
    to = job.destination(endpoint)
    return to.profile.ignore if to is not None else ()


def run_fields(report: Report) -> dict[str, object]:
    """What `job show RUN --json` prints, and what is told of a run: these fields, and no others."""
    run = report.run
    return {
        "run": run.id,
        "job": run.job,
        "state": run.state.value,
        "terminal": run.terminal,
        "hashed_files": run.hashed_files,
        "kept_hashes": run.kept_hashes,
        "source_bytes_read": run.source_bytes_read,
        "after_all": after_all_said(run),
        "destinations": [place_fields(one) for one in report.places],
    }


def place_fields(place: Standing) -> dict[str, Cell]:
    """One destination of it."""
    row = place.row
    return {
        "endpoint": row.endpoint,
        "state": row.state.value,
        "delivered": row.delivered,
        "unchanged": row.unchanged,
        "skipped": place.skipped_count,
        "failed": place.failed,
        "bytes_sent": row.bytes_sent,
        "error": place.error,
    }


def after_all_said(run: JobRunRow) -> str:
    """`done`, `waiting`, `not run (shop017 offline)` …; `none`: the job has no such command."""
    word, note = run.after_all.value.replace("_", " "), run.after_all_note
    if note is None or run.after_all is AfterAll.NONE:
        return word
    return note if note.startswith(word) else f"{word} ({note})"
