"""What a run is to distribute: the rules that a manifest is made by, and what of it each destination is to have."""

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from gateway.jobs.ignore import Ignore
from gateway.jobs.model import Job
from gateway.jobs.scanning import Scanned
from gateway.ledger import Ledger, job_contents
from gateway.ledger.job_contents import Entry, Hashed, Skipped
from gateway.transfer.seen import Seen

FILE, FOLDER = "file", "folder"
_FOLDER_MODE = 0o755
_HEX_DIGITS = {"sha256": 64, "sha1": 40, "md5": 32}


def patterns_of(job: Job) -> tuple[tuple[str, ...], ...]:
    """The different lists of `ignore` that destinations of a job have."""
    return tuple(sorted({to.profile.ignore for to in job.destinations}))


def rules_of(job: Job) -> tuple[Ignore, ...]:
    """What all of them leave out is not even hashed."""
    return tuple(Ignore(patterns) for patterns in patterns_of(job))


def wanted(job: Job, entries: Sequence[Entry], patterns: Sequence[str]) -> Sequence[Entry]:
    """What of a manifest a destination is to have that ignores `patterns`."""
    if patterns_of(job) == (tuple(patterns),):
        return entries
    leaves_out = Ignore(patterns)
    return [one for one in entries if not leaves_out(one.relative + "/" if one.kind == FOLDER else one.relative)]


async def entries(ledger: Ledger, manifest: int) -> tuple[Entry, ...]:
    """What a manifest holds, by relative path."""
    return tuple(await ledger.read(partial(job_contents.entries, found=manifest)))


async def skipped(ledger: Ledger, manifest: int) -> tuple[Skipped, ...]:
    """What was there when it was made and is not sent."""
    row = await ledger.read(partial(job_contents.manifest_of, found=manifest))
    return () if row is None else row.skipped


def split(
    files: Iterable[Seen], noted: Mapping[str, Hashed], since: int, algorithm: str
) -> tuple[list[Seen], dict[str, Hashed]]:
    """The files that must be hashed, and for the others what is noted: unchanged, and hashed after `since`."""
    fresh: list[Seen] = []
    kept: dict[str, Hashed] = {}
    digits = 0 if algorithm == "sha256" else _HEX_DIGITS[algorithm]
    for file in files:
        known = noted.get(file.relative)
        if known is None or known[:5] != file[:5] or known.hashed_at < since or len(known.digest or "") != digits:
            fresh.append(file)
        else:
            kept[file.relative] = known
    return fresh, kept


def made(files: Iterable[Seen], folders: Iterable[str], contents: Mapping[str, Hashed]) -> tuple[Entry, ...]:
    """The entries of a manifest."""
    return tuple(Entry(n, *one) for n, one in enumerate(sorted(_entries(files, folders, contents)), 1))


def _entries(
    files: Iterable[Seen], folders: Iterable[str], contents: Mapping[str, Hashed]
) -> Iterator[tuple[str, str, int, int, int, str | None, str | None]]:
    for relative in folders:
        yield relative, FOLDER, 0, 0, _FOLDER_MODE, None, None
    for file in files:
        content = contents[file.relative]
        yield file.relative, FILE, file.size, file.mtime_ns, file.mode, content.sha256, content.digest


def look_digest(job: Job, found: Scanned) -> str:
    """The SHA-256 of how a source looks and of what decides what is taken of it; quick, column by column."""
    said = [job.hash, job.source.follow_links, patterns_of(job), sorted(found.folders), sorted(found.skipped)]
    digest = hashlib.sha256(json.dumps(said).encode())
    digest.update("\0".join(found.files.relatives).encode("utf-8", "surrogateescape"))
    for column in found.files[1:]:
        digest.update(array("q", column))
    return digest.hexdigest()
