"""after_success: what was distributed, and is unchanged since, is removed from the source or goes to the archive.

Each file is renamed to a claim in its own folder first: what is claimed can't be replaced between the look and the
removal.  The claim's name follows from the run, so that a cut clean-up is found again.
"""

import errno
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway.core.errors import GatewayError, NeedsOperator, NotThere
from gateway.core.model import Stamp
from gateway.core.moments import moment
from gateway.endpoints.base import Endpoint
from gateway.endpoints.os_errors import local_error
from gateway.jobs.compiled import source_folder
from gateway.jobs.model import AfterSuccess
from gateway.jobs.underway import Underway
from gateway.ledger.job_contents import Entry
from gateway.runner.targets import join_remote
from gateway.transfer import naming
from gateway.transfer.blocking import in_thread
from gateway.transfer.hanging import Pulse

_NAME_BYTES_MAX = 255


class NotCleaned(NeedsOperator):
    """Some of the source's files could not be taken away."""


async def clean_source(under: Underway) -> str:
    """ "done", or "none" where the source's files stay.  Raises NotCleaned, what an endpoint raises."""
    if under.job.profile.after_success is AfterSuccess.KEEP:
        return "none"
    files = [entry for entry in await under.all_entries() if entry.kind == "file"]
    if under.job.source.endpoint is not None:
        async with under.services.pool.session(under.job.source.endpoint) as peer:
            await _clean_peer(peer, under, files)
    what = _cleaning(under)
    await in_thread(what.folder, under.services.clock, partial(_clean_here, what, files))
    return "done"


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What is the same for all files; `archive` is None where they are removed."""

    folder: Path
    archive: Path | None
    run: int
    mark: str

    def claim(self, path: str, entry: Entry) -> str:
        """The name that a file is claimed under."""
        made = f"j{self.run}-{entry.n}-{self.mark}"
        return naming.partial_path(naming.CLAIM_TEMPLATE, path, made, _NAME_BYTES_MAX)


def _cleaning(under: Underway) -> Cleaning:
    row, archive = under.row, None
    if under.job.profile.after_success is AfterSuccess.ARCHIVE:
        began = moment(row.started_at or row.due_at, under.loaded.zone())
        archive = Path(under.folders.archive) / f"{began:%Y-%m-%d_%H%M%S}-{row.id}"
    folder = Path(source_folder(under.job, under.folders))
    return Cleaning(folder, archive, row.id, under.services.ledger.mark)


def _clean_here(what: Cleaning, files: Sequence[Entry], pulse: Pulse) -> None:
    failed: list[str] = []
    for entry in files:
        pulse.beat(str(what.folder / entry.relative))
        try:
            clean_one(what, entry)
        except OSError as exc:
            failed.append(str(local_error(exc, str(what.folder / entry.relative))))
    if failed:
        raise NotCleaned(f"{len(failed)} of {len(files)} files stayed at the source: {failed[0]}")


def clean_one(what: Cleaning, entry: Entry) -> None:
    """One file of this machine (blocks).  Raises OSError."""
    path = what.folder / entry.relative
    claim = Path(what.claim(str(path), entry))
    if not claim.exists():
        if not _is(path, entry):
            return  # gone, or another one now: the next run takes that
        path.rename(claim)
        if not _is(claim, entry):
            _put_back(claim, path)
            return
    if what.archive is None:
        claim.unlink()
    else:
        _archived(claim, what.archive / entry.relative)


def _is(path: Path, entry: Entry) -> bool:
    try:
        seen = path.lstat()
    except FileNotFoundError:
        return False
    return (seen.st_size, seen.st_mtime_ns) == (entry.size, entry.mtime_ns)


def _put_back(claim: Path, path: Path) -> None:
    """It was replaced in that moment; if there is a still newer one, both stay."""
    with suppress(FileExistsError):
        os.link(claim, path)
        claim.unlink()


def _archived(claim: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        claim.rename(target)
    except OSError as exc:
        if exc.errno != errno.EXDEV:
            raise
        partial = target.with_name(f".{target.name}.partial")
        shutil.copy2(claim, partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(target)
        claim.unlink()


async def _clean_peer(peer: Endpoint, under: Underway, files: Sequence[Entry]) -> None:
    """The remote originals; what goes to the archive are the files that were collected."""
    what, failed = _cleaning(under), []
    for entry in files:
        try:
            await _one_there(peer, what, join_remote(under.job.source.path, entry.relative), entry)
        except GatewayError as error:
            if error.concerns_endpoint:
                raise
            failed.append(str(error))
    if failed:
        raise NotCleaned(f"{len(failed)} of {len(files)} files stayed at the source: {failed[0]}")


async def _one_there(peer: Endpoint, what: Cleaning, path: str, entry: Entry) -> None:
    claim = what.claim(path, entry)
    try:
        await peer.stat(claim)
    except NotThere:
        if not await _is_there(peer, path, entry):
            return
        await peer.rename(path, claim)
        if not await _is_there(peer, claim, entry):
            await peer.rename(claim, path)
            return
    await peer.remove(claim)


async def _is_there(peer: Endpoint, path: str, entry: Entry) -> bool:
    """Size and time as the listing showed them, the time as finely as the peer shows it."""
    try:
        seen = await peer.stat(path)
    except NotThere:
        return False
    return Stamp(entry.size, entry.mtime_ns).same_version(seen.stamp)
