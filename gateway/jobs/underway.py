"""A job run under way: what its parts share.  Everything that must outlive this process stands in the ledger."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.config.loaded import Loaded
from gateway.core.moments import moment
from gateway.endpoints.base import Endpoint
from gateway.jobs.compiled import Folders, Part, complete, complete_source, deliver, prepare
from gateway.jobs.instances import instance_of, job_values
from gateway.jobs.manifest import entries
from gateway.jobs.model import Destination, Job
from gateway.jobs.paths import command_folder
from gateway.jobs.read import folders_of
from gateway.ledger.job_contents import Entry
from gateway.ledger.job_destinations import PlaceRow
from gateway.ledger.job_runs import JobRunRow
from gateway.ledger.job_states import HAS_EVERYTHING, PlaceState
from gateway.runner.instance import Instance
from gateway.runner.moving import Moving
from gateway.runner.places import Places
from gateway.runner.services import Services


def told_nobody() -> None:
    """Nobody waits for a row to change."""


@dataclass(slots=True, kw_only=True)
class Underway:
    """One live run.

    `row` is as it was read last, `job` is the frozen one.  `source` is what all destinations read from.  `entries` is
    the manifest as far as it is known already (`all_entries`).  `released` is set once final names may be given
    (`release = together`; set from the start for any other job).  `moved` is called after each arrow of a destination:
    somebody decides then.  `moving` is how far its files under way are.
    """

    row: JobRunRow
    job: Job
    loaded: Loaded
    services: Services
    places: Places
    source: Endpoint
    entries: Sequence[Entry] = ()
    released: asyncio.Event = field(default_factory=asyncio.Event)
    moved: Callable[[], None] = told_nobody
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    moving: Moving = field(default_factory=Moving)

    async def all_entries(self) -> Sequence[Entry]:
        """What the run distributes; read once, by the first that needs it."""
        async with self.reading:
            if not self.entries and self.row.manifest is not None:
                self.entries = await entries(self.services.ledger, self.row.manifest)
        return self.entries

    @property
    def run(self) -> int:
        """Its number."""
        return self.row.id

    @property
    def folders(self) -> Folders:
        """Where this machine keeps the job's files."""
        return folders_of(self.loaded.state, self.job.name)

    def destination(self, row: PlaceRow) -> Destination:
        """A destination as the run froze it: its folder with the macros put in when the run started."""
        found = self.job.destination(row.endpoint)
        assert found is not None, f"{row.endpoint} is no destination of run {self.run}"
        return frozen_destination(self.loaded, found, row.folder, row.priority)

    def deliver(self, row: PlaceRow) -> Part:
        """The action of a destination."""
        return deliver(self.job, self.destination(row), self.folders)

    def complete(self, row: PlaceRow) -> Part | None:
        """What after_all does at a destination, None where it has no command."""
        return complete(self.job, self.destination(row))

    def prepare(self) -> Part:
        """What comes before the index."""
        return prepare(self.job, self.folders)

    def complete_source(self) -> Part:
        """What after_all does at the source, last."""
        return complete_source(self.job, self.folders)

    def instance(self, part: Part) -> Instance:
        """A part bound to its endpoint."""
        return instance_of(self.loaded, part, self.values(()))

    def values(self, places: Sequence[PlaceRow]) -> Mapping[str, str]:
        """What %job_run% and its like mean; those of destinations count what has become of them."""
        return run_values(self.loaded, self.row, places)


_FAILED = (PlaceState.ERROR, PlaceState.OFFLINE, PlaceState.ABORTED)


def run_values(loaded: Loaded, row: JobRunRow, places: Sequence[PlaceRow]) -> Mapping[str, str]:
    """What the macros of jobs mean in a run."""
    started = moment(row.started_at or row.due_at, loaded.zone())
    ok = sum(one.state in HAS_EVERYTHING for one in places)
    failed = sum(one.state in _FAILED for one in places)
    return job_values(row.id, started.isoformat(timespec="seconds"), ok, failed)


def frozen_destination(loaded: Loaded, to: Destination, folder: str, priority: int) -> Destination:
    """`to` with the folder that a run uses from its start to its end."""
    settings = loaded.config.endpoints.get(to.endpoint)
    below = command_folder(settings, folder) if settings is not None else folder
    machine = replace(to.machine, command_folder=below)
    return replace(to, folder=folder, place=folder, priority=priority, machine=machine)
