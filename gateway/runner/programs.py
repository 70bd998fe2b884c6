"""SYSTEM and RSYSTEM as commands of a run, and SYSTEM as a step of a reaction."""

from collections.abc import Callable
from functools import partial

from gateway.core.errors import GatewayError, Retryable
from gateway.language.nodes import RemoteSystem, System
from gateway.runner.instance import Instance
from gateway.runner.remote_system import command_line, run_remote
from gateway.runner.retrying import asked, pause
from gateway.runner.run import Run
from gateway.runner.services import Services
from gateway.runner.system import TIME_LIMIT_S, is_success, program_words, run_program
from gateway.runner.texts import expanded_text, run_values

_SHOWN = 500
"""Of a program's output, so many characters stand in a run's notes."""


async def system(run: Run, number: int, command: System) -> None:
    """SYSTEM: run an allowed program, in the gateway's root unless In= says where; AgainCodes are tried again."""
    last = run.settings.retries if command.again_codes else 0
    for attempt in range(last + 1):
        try:
            output = await run_system(run.services, run.instance, command, partial(expanded_text, run))
            break
        except Retryable as error:
            if attempt == last:
                raise
            await pause(run, attempt, error)
    run.notes.append(f"command {number}: SYSTEM {command.line.value}: {output[-_SHOWN:] or 'no output'}")


async def run_system(services: Services, instance: Instance, command: System, expand: Callable[[str], str]) -> str:
    """Run the program of a SYSTEM line to its end; the tail of what it printed.

    Raises Refused where it is not allowed, Retryable for an exit code of AgainCodes, GatewayError for one that is no
    success.
    """
    words = program_words(command.line.value, expand, services.configured.allow)
    ended = await run_program(
        words,
        folder=instance.root / (expand(command.folder.value) if command.folder is not None else ""),
        environment={name: expand(text.value) for name, text in command.environment},
        hidden=services.configured.hidden,
        time_limit_s=command.timeout.total_seconds() if command.timeout is not None else TIME_LIMIT_S,
    )
    if is_success(ended.exit_code, command.success_codes):
        return ended.output
    kind = Retryable if is_success(ended.exit_code, command.again_codes) else GatewayError
    raise kind(
        f"{command.span}: SYSTEM {words[0]!r} ended with code {ended.exit_code}; it last printed: {ended.output!r}"
    )


async def remote_system(run: Run, number: int, command: RemoteSystem) -> None:
    """RSYSTEM: run a command at the endpoint; AgainCodes and a lost link are tried again, as `retries` says."""
    line = command_line(command, lambda text: run_values(run, text))
    ran = await asked(run, lambda peer: run_remote(command, line, peer))
    shown = ran.output[-_SHOWN:] or "no output"
    run.notes.append(f"command {number}: RSYSTEM {command.line.value} ended with code {ran.exit_code}: {shown}")
