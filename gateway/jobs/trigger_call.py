"""A trigger's command as it is run at a place: macros put in, its folder and environment, the shell that it needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.core.errors import NeedsOperator
from gateway.jobs.compiled import Part
from gateway.jobs.guard import at_account
from gateway.jobs.shells import LocalShell, RemoteShell, Shell
from gateway.language.macros import expand
from gateway.language.nodes import Program, RemoteSystem, System
from gateway.runner.instance import Instance
from gateway.runner.instance_values import instance_values
from gateway.runner.remote_system import command_line
from gateway.runner.services import Services
from gateway.runner.system import TIME_LIMIT_S, program_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`line` is for people.  `words` and `folders` are as a Guard takes them."""

    line: str
    words: Sequence[str]
    limit_s: int
    folders: tuple[str, str]
    shell: Shell


def command_of(part: Part) -> System | RemoteSystem | None:
    """The command of a part, None if it has none."""
    return next((one for one in part.action.commands if isinstance(one, System | RemoteSystem)), None)


def call_of(services: Services, state: Path, instance: Instance, command: System | RemoteSystem, platform: str) -> Call:
    """What is to be run.  Raises Refused where this machine may not run it, NeedsOperator where nobody can."""
    if isinstance(command, System):
        return _here(services, state, instance, command)
    if platform == "windows":
        raise NeedsOperator(
            f"{instance.endpoint}: commands at Windows endpoints can't be run yet: their shell knows no guard that "
            f"would start them at most once; take the trigger's windows command out, and start it there by other means"
        )
    return _there(services, instance, command)


def _here(services: Services, state: Path, instance: Instance, command: System) -> Call:
    def put_in(text: str) -> str:
        return expand(text, _values(services, instance, text))

    configured = services.configured
    words = program_words(command.line.value, put_in, configured.allow)
    environment = {name: put_in(text.value) for name, text in command.environment}
    folder = instance.root / (put_in(command.folder.value) if command.folder is not None else "")
    return Call(
        line=command.line.value,
        words=words,
        limit_s=_limit_s(command),
        folders=(str(state), ""),
        shell=LocalShell(folder=folder, environment=environment, hidden=configured.hidden),
    )


def _there(services: Services, instance: Instance, command: RemoteSystem) -> Call:
    assert instance.endpoint is not None, "a remote command has an endpoint"
    line = command_line(command, lambda text: _values(services, instance, text))
    folder = command.folder.value if command.folder is not None else ""
    return Call(
        line=command.line.value,
        words=("", line),
        limit_s=_limit_s(command),
        folders=at_account(expand(folder, _values(services, instance, folder)) or "."),
        shell=RemoteShell(services.pool, instance.endpoint),
    )


def _values(services: Services, instance: Instance, text: str) -> Mapping[str, str]:
    now = services.clock.now()
    values = instance_values(instance, instance.settings.first, services.configured.macros, text, now)
    return {**values, "index": "1"}


def _limit_s(command: Program) -> int:
    return max(1, int(command.timeout.total_seconds() if command.timeout is not None else TIME_LIMIT_S))
