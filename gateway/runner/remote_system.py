"""RSYSTEM: a command at the endpoint, over SSH (LANGUAGE §3).

What macros, folder and environment hold is quoted for the peer's shell; the command itself is the script's own text.
"""

import shlex
from collections.abc import Callable

from gateway.core.errors import GatewayError, Refused, Retryable
from gateway.endpoints.base import Endpoint, Ran
from gateway.language.nodes import RemoteSystem
from gateway.runner.system import TIME_LIMIT_S, is_success


def command_line(command: RemoteSystem, expand: Callable[[str], str], expand_quoted: Callable[[str], str]) -> str:
    """The line for the peer's shell; `expand_quoted` quotes each macro's value, `expand` does not."""
    line = expand_quoted(command.line.value)
    for name, value in reversed(command.environment):
        line = f"{name}={shlex.quote(expand(value.value))}; export {name}; {line}"
    if command.folder is not None:
        line = f"cd {shlex.quote(expand(command.folder.value))} && {{ {line}\n}}"
    return line


async def run_remote(command: RemoteSystem, line: str, peer: Endpoint) -> Ran:
    """Run `line`; returns how it ended.

    Raises Retryable for an exit code of AgainCodes, GatewayError for one that is no success.
    """
    if not peer.features.exec:
        raise Refused(f"{command.span}: RSYSTEM needs an endpoint that runs commands (SFTP with a shell)")
    limit_s = command.timeout.total_seconds() if command.timeout else TIME_LIMIT_S
    ran = await peer.execute(line, timeout_s=limit_s)
    if is_success(ran.exit_code, command.success_codes):
        return ran
    message = f"RSYSTEM {command.line.value!r} ended with code {ran.exit_code}; it last printed: {ran.output!r}"
    raise (Retryable if is_success(ran.exit_code, command.again_codes) else GatewayError)(message)
