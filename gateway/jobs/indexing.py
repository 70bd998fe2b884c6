"""The index of a source: listed, hashed as far as it changed, frozen as the manifest that all destinations go by."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from gateway.core.errors import NotThere
from gateway.jobs.manifest import look_digest, made, rules_of, split
from gateway.jobs.model import Job
from gateway.jobs.scanning import Columns, Scanned, scan
from gateway.ledger import Connection, job_contents, job_runs
from gateway.ledger.job_contents import Entry, Hashed, Look, Skipped
from gateway.runner.services import Services
from gateway.transfer.hanging import Patience, Pulse
from gateway.transfer.hashing import Hasher, Keeper, Read
from gateway.transfer.seen import Seen

HASHED_AGAIN_AFTER = timedelta(days=7)
_BATCH_FILES = 500
_BATCH_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """What a source came to.  `skipped` is what was there and is not sent; some of it `failed`.

    `entries` are the manifest's where they were made anew; None: `entries` of the ledger, by whoever needs them.
    """

    manifest: int
    files: int
    hashed_files: int
    kept_hashes: int
    bytes_read: int
    skipped: tuple[Skipped, ...] = ()
    entries: tuple[Entry, ...] | None = None


async def index(
    run: int,
    job: Job,
    folder: Path,
    services: Services,
    *,
    rehash: bool,
    cache: Keeper | None = None,
    skipped: Sequence[Skipped] = (),
) -> Indexed:
    """List and hash what is below `folder`; the run's row gets the manifest and the sums in the commit that makes it.

    What a killed process had hashed of this run is not hashed again.  `skipped` is what a remote source kept back.
    Raises NotThere if there is no folder or no file in it, PathRefused if a folder can't be read, Retryable while its
    disk or server hangs.
    """
    indexing = _Indexing(run, job, str(folder), services, rehash or job.rehash_all, cache)
    return await indexing.all(skipped)


class _Indexing:
    """One index being made."""

    def __init__(self, run: int, job: Job, folder: str, services: Services, rehash: bool, cache: Keeper | None) -> None:
        self._run = run
        self._job = job
        self._folder = folder
        self._ledger = services.ledger
        self._rehash = rehash
        self._cache = cache
        self._patience = Patience(source_at(folder), services.clock)
        self._rules = rules_of(job)

    async def all(self, elsewhere: Sequence[Skipped]) -> Indexed:
        """The whole index."""
        found = await self._patience.run(self._scanned)
        found.skipped += elsewhere
        if not found.files.relatives:
            raise NotThere(_nothing(self._folder, found.skipped))
        digest = await asyncio.to_thread(look_digest, self._job, found)
        since = await self._hashes_count_from()
        return await self._known(found, digest, since) or await self._compared(found, since)

    def _scanned(self, pulse: Pulse) -> Scanned:
        return scan(self._folder, self._rules, follow_links=self._job.source.follow_links, beat=pulse.beat)

    async def _hashes_count_from(self) -> int:
        """A hash made before does not count: it is a week old, or everything is to be hashed in this run."""
        if self._rehash:
            row = await self._ledger.read(partial(job_runs.get, found=self._run))
            return self._ledger.now_ns() if row is None else row.started_at or row.since
        return self._ledger.now_ns() - int(HASHED_AGAIN_AFTER.total_seconds()) * 10**9

    async def _known(self, found: Scanned, digest: str, since: int) -> Indexed | None:
        """All looks as it did: the manifest is that of then."""
        look = await self._ledger.read(partial(job_contents.source_looked, job=self._job.name))
        if look is None or look.digest != digest or look.hashed_at < since:
            return None
        return await self._ledger.write(partial(self._keep, found=found, look=look))

    def _keep(self, connection: Connection, found: Scanned, look: Look) -> Indexed:
        return self._sums(connection, look.manifest, found, None)

    async def _compared(self, found: Scanned, since: int) -> Indexed:
        """File by file: what changed, or was hashed too long ago, is hashed."""
        noted = await self._ledger.read(partial(job_contents.hashed, job=self._job.name))
        files = await asyncio.to_thread(found.files.rows)
        fresh, contents = await asyncio.to_thread(split, files, noted, since, self._job.hash)
        read = await self._hash(fresh)
        contents.update((one.relative, one) for one in read.hashed)
        found.skipped += read.skipped
        if not contents:
            raise NotThere(_nothing(self._folder, found.skipped))
        gone = list(noted.keys() - contents.keys())
        entries, digest = await asyncio.to_thread(self._made, found, files, read.seen, contents)
        oldest = min(one.hashed_at for one in contents.values())
        freeze = partial(self._freeze, entries=entries, found=found, gone=gone, digest=digest, oldest=oldest)
        return await self._ledger.write(freeze)

    def _made(
        self, found: Scanned, files: Sequence[Seen], read: Sequence[Seen], contents: Mapping[str, Hashed]
    ) -> tuple[tuple[Entry, ...], str]:
        """The manifest's entries and the digest of the look; a file that was read is as it was then."""
        seen = {one.relative: one for one in read}
        there = [seen.get(file.relative, file) for file in files if file.relative in contents]
        found.files = Columns.of(there)
        found.skipped.sort()
        return made(there, found.folders, contents), look_digest(self._job, found)

    async def _hash(self, files: Sequence[Seen]) -> Read:
        """As many batches at once as there are processors; each is kept as soon as it is done."""
        batches, all_read = _batches(files), Read()

        async def work() -> None:
            for batch in batches:
                read = await self._patience.run(partial(self._read, batch))
                await self._ledger.write(partial(self._note, read=read))
                all_read.add(read)

        tasks = [asyncio.ensure_future(work()) for _ in range(os.cpu_count() or 1)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        return all_read

    def _read(self, files: Sequence[Seen], pulse: Pulse) -> Read:
        hasher = Hasher(
            folder=self._folder,
            algorithm=self._job.hash,
            follow_links=self._job.source.follow_links,
            now_ns=self._ledger.now_ns,
            halted=pulse,
            keeper=self._cache,
        )
        made = Read()
        for file in files:
            pulse.beat(os.path.join(self._folder, file.relative))
            made.add(hasher.batch([file]))
        return made

    def _note(self, connection: Connection, read: Read) -> None:
        job_contents.note_hashed(connection, self._job.name, read.hashed)
        sums = {"hashed_files": len(read.hashed), "source_bytes_read": read.bytes_read}
        job_runs.count(connection, self._run, **sums)

    def _freeze(
        self,
        connection: Connection,
        entries: tuple[Entry, ...],
        found: Scanned,
        gone: Sequence[str],
        digest: str,
        oldest: int,
    ) -> Indexed:
        job, at = self._job.name, self._ledger.now_ns()
        manifest = job_contents.freeze(connection, job, entries, found.skipped, at)
        job_contents.forget_hashed(connection, job, gone)
        complete = not any(one.failed for one in found.skipped)
        job_contents.note_source_look(connection, job, Look(digest, manifest, oldest) if complete else None)
        return self._sums(connection, manifest, found, entries)

    def _sums(
        self, connection: Connection, manifest: int, found: Scanned, entries: tuple[Entry, ...] | None
    ) -> Indexed:
        """In the run's row, too; what this run hashed before a kill counts as hashed."""
        row = job_runs.get(connection, self._run)
        hashed = row.hashed_files if row is not None else 0
        kept = max(0, len(found.files.relatives) - hashed)
        job_runs.change(connection, self._run, {"manifest": manifest, "kept_hashes": kept})
        return Indexed(
            manifest=manifest,
            files=len(found.files.relatives),
            hashed_files=hashed,
            kept_hashes=kept,
            bytes_read=row.source_bytes_read if row is not None else 0,
            skipped=tuple(found.skipped),
            entries=entries,
        )


def source_at(folder: str) -> str:
    """What is told of, and waited for, where it hangs."""
    return f"the source {folder}"


def _batches(files: Sequence[Seen]) -> Iterator[Sequence[Seen]]:
    """Portions that are worth a commit each."""
    batch: list[Seen] = []
    size = 0
    for file in files:
        batch.append(file)
        size += file.size
        if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _nothing(folder: str, skipped: Sequence[Skipped]) -> str:
    """Why there is nothing to distribute."""
    said = f"the source {folder} holds no file; put some there before the job starts, or let before_indexing make them"
    if not skipped:
        return said
    first = ", ".join(f"{one.relative} ({one.why})" for one in skipped[:3])
    return f"{said}; skipped there: {first}{' …' if len(skipped) > 3 else ''}"
