"""RSYSTEM: a command at the endpoint, over SSH (SPEC §5).

What macros, folder and environment hold is quoted for the peer's shell; the command itself is the script's own text.
"""

import re
import shlex
from collections.abc import Callable, Mapping

from gateway.core.errors import GatewayError, Refused, Retryable
from gateway.endpoints.base import Endpoint, Ran
from gateway.language.macros import expand, uses
from gateway.language.nodes import RemoteSystem, Text
from gateway.runner.system import TIME_LIMIT_S, is_success


def command_line(command: RemoteSystem, values_of: Callable[[str], Mapping[str, str]]) -> str:
    """The line for the peer's shell; `values_of` says what the macros of a text mean."""
    line = put_in_quoted(command.line.value, values_of(command.line.value))
    for name, text in reversed(command.environment):
        line = f"{name}={_quoted(text, values_of)}; export {name}; {line}"
    if command.folder is not None:
        line = f"cd {_quoted(command.folder, values_of)} && {{ {line}\n}}"
    return line


def _quoted(text: Text, values_of: Callable[[str], Mapping[str, str]]) -> str:
    return shlex.quote(expand(text.value, values_of(text.value)))


def put_in_quoted(line: str, values: Mapping[str, str]) -> str:
    """`line` with the values of its macros put in as the shell's quotes around each ask for: a value stays text."""
    made, position, quotes = "", 0, ""
    for use in uses(line):
        value = expand(use.text, values)
        if value == use.text:
            continue
        before = line[position : use.start]
        quotes = _open_quotes(before, quotes)
        made += before + _in_quotes(value, quotes)
        position = use.end
    return made + line[position:]


def _open_quotes(text: str, quotes: str) -> str:
    """Which quotes are open behind `text`, if `quotes` were before it: ', " or none."""
    escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\" and quotes != "'":
            escaped = True
        elif char == quotes:
            quotes = ""
        elif not quotes and char in "'\"":
            quotes = char
    return quotes


def _in_quotes(value: str, quotes: str) -> str:
    if quotes == "'":
        return value.replace("'", "'\\''")
    if quotes == '"':
        return re.sub(r'([\\"$`])', r"\\\1", value)
    return shlex.quote(value)


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
