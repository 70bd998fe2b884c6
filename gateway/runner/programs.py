"""SYSTEM and RSYSTEM as commands of a run."""

import shlex

from gateway.core.errors import GatewayError
from gateway.language.nodes import RemoteSystem, System
from gateway.runner.remote_system import command_line, run_remote
from gateway.runner.run import Run
from gateway.runner.system import expand_words, is_success, require_allowed, run_program, split_line
from gateway.runner.texts import expanded_text


async def system(run: Run, number: int, command: System) -> None:
    """SYSTEM: run an allowed program in the gateway's root."""
    words = expand_words(split_line(command.line.value), lambda text: expanded_text(run, text))
    require_allowed(words, run.services.configured.allow)
    ended = await run_program(words, folder=run.instance.root)
    run.notes.append(f"command {number}: {words[0]} ended with code {ended.exit_code}: {ended.output[-500:]}")
    if not is_success(ended.exit_code, command.success_codes):
        raise GatewayError(
            f"{command.span}: SYSTEM {words[0]!r} ended with code {ended.exit_code}; it last printed: {ended.output!r}"
        )


async def remote_system(run: Run, number: int, command: RemoteSystem) -> None:
    """RSYSTEM: run a command at the endpoint."""
    line = command_line(
        command,
        lambda text: expanded_text(run, text),
        lambda text: expanded_text(run, text, change=shlex.quote),
    )
    async with run.services.pool.session(run.endpoint) as peer:
        ran = await run_remote(command, line, peer)
    run.notes.append(f"command {number}: {command.line.value} ended with code {ran.exit_code}: {ran.output[-500:]}")
