"""The files of one try: compared, sent, placed, what is beyond the source deleted; all under one run of the action."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, time
from functools import partial

import structlog

from gateway.core.errors import GatewayError, NeedsOperator, Retryable
from gateway.core.moments import moment, ns
from gateway.endpoints.base import Endpoint
from gateway.jobs import manifest
from gateway.jobs.absent import Extra, delete_absent, require_few, sweep_archive
from gateway.jobs.arriving import require_same
from gateway.jobs.comparing import Asked, Compared, compare, look_at, nothing_to_do
from gateway.jobs.compiled import source_folder
from gateway.jobs.loading import Loading
from gateway.jobs.manifest import FILE
from gateway.jobs.model import Destination
from gateway.jobs.modes import said as mode_said
from gateway.jobs.modes import set_modes
from gateway.jobs.place_look import PlaceLook
from gateway.jobs.place_tree import side_by_side
from gateway.jobs.schedule import next_showing
from gateway.jobs.underway import Underway
from gateway.language.nodes import Put
from gateway.ledger import Ledger, deliveries, job_destinations, job_rounds
from gateway.ledger.delivery_row import DeliveryRow
from gateway.ledger.job_contents import Entry
from gateway.ledger.job_destinations import FileRow, PlaceRow
from gateway.ledger.job_rounds import Wanted
from gateway.ledger.job_states import PlaceState
from gateway.runner.interrupted import recalled
from gateway.runner.run import Run
from gateway.transfer.bounded import cleaned
from gateway.transfer.send import make_folders
from gateway.transfer.sweep import sweep

log = structlog.get_logger(__name__)

_FOLDERS_AT_ONCE = 32


@dataclass(slots=True, kw_only=True)
class Bringing:
    """`row` is as the try found it; `advance` writes an arrow."""

    under: Underway
    row: PlaceRow
    to: Destination
    run: Run
    put: Put
    gated: bool
    advance: Callable[[PlaceState], Awaitable[None]]

    async def bring(self) -> None:
        """All that is missing.  Raises the error of a file that can't be had, or what concerns the endpoint."""
        loading = self._loading()
        laid = await loading.laid() if self.gated else ()
        async with self.run.services.pool.session(self.run.endpoint) as peer:
            compared, look = await self._compared(peer, laid)
            if self._deletes(compared):
                require_few(self._extra(compared))  # before anything is sent: who waits for a person changes nothing
            await self._make_folders(peer, compared.folders)
        there = {row.intent.share.relative for row in laid if row.intent.share is not None}
        missing = [entry for entry in compared.missing if entry.relative not in there]
        if missing or laid:
            await self.advance(PlaceState.LOADING)
            await loading.send(missing, compared.standing, gated=self.gated)
        await self._require_all(len(compared.refused))
        if self.gated:
            await self._place(loading, moves=bool(missing or laid))
            await self._require_all(len(compared.refused))
        await self._beyond(compared, look)

    async def _beyond(self, compared: Compared, look: PlaceLook | None) -> None:
        """The executable bit of what was there, what is beyond the source, what is in the archive for too long."""
        modes = await self._set_modes(compared)
        if self._deletes(compared):
            async with self.run.services.pool.session(self.run.endpoint) as peer:
                await self._delete(peer, compared)
        elif look is not None and not compared.refused:
            sent = compared.missing
            await look.note_after(compared.unchanged + len(sent), sent, modes, compared.folders)
        await self._tidy(changed=look is not None or bool(compared.extra))

    async def _set_modes(self, compared: Compared) -> Sequence[Entry]:
        """What of them could be set; each stands in the report as the unchanged file that it is, with what was done."""
        if not compared.modes:
            return ()
        async with self.run.services.pool.session(self.run.endpoint) as peer:
            taken = await set_modes(peer, compared.modes)
        at = self._ledger.now_ns()
        rows = [self._file(entry.relative, "unchanged", entry.size, at, mode_said(entry)) for entry in taken]
        await self._ledger.write(partial(job_destinations.note_files, run=self.under.run, files=rows))
        return taken

    @property
    def _ledger(self) -> Ledger:
        return self.run.services.ledger

    def _loading(self) -> Loading:
        return Loading(
            run=self.run,
            put=self.put,
            to=self.to,
            job_run=self.under.run,
            place=self.row.place,
            source=self.under.source,
            folder=source_folder(self.under.job, self.under.folders),
            loads=len(self.under.job.destinations),
            job=self.under.job.name,
        )

    async def _compared(self, peer: Endpoint, laid: Sequence[DeliveryRow]) -> tuple[Compared, PlaceLook | None]:
        """With how the place looks, where it does not look as it did when it had everything."""
        profile, found = self.to.profile, self.under.row.manifest
        asked = Asked(
            place=self.row.place,
            algorithm=self.under.job.hash,
            blind=self.run.instance.ignore_case,
            extra=profile.delete_absent,
            kept=await self._skipped() if profile.delete_absent else (),
            known_as=f"{found} {profile.ignore}" if found is not None else None,
        )
        look = await look_at(self.to, peer, self._ledger, asked)
        known = await look.files() if found is not None else None
        if known is not None:
            compared = nothing_to_do(look, known)
            await self._count(known, compared, laid)
            return compared, None
        wanted = manifest.wanted(self.under.job, await self.under.all_entries(), profile.ignore)
        compared = await compare(self.to, wanted, peer, self._ledger, asked, look)
        await self._count(sum(entry.kind == FILE for entry in wanted), compared, laid)
        return compared, None if found is None or compared.is_as_wanted else look

    async def _skipped(self) -> Sequence[str]:
        """What the source has and does not send: nobody deletes it elsewhere for that."""
        found = self.under.row.manifest
        return [] if found is None else [one.relative for one in await manifest.skipped(self._ledger, found)]

    async def _count(self, files: int, compared: Compared, laid: Sequence[DeliveryRow]) -> None:
        at = self._ledger.now_ns()
        open_ones = {entry.relative for entry in (*compared.missing, *(one for one, _ in compared.refused))}
        named = [row for row in laid if row.intent.share is not None and row.intent.share.relative not in open_ones]
        counted = Wanted(
            place=self.row.place,
            files=files,
            missing=[entry.relative for entry in compared.missing],
            untold=len(named),
            bytes_due=sum(entry.size for entry in compared.missing) + sum(row.size or 0 for row in named),
            refused=[self._file(entry.relative, "failed", entry.size, at, why) for entry, why in compared.refused],
        )
        work = partial(job_rounds.compared, run=self.under.run, endpoint=self.row.endpoint, wanted=counted)
        await self._ledger.write(work)

    def _file(self, relative: str, state: str, size: int, at: int, why: str | None = None) -> FileRow:
        return FileRow(endpoint=self.row.endpoint, relative=relative, state=state, size=size, at=at, reason=why)

    async def _make_folders(self, peer: Endpoint, folders: Sequence[str]) -> None:
        """Those that hold nothing at the source."""
        at_once = _FOLDERS_AT_ONCE if peer.features.concurrent else 1
        paths = [f"{self.to.place.rstrip('/')}/{one}" for one in folders]
        for start in range(0, len(paths), at_once):
            await side_by_side([make_folders(peer, path) for path in paths[start : start + at_once]])

    async def _require_all(self, refused: int) -> None:
        """Raises the error of a file, one that trying again can help if there is such a one.

        Of those that were not even begun only the `refused` can't be had at all: the others were busy.
        """
        failed = await self._ledger.read(partial(job_rounds.failed, run=self.under.run, endpoint=self.row.endpoint))
        if failed.count:
            more = f" ({failed.count} files failed)" if failed.count > 1 else ""
            said = f"{failed.relative}: {failed.reason}{more}"
            raise Retryable(said) if failed.unsent > refused else _worth_trying(failed.classes, said)

    async def _place(self, loading: Loading, *, moves: bool) -> None:
        """All bytes are there: the names are given when that may be."""
        if not moves:
            await self.advance(PlaceState.LOADING)
        await self.advance(PlaceState.PLACING)
        async with self.run.place.given_back():
            await self.under.released.wait()
            if self.to.place_at is not None and moves:
                await self._until(self.to.place_at)
        await require_same(self.run.services, self.row)  # a long time may have passed
        await loading.place_all(await loading.laid())

    async def _until(self, clock_time: time) -> None:
        """The first such time after the run's start: who is late need not wait for another day."""
        clock, row = self.run.services.clock, self.under.row
        at = next_showing(clock_time, moment(row.started_at or row.due_at, UTC), self.run.instance.zone)
        said = partial(job_destinations.change, run=row.id, endpoint=self.to.endpoint, values={"next_at": ns(at)})
        await self._ledger.write(said)
        await clock.sleep(max(0.0, (at - clock.now()).total_seconds()))

    # What is beyond the source.

    def _deletes(self, compared: Compared) -> bool:
        """Never where a listing failed, or the source holds nothing."""
        wanted = self.to.profile.delete_absent and compared.extra and compared.is_whole
        return bool(wanted) and any(entry.kind == FILE for entry in self.under.entries)

    def _extra(self, compared: Compared) -> Extra:
        return Extra(
            job_run=self.under.run,
            to=self.to,
            files=compared.extra,
            count=compared.count,
            approved=self.row.approved,
        )

    async def _delete(self, peer: Endpoint, compared: Compared) -> None:
        gone: list[FileRow] = []
        try:
            await delete_absent(peer, self._extra(compared), lambda name: gone.append(self._deleted(compared, name)))
        finally:
            await cleaned(self._note_deleted(gone))

    async def _tidy(self, *, changed: bool) -> None:
        """The archive, and partials that a dead process left; what can't go now goes later: the files are there."""
        keeps, endpoint = self.to.profile.archive, self.run.endpoint
        littered = endpoint in await self._ledger.read(deliveries.littered)
        if not littered and not (keeps and changed):
            return
        try:
            async with self.run.services.pool.session(endpoint) as peer:
                if keeps:
                    await sweep_archive(peer, self.to, ns(self.run.services.clock.now() - keeps))
                await sweep(self._ledger, endpoint, peer)
        except GatewayError as error:
            log.info("not tidied up yet", endpoint=endpoint, error=str(error))

    def _deleted(self, compared: Compared, relative: str) -> FileRow:
        return self._file(relative, "deleted", compared.extra[relative].size, self._ledger.now_ns())

    async def _note_deleted(self, gone: Sequence[FileRow]) -> None:
        work = partial(
            job_rounds.note_deleted,
            run=self.under.run,
            endpoint=self.row.endpoint,
            place=self.row.place,
            files=gone,
        )
        if gone:
            await self._ledger.write(work)


def _worth_trying(classes: Sequence[str], said: str) -> GatewayError:
    """The error for files that failed for these reasons; none is known of those that were never sent."""
    if not classes:
        return NeedsOperator(said)
    errors = [recalled(one, said) for one in classes]
    return next((one for one in errors if not isinstance(one, NeedsOperator)), errors[0])
