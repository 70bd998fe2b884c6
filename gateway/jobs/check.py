"""What is wrong with a job although each of its keys is well-formed, and with several jobs together."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.config.loaded import Loaded
from gateway.core.model import Finding, Span
from gateway.jobs.check_commands import command_findings, shell_findings
from gateway.jobs.commands import BadCommand
from gateway.jobs.compiled import Folders, compiled, parsed
from gateway.jobs.findings import (
    BAD_COMMAND,
    BAD_IGNORE,
    CLEARS_EARLY,
    INSIDE,
    NEVER,
    NO_HASH,
    NO_PARTIALS,
    NO_SOURCE,
    OWN_SOURCE,
    SAME_PLACE,
    job_error,
    job_warning,
)
from gateway.jobs.ignore import Ignore
from gateway.jobs.model import AfterSuccess, Destination, Job
from gateway.jobs.paths import overlaps
from gateway.jobs.schedule import ever_starts
from gateway.language.check import check
from gateway.language.macros import uses
from gateway.language.world import World
from gateway.runner.world import world_of
from gateway.transfer.presence import SILENT, trouble

_NAMED_AT_MOST = 5
_TOLD_OURSELVES = frozenset({"E705", "W321"})
"""Findings about compiled scripts that are told here, in the words of jobs; to prepare may take no command at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a check knows of the world: `hashes` are what a probe has found a peer to compute, where there was one.

    `inplace` are endpoints whose files are written under their final names.
    """

    world: World
    zone: ZoneInfo
    hashes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    inplace: frozenset[str] = frozenset()

    @classmethod
    def of(cls, loaded: Loaded, hashes: Mapping[str, frozenset[str]] | None = None) -> "Known":
        """As the configuration says."""
        inplace = frozenset(name for name, one in loaded.config.endpoints.items() if one.inplace)
        return cls(world=world_of(loaded), zone=loaded.zone(), hashes=hashes or {}, inplace=inplace)


def job_findings(job: Job, folders: Folders, known: Known) -> Iterator[Finding]:
    """Everything wrong with one job."""
    yield from _places(job)
    yield from _partials(job, known)
    yield from _ignores(job)
    yield from command_findings(job, known.world)
    yield from _schedule(job, known)
    yield from _source(job)
    yield from _hashes(job, known)
    yield from _clean_up(job)
    yield from _scripts(job, folders, known)


def across(jobs: Sequence[Job]) -> Iterator[tuple[str, Finding]]:
    """Two jobs that write one place, each with the name of the second job."""
    for one, other in combinations([job for job in jobs if job.enabled], 2):
        for to in other.destinations:
            first = one.destination(to.endpoint)
            if first is None or not overlaps(first.place, to.place):
                continue
            deletes = first.profile.delete_absent or to.profile.delete_absent
            if first.place != to.place and not deletes:
                continue
            said = (
                f"{to.endpoint}: {to.place} is written by the job {one.name}, too ({first.route.span}, {first.place})"
            )
            if deletes:
                remedy = "with delete_absent each would delete what the other brings; choose another folder"
                yield other.name, job_error(other, SAME_PLACE, f"{said}; {remedy}", to.route.span)
            else:
                remedy = "files of one name replace each other at every start; choose another folder"
                yield other.name, job_warning(other, SAME_PLACE, f"{said}; {remedy}", to.route.span)


def _places(job: Job) -> Iterator[Finding]:
    """A destination that is the source."""
    source = job.source
    for to in job.destinations:
        if to.endpoint == source.endpoint:
            message = (
                f"{to.endpoint} is the source ({source.span}) and, by {to.route.said}, a destination, which may not "
                "change it; take one of the two out"
            )
            yield job_error(job, OWN_SOURCE, message, to.route.span)
        elif to.scheme == "file" and source.endpoint is None and overlaps(source.path, to.place):
            message = f"{to.endpoint}: {to.place} and the source {source.path} lie in each other; choose another folder"
            yield job_error(job, INSIDE, message, to.route.span)


def _partials(job: Job, known: Known) -> Iterator[Finding]:
    """Names that are given later need a file that lies there under another name until then."""
    for to in job.destinations:
        if to.endpoint in known.inplace and (why := kept_back(job, to)):
            yield job_error(job, NO_PARTIALS, no_partials(to.endpoint, why), to.route.span)


def kept_back(job: Job, to: Destination) -> str:
    """What keeps final names back at a destination; "" where each file takes its own at once."""
    if to.place_at is not None:
        return f'place_at = "{to.place_at:%H:%M}"'
    return 'release = "together"' if job.together else ""


def no_partials(endpoint: str, why: str) -> str:
    """Why that can't be at an endpoint with `inplace = true`, and what to do."""
    return (
        f"{endpoint} has inplace = true: what is sent stands under its final name from its first byte on, and {why} "
        f"can't keep it back; take {why} or the endpoint out, or inplace where that server can rename"
    )


def _ignores(job: Job) -> Iterator[Finding]:
    """A pattern that can't be, once for all destinations whose profiles say it."""
    told: set[str] = set()
    for to in job.destinations:
        for pattern in to.profile.ignore:
            try:
                Ignore((pattern,))
            except ValueError as problem:
                if pattern not in told:
                    told.add(pattern)
                    yield job_error(job, BAD_IGNORE, f"ignore, for {to.endpoint}: {problem}", to.route.span)


def _schedule(job: Job, known: Known) -> Iterator[Finding]:
    if not ever_starts(job.schedule, known.zone):
        message = f"schedule: no {job.schedule.repeat.value} time lies between start and finish; move one of them"
        yield job_error(job, NEVER, message, job.span)


def _source(job: Job) -> Iterator[Finding]:
    source = job.source
    if source.endpoint is not None or any(True for _ in uses(source.path)):
        return
    if (found := trouble(Path(source.path))) is None:
        return
    if found != SILENT:
        there = "is no folder" if os.path.exists(source.path) else "does not exist"
        found = f"{there}; make it before the job starts, or correct the path"
    yield job_warning(job, NO_SOURCE, f"the source {source.path} {found}", source.span)


def _hashes(job: Job, known: Known) -> Iterator[Finding]:
    """One finding for all that compute the same: a job may have hundreds of such destinations."""
    unable: dict[frozenset[str], list[Destination]] = {}
    for to in job.destinations:
        able = known.hashes.get(to.endpoint)
        if able is not None and job.hash not in able:
            unable.setdefault(able, []).append(to)
    for able, those in unable.items():
        it, computes, has = ("it", "computes", "has") if len(those) == 1 else ("they", "compute", "have")
        message = (
            f"{_named(those)} can't compute {job.hash} ({it} {computes} {', '.join(sorted(able)) or 'none'}); what "
            f"{it} {has} is known by what was delivered there, and by size and time"
        )
        yield job_warning(job, NO_HASH, message, those[0].route.span)


def _named(those: Sequence[Destination]) -> str:
    """`a`; `a, b and c`; `a, b, c, d, e and 59 more`."""
    names = sorted(to.endpoint for to in those)
    if len(names) > _NAMED_AT_MOST:
        return f"{', '.join(names[:_NAMED_AT_MOST])} and {len(names) - _NAMED_AT_MOST} more"
    return " and ".join(one for one in (", ".join(names[:-1]), names[-1]) if one)


def _clean_up(job: Job) -> Iterator[Finding]:
    if job.profile.after_success is AfterSuccess.KEEP or job.required() == len(job.destinations):
        return
    message = (
        f"after_success = {job.profile.after_success.value!r} takes the source away once {job.required()} of "
        f'{len(job.destinations)} destinations have it, and the others never get it; write require = "all"'
    )
    yield job_warning(job, CLEARS_EARLY, message, job.span)


def _scripts(job: Job, folders: Folders, known: Known) -> Iterator[Finding]:
    """What the checker of scripts says of the compiled actions, each thing once."""
    try:
        parts = compiled(job, folders)
    except BadCommand as problem:
        yield job_error(job, BAD_COMMAND, f"triggers: {problem}", job.span)
        return
    told: set[tuple[Span, str]] = set()
    for part in parts:
        for finding in check(parsed(part), known.world):
            if finding.code not in _TOLD_OURSELVES and (finding.span, finding.code) not in told:
                told.add((finding.span, finding.code))
                yield finding
        yield from shell_findings(job, part)
