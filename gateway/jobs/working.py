"""The hands of job runs: triggers, collecting, index, destinations and cleaning put together for the run's loop."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway.core.errors import NotThere, Retryable
from gateway.endpoints.base import Endpoint
from gateway.jobs.cleaning import clean_source
from gateway.jobs.collecting import collect
from gateway.jobs.compiled import Part, source_folder
from gateway.jobs.content_cache import ContentCache
from gateway.jobs.destination import DestinationLife, TriggerFailed
from gateway.jobs.hands import Prepared
from gateway.jobs.indexing import index, source_at
from gateway.jobs.model import HERE, Job, Moment
from gateway.jobs.rounds import around
from gateway.jobs.shared_source import SharedSource
from gateway.jobs.triggers import Triggers
from gateway.jobs.underway import Underway
from gateway.language.nodes import Get
from gateway.ledger import job_destinations
from gateway.ledger.job_contents import Skipped
from gateway.ledger.job_destinations import PlaceRow
from gateway.ledger.job_states import WENT_WELL, TriggerState
from gateway.runner.services import Services
from gateway.transfer.hanging import Patience


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """`settle` brings deliveries to an endpoint to their end that a dead process left."""

    settle: Callable[[str], Awaitable[None]]

    def source(self, services: Services, job: Job) -> Endpoint:
        """Read once for all destinations that keep pace."""
        inner = services.sources(follow_links=job.source.follow_links)
        return SharedSource(inner, ContentCache(len(job.destinations)))

    async def prepare(self, under: Underway) -> Prepared:
        """before_indexing, a remote source collected, the index."""
        await require_source(under)
        await self._before_indexing(under)
        skipped = await self._collect(under) if under.job.source.endpoint is not None else ()
        folder = Path(source_folder(under.job, under.folders))
        cache = under.source.cache if isinstance(under.source, SharedSource) else None
        rehash = under.row.rehash
        made = await index(under.run, under.job, folder, under.services, rehash=rehash, cache=cache, skipped=skipped)
        under.entries = made.entries or ()
        return Prepared(manifest=made.manifest, notes=tuple(_notes(made.skipped)))

    async def carry(self, under: Underway, endpoint: str) -> None:
        """One try for a destination."""
        after = partial(self._after_endpoint, under)
        await DestinationLife(under=under, endpoint=endpoint, settle=self.settle, after_endpoint=after).carry()

    async def after_all(self, under: Underway, places: Sequence[PlaceRow], place: str) -> TriggerState:
        """after_all at one place, once."""
        part = _after_all_part(under, places, place)
        assert part is not None, f"after_all has no command at {place or 'the source'}"
        return await self._run(under, Moment.AFTER_ALL, place, part, places)

    async def clean(self, under: Underway) -> str:
        """after_success."""
        return await clean_source(under) if under.job.destinations else "none"

    def commands(self, under: Underway, places: Sequence[PlaceRow]) -> Mapping[str, bool]:
        """Where after_all has something to run: a platform may lack its command."""
        trigger = under.job.trigger(Moment.AFTER_ALL)
        machines = {one.endpoint: one.machine for one in under.job.destinations}
        said = {row.endpoint: machines[row.endpoint] for row in places} | {HERE: under.job.source.machine}
        return {
            place: trigger is not None and machine.platform in trigger.commands and machine.runs_commands
            for place, machine in said.items()
        }

    async def _before_indexing(self, under: Underway) -> None:
        trigger, machine = under.job.trigger(Moment.BEFORE_INDEXING), under.job.source.machine
        if trigger is None or machine.platform not in trigger.commands:
            return
        state = await self._run(under, Moment.BEFORE_INDEXING, HERE, under.prepare(), ())
        if state is TriggerState.AGAIN:
            raise Retryable("before_indexing asks to be run again")
        if state not in WENT_WELL:
            said = f"before_indexing {state.value}: gateway job show {under.run} shows what it printed"
            raise TriggerFailed(f"{said}; mend it and restart the run")

    async def _collect(self, under: Underway) -> Sequence[Skipped]:
        part = under.prepare()
        number, get = next((n, one) for n, one in enumerate(part.action.commands, 1) if isinstance(one, Get))
        async with around(under, part, number) as run:
            rehash = under.row.rehash
            made = await collect(under.run, under.job, run, get, under.folders.staging, rehash=rehash)
            return made.skipped

    async def _after_endpoint(self, under: Underway, row: PlaceRow) -> TriggerState | None:
        trigger, to = under.job.trigger(Moment.AFTER_ENDPOINT), under.destination(row)
        if trigger is None or to.machine.platform not in trigger.commands or not to.machine.runs_commands:
            return None
        places = await under.services.ledger.read(partial(job_destinations.of_run, run=under.run))
        return await self._run(under, Moment.AFTER_ENDPOINT, row.endpoint, under.deliver(row), places)

    async def _run(
        self, under: Underway, moment: Moment, place: str, part: Part, places: Sequence[PlaceRow]
    ) -> TriggerState:
        triggers = Triggers(under.services, under.loaded)
        return await triggers.run(under.row, under.job, moment, place, part, under.values(places))


def _after_all_part(under: Underway, places: Sequence[PlaceRow], place: str) -> Part | None:
    if place == HERE:
        return under.complete_source()
    return under.complete(next(one for one in places if one.endpoint == place))


def _notes(skipped: Sequence[Skipped]) -> Sequence[str]:
    """One line for what the source held and nobody gets."""
    failed = [one for one in skipped if one.failed]
    said = [f"{len(failed)} files of the source could not be taken: {_some(failed)}"] if failed else []
    left = [one for one in skipped if not one.failed]
    return [*said, f"{len(left)} skipped: {_some(left)}"] if left else said


def _some(skipped: Sequence[Skipped]) -> str:
    more = f" and {len(skipped) - 3} more" if len(skipped) > 3 else ""
    return ", ".join(f"{one.relative} ({one.why})" for one in skipped[:3]) + more


async def require_source(under: Underway) -> None:
    """The source folder must be there when a run starts.  Raises NotThere, or Retryable while its disk hangs."""
    path = under.job.source.path
    if under.job.source.endpoint is not None:
        return
    patience = Patience(source_at(path), under.services.clock)
    if not await patience.run(lambda _: Path(path).is_dir()):
        raise NotThere(f"the source {path} is not there, or is no folder; make it, then start {under.job.name} again")
