"""A job as actions: one that prepares, one for each destination, and those that complete it.

The nodes are those that the parser makes of the printed text: what `gateway job compile` prints is what runs.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from gateway.config.job_kinds import show_limit
from gateway.core.model import Span
from gateway.core.units import show_duration
from gateway.jobs.commands import program
from gateway.jobs.model import HERE, AfterSuccess, Destination, Job, Machine, Moment
from gateway.language.nodes import Action, Command, Get, Header, LocalCopy, Put, Text
from gateway.language.parse import Parsed, parse_action
from gateway.language.show import show

_MOST_FILES = 1_000_000
_RETRIES, _RETRY_DELAY = "1", "1s"
"""Within one try of a destination: beyond that its row says what is wrong, and the job tries again by itself."""
_LINE_END = re.compile(r"\s*[\r\n]\s*")


class Step(StrEnum):
    """What an action of a job is for, in the order in which they run."""

    PREPARE = "prepare"
    DELIVER = "deliver"
    COMPLETE = "complete"
    COMPLETE_SOURCE = "complete_source"


ORDER = {step: number for number, step in enumerate(Step, 1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Where this machine keeps a job's files: what a remote source is collected into, what after_success archives."""

    staging: str
    archive: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One action of a job.  `notes` are what happens beside its commands, for people.

    `name` tells the parts of all jobs apart: prices.prepare, prices@shop001, prices.complete@shop001.
    """

    name: str
    step: Step
    endpoint: str
    action: Action
    notes: tuple[str, ...] = ()

    @property
    def order(self) -> int:
        """Parts of one order run side by side, those of the next once all of them are over."""
        return ORDER[self.step]

    @property
    def instance(self) -> str:
        """The name that its runs have in the ledger; no script's name holds a `/`."""
        return f"jobs/{self.name}"


def compiled(job: Job, folders: Folders) -> tuple[Part, ...]:
    """All actions of a job, in order.  Raises BadCommand."""
    parts = [prepare(job, folders)]
    parts += [deliver(job, one, folders) for one in job.destinations]
    parts += [part for one in job.destinations if (part := complete(job, one)) is not None]
    return (*parts, complete_source(job, folders))


def source_folder(job: Job, folders: Folders) -> str:
    """Where the files lie that are sent: a remote source is collected first."""
    return job.source.path if job.source.endpoint is None else folders.staging


def prepare(job: Job, folders: Folders) -> Part:
    """before_indexing, then the collecting of a remote source."""
    span, endpoint = job.source.span, job.source.endpoint or HERE
    commands: list[Command] = list(_programs(job, Moment.BEFORE_INDEXING, job.source.machine, span, endpoint, "RW"))
    if endpoint:
        commands.append(
            Get(
                span=span,
                source=Text(_as_folder(job.source.path), span),
                target=Text(_as_folder(folders.staging), span),
                recurse=True,
            )
        )
    return Part(
        name=f"{job.name}.prepare",
        step=Step.PREPARE,
        endpoint=endpoint,
        action=_action(job, endpoint, job.priority, commands, span),
        notes=(f"then: the files below {source_folder(job, folders)} are listed and hashed; nothing else is sent",),
    )


def deliver(job: Job, to: Destination, folders: Folders) -> Part:
    """The files that one destination lacks, then its after_endpoint."""
    span = to.route.span
    put = Put(
        span=span,
        source=Text(_as_folder(source_folder(job, folders)), span),
        target=Text(_as_folder(to.folder), span) if to.folder else None,
        recurse=True,
        differ=True,
        mirror=to.profile.delete_absent,
    )
    after = _programs(job, Moment.AFTER_ENDPOINT, to.machine, span, _runs_at(to), "RO")
    return Part(
        name=f"{job.name}@{to.endpoint}",
        step=Step.DELIVER,
        endpoint=to.endpoint,
        action=_action(job, to.endpoint, to.priority, [put, *after], span),
        notes=tuple(_delivery_notes(job, to)),
    )


def complete(job: Job, to: Destination) -> Part | None:
    """after_all at one destination, None where nothing is to be done."""
    span = to.route.span
    commands = list(_programs(job, Moment.AFTER_ALL, to.machine, span, _runs_at(to), "RO"))
    if not commands:
        return None
    return Part(
        name=f"{job.name}.complete@{to.endpoint}",
        step=Step.COMPLETE,
        endpoint=to.endpoint,
        action=_action(job, to.endpoint, to.priority, commands, span),
        notes=(_barrier(job),),
    )


def complete_source(job: Job, folders: Folders) -> Part:
    """after_all at the source, and what becomes of its files."""
    span, endpoint = job.source.span, job.source.endpoint or HERE
    commands: list[Command] = list(_programs(job, Moment.AFTER_ALL, job.source.machine, span, endpoint, "RW"))
    notes = [_barrier(job)]
    if job.profile.after_success is AfterSuccess.ARCHIVE and not endpoint:
        files, archive = Text(_as_folder(job.source.path), span), Text(f"{folders.archive}/%date%_%time%/", span)
        commands.append(LocalCopy(span=span, source=files, target=archive, delete=True, recurse=True))
    if job.profile.after_success is not AfterSuccess.KEEP:
        verb = "archived" if job.profile.after_success is AfterSuccess.ARCHIVE else "removed"
        notes.append(f"then: what was distributed, and is unchanged since, is {verb} from {job.source.path}")
    return Part(
        name=f"{job.name}.complete",
        step=Step.COMPLETE_SOURCE,
        endpoint=endpoint,
        action=_action(job, endpoint, job.priority, commands, span),
        notes=tuple(notes),
    )


def parsed(part: Part) -> Parsed:
    """The part as the checker and the runner take it: its own nodes, the settings that its headers say."""
    return Parsed(part.action, parse_action(show(part.action), part.action.path).settings, ())


def show_part(part: Part) -> str:
    """The script text, with its notes as comments on top."""
    lines = [f"# {part.name} ({part.order}: {part.step.value})", *(f"# {note}" for note in part.notes)]
    return "".join(f"{line}\n" for line in lines) + show(part.action)


def _runs_at(to: Destination) -> str:
    """Where a destination's commands run: a file:// endpoint is this machine."""
    return HERE if to.scheme == "file" else to.endpoint


def _programs(job: Job, moment: Moment, machine: Machine, span: Span, at: str, role: str) -> Iterator[Command]:
    trigger = job.trigger(moment)
    made = program(trigger, machine, span, job=job.name, role=role, is_here=not at) if trigger is not None else None
    if made is not None:
        yield made


def _action(job: Job, endpoint: str, priority: int, commands: Iterable[Command], span: Span) -> Action:
    said = {"endpoint": endpoint, "description": _LINE_END.sub(" ", job.description).strip(), "priority": str(priority)}
    fixed = {"order": "free", "exists": "replace", "empty": "send after 0s", "limit": str(_MOST_FILES)}
    fixed |= {"retries": _RETRIES, "retry_delay": _RETRY_DELAY}
    headers = tuple(Header(name, value, span, span) for name, value in {**said, **fixed}.items() if value)
    return Action(job.name, span.file, headers, tuple(commands))


def _as_folder(path: str) -> str:
    return path if path.endswith("/") else path + "/"


def _barrier(job: Job) -> str:
    trigger = job.trigger(Moment.AFTER_ALL)
    if trigger is not None and trigger.settled:
        return "once every destination has come to an end"
    count, of = job.required(), len(job.destinations)
    if of == 1:
        return "once the destination has everything"
    return f"once {'all' if count == of else f'{count} of'} {of} destinations have everything"


def _delivery_notes(job: Job, to: Destination) -> Iterator[str]:
    after = job.trigger(Moment.AFTER_ENDPOINT)
    zone = to.machine.zone or "the gateway's zone"
    if to.place_at is not None:
        yield f"final names are given at {to.place_at:%H:%M} ({zone})"
    if job.together:
        yield "final names are given when every required destination has all bytes"
    if after is not None and after.at is not None:
        yield f"after_endpoint runs at {after.at:%H:%M} ({zone})"
    profile = to.profile
    if profile.ignore:
        yield f"left out: {' '.join(profile.ignore)}"
    if profile.bandwidth != "off":
        yield f"at most {profile.bandwidth} bytes a second"
    if profile.archive:
        yield f"what is replaced or deleted there is kept for {show_duration(profile.archive)}"
    if profile.delete_absent:
        yield f"no more than {show_limit(profile.delete_limit)} of its files are deleted without approval"
