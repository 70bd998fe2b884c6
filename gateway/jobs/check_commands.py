"""What is wrong with the commands of a job: where they would run, and by what."""

import json
import re
from collections.abc import Iterator

from gateway.core.model import Finding, Span
from gateway.jobs.compiled import Part
from gateway.jobs.findings import (
    BAD_COMMAND,
    NO_COMMANDS,
    NO_GUARD,
    NO_PLATFORM,
    NO_SHELL,
    job_error,
    job_warning,
)
from gateway.jobs.model import Job, Machine, Moment, Trigger
from gateway.language.command_line import is_allowed
from gateway.language.nodes import System
from gateway.language.world import World

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_SHELL = re.compile(r"&&|\|\||[|;<>&`]|\$\(")


def command_findings(job: Job, world: World) -> Iterator[Finding]:
    """What can be told before they are compiled."""
    yield from _triggers(job)
    yield from _notify(job, world)


def shell_findings(job: Job, part: Part) -> Iterator[Finding]:
    """A line of this machine that only a shell would understand."""
    for one in part.action.commands:
        found = _SHELL.search(_QUOTED.sub("", one.line.value)) if isinstance(one, System) else None
        if found is not None:
            message = (
                f"no shell reads a command of this machine: {found[0]} would be an argument; write "
                '["/bin/sh", "-c", "…"], and let [system] allow list "/bin/sh"'
            )
            yield job_warning(job, NO_SHELL, message, one.span)


def _triggers(job: Job) -> Iterator[Finding]:
    for trigger in job.triggers:
        for name, machine, span in _machines(job, trigger):
            if not machine.runs_commands:
                message = (
                    f"{trigger.moment.value} ({trigger.span}) runs a command at {name}, which can't run any "
                    "(only sftp:// can); take the trigger out, or the endpoint"
                )
                yield job_error(job, NO_COMMANDS, message, span)
            elif machine.platform not in trigger.commands and not (trigger.moment is Moment.AFTER_ALL and not name):
                message = (
                    f"{trigger.moment.value} has no command for {machine.platform}, which {name or 'this machine'} is: "
                    f"nothing runs there; write {machine.platform} = […], or set platform at the endpoint"
                )
                yield job_warning(job, NO_PLATFORM, message, trigger.span)
            elif machine.platform == "windows":
                message = (
                    f"{trigger.moment.value} has a command for windows, which {name} is, and commands at Windows "
                    "endpoints can't be run yet; take windows = … out: the files come, and nothing runs there"
                )
                yield job_error(job, NO_GUARD, message, trigger.span)


def _machines(job: Job, trigger: Trigger) -> Iterator[tuple[str, Machine, Span]]:
    """Where a trigger's command runs, by name; "" is this machine."""
    if trigger.moment is not Moment.AFTER_ENDPOINT:
        yield job.source.endpoint or "", job.source.machine, job.source.span
    if trigger.moment is not Moment.BEFORE_INDEXING:
        yield from ((to.endpoint, to.machine, to.route.span) for to in job.destinations)


def _notify(job: Job, world: World) -> Iterator[Finding]:
    command = job.notify.command if job.notify is not None else ()
    if command and not is_allowed(command, world.allow):
        program = json.dumps(command[0])
        message = f"notify: {program} is not in [system] allow; if it is meant, add it: allow = [{program}]"
        yield job_error(job, BAD_COMMAND, message, job.span)
