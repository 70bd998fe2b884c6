"""What is wrong with a job although each of its keys is well-formed, and with several jobs together."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.config.findings import error, section, warning
from gateway.config.loaded import Loaded
from gateway.core.model import Finding, Span
from gateway.jobs.commands import BadCommand
from gateway.jobs.compiled import Folders, compiled, parsed
from gateway.jobs.findings import (
    BAD_COMMAND,
    BAD_IGNORE,
    CLEARS_EARLY,
    INSIDE,
    NEVER,
    NO_COMMANDS,
    NO_GUARD,
    NO_HASH,
    NO_PARTIALS,
    NO_PLATFORM,
    NO_SOURCE,
    OWN_SOURCE,
    SAME_PLACE,
)
from gateway.jobs.ignore import Ignore
from gateway.jobs.model import AfterSuccess, Destination, Job, Machine, Moment, Trigger
from gateway.jobs.paths import overlaps
from gateway.jobs.schedule import ever_starts
from gateway.language.check import check
from gateway.language.command_line import is_allowed
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
    yield from _triggers(job)
    yield from _schedule(job, known)
    yield from _source(job)
    yield from _notify(job, known)
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
                yield other.name, _error(other, SAME_PLACE, f"{said}; {remedy}", to.route.span)
            else:
                remedy = "files of one name replace each other at every start; choose another folder"
                yield other.name, _warning(other, SAME_PLACE, f"{said}; {remedy}", to.route.span)


def _error(job: Job, code: str, message: str, span: Span) -> Finding:
    return error(span, code, f"{section(('jobs', job.name))}{message}")


def _warning(job: Job, code: str, message: str, span: Span) -> Finding:
    return warning(span, code, f"{section(('jobs', job.name))}{message}")


def _places(job: Job) -> Iterator[Finding]:
    """A destination that is the source."""
    source = job.source
    for to in job.destinations:
        if to.endpoint == source.endpoint:
            message = (
                f"{to.endpoint} is the source ({source.span}) and, by {to.route.said}, a destination, which may not "
                "change it; take one of the two out"
            )
            yield _error(job, OWN_SOURCE, message, to.route.span)
        elif to.scheme == "file" and source.endpoint is None and overlaps(source.path, to.place):
            message = f"{to.endpoint}: {to.place} and the source {source.path} lie in each other; choose another folder"
            yield _error(job, INSIDE, message, to.route.span)


def _partials(job: Job, known: Known) -> Iterator[Finding]:
    """Names that are given later need a file that lies there under another name until then."""
    for to in job.destinations:
        if to.endpoint in known.inplace and (why := kept_back(job, to)):
            yield _error(job, NO_PARTIALS, no_partials(to.endpoint, why), to.route.span)


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
                    yield _error(job, BAD_IGNORE, f"ignore, for {to.endpoint}: {problem}", to.route.span)


def _triggers(job: Job) -> Iterator[Finding]:
    for trigger in job.triggers:
        for name, machine, span in _machines(job, trigger):
            if not machine.runs_commands:
                message = (
                    f"{trigger.moment.value} ({trigger.span}) runs a command at {name}, which can't run any "
                    "(only sftp:// can); take the trigger out, or the endpoint"
                )
                yield _error(job, NO_COMMANDS, message, span)
            elif machine.platform not in trigger.commands and not (trigger.moment is Moment.AFTER_ALL and not name):
                message = (
                    f"{trigger.moment.value} has no command for {machine.platform}, which {name or 'this machine'} is: "
                    f"nothing runs there; write {machine.platform} = […], or set platform at the endpoint"
                )
                yield _warning(job, NO_PLATFORM, message, trigger.span)
            elif machine.platform == "windows":
                message = (
                    f"{trigger.moment.value} has a command for windows, which {name} is, and commands at Windows "
                    "endpoints can't be run yet; take windows = … out: the files come, and nothing runs there"
                )
                yield _error(job, NO_GUARD, message, trigger.span)


def _machines(job: Job, trigger: Trigger) -> Iterator[tuple[str, Machine, Span]]:
    """Where a trigger's command runs, by name; "" is this machine."""
    if trigger.moment is not Moment.AFTER_ENDPOINT:
        yield job.source.endpoint or "", job.source.machine, job.source.span
    if trigger.moment is not Moment.BEFORE_INDEXING:
        yield from ((to.endpoint, to.machine, to.route.span) for to in job.destinations)


def _schedule(job: Job, known: Known) -> Iterator[Finding]:
    if not ever_starts(job.schedule, known.zone):
        message = f"schedule: no {job.schedule.repeat.value} time lies between start and finish; move one of them"
        yield _error(job, NEVER, message, job.span)


def _notify(job: Job, known: Known) -> Iterator[Finding]:
    command = job.notify.command if job.notify is not None else ()
    if command and not is_allowed(command, known.world.allow):
        program = json.dumps(command[0])
        message = f"notify: {program} is not in [system] allow; if it is meant, add it: allow = [{program}]"
        yield _error(job, BAD_COMMAND, message, job.span)


def _source(job: Job) -> Iterator[Finding]:
    source = job.source
    if source.endpoint is not None or any(True for _ in uses(source.path)):
        return
    if (found := trouble(Path(source.path))) is None:
        return
    if found != SILENT:
        there = "is no folder" if os.path.exists(source.path) else "does not exist"
        found = f"{there}; make it before the job starts, or correct the path"
    yield _warning(job, NO_SOURCE, f"the source {source.path} {found}", source.span)


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
        yield _warning(job, NO_HASH, message, those[0].route.span)


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
    yield _warning(job, CLEARS_EARLY, message, job.span)


def _scripts(job: Job, folders: Folders, known: Known) -> Iterator[Finding]:
    """What the checker of scripts says of the compiled actions, each thing once."""
    try:
        parts = compiled(job, folders)
    except BadCommand as problem:
        yield _error(job, BAD_COMMAND, f"triggers: {problem}", job.span)
        return
    told: set[tuple[Span, str]] = set()
    for part in parts:
        for finding in check(parsed(part), known.world):
            if finding.code not in _TOLD_OURSELVES and (finding.span, finding.code) not in told:
                told.add((finding.span, finding.code))
                yield finding
