"""What the configuration knows: endpoints, groups, abilities, programs that may run."""

import json
from collections.abc import Iterator

from gateway.core.model import Span
from gateway.language.command_line import is_allowed, split_command_line
from gateway.language.findings import Findings
from gateway.language.macros import uses
from gateway.language.nearest import nearest
from gateway.language.nodes import (
    ChangeDir,
    Command,
    Delete,
    Dir,
    Get,
    MakeDir,
    Put,
    PutGet,
    Quote,
    RemoteSystem,
    RemoveDir,
    Rename,
    System,
)
from gateway.language.parse import Parsed
from gateway.language.tables import VERBS
from gateway.language.world import EndpointFacts, World

_AT_ENDPOINT = (Put, Get, PutGet, Dir, MakeDir, RemoveDir, Rename, Delete, ChangeDir, RemoteSystem, Quote)


def endpoint_rules(parsed: Parsed, world: World, findings: Findings) -> None:
    """The endpoint is known, and can do what the commands ask."""
    name = parsed.settings.endpoint
    header = parsed.action.header("endpoint")
    if name is None:
        if header is None:
            _none_named(parsed, world, findings)
        return
    span = header.value_span if header else Span(parsed.action.path, 1, 1, 2)
    members = world.members(name)
    if members is None:
        near = nearest(name, (*world.endpoints, *world.groups))
        what = f"{name!r} is neither an endpoint nor a group{near}"
        findings.error(span, "E701", f"{what}; add [endpoints.{name}] to the configuration")
    elif not members:
        findings.warning(span, "W702", f"the group {name} has no endpoints: nothing runs; add some, or check its tags")
    else:
        _abilities(parsed, [(each, world.endpoints[each]) for each in members if each in world.endpoints], findings)


def _none_named(parsed: Parsed, world: World, findings: Findings) -> None:
    first = next((each for each in parsed.action.commands if isinstance(each, _AT_ENDPOINT)), None)
    if first is None:
        return
    example = next(iter(world.endpoints), "acme")
    what = f"{_verb(first)} needs an endpoint and the script names none; write a header: @endpoint {example}"
    findings.error(first.span, "E703", what)


def _abilities(parsed: Parsed, members: list[tuple[str, EndpointFacts]], findings: Findings) -> None:
    for command in parsed.action.commands:
        if isinstance(command, Quote):
            for name, facts in members:
                if not facts.raw:
                    what = f"{_verb(command)} is raw FTP and {name} is {facts.scheme}://"
                    findings.error(command.span, "E704", f"{what}; leave the line out, or use an ftp endpoint")
                    break
        elif isinstance(command, RemoteSystem):
            for name, facts in members:
                if not facts.exec:
                    what = f"RSYSTEM runs over SSH and {name} is {facts.scheme}://"
                    findings.error(command.span, "E705", f"{what}; write SYSTEM, or use an sftp endpoint")
                    break


def _verb(command: Command) -> str:
    return "SITE" if isinstance(command, Quote) and command.site else command.verb


def system_rules(parsed: Parsed, world: World, findings: Findings) -> None:
    """SYSTEM lines name a program that may run."""
    for command in parsed.action.commands:
        if isinstance(command, System):
            check_program(command, world, findings)


def check_program(command: System, world: World, findings: Findings) -> None:
    """Report a program that is not allowed, with the line that would allow it."""
    span = command.line.span
    try:
        arguments = split_command_line(command.line.value)
    except ValueError as error:
        findings.error(span, "E706", f"SYSTEM: {error}")
        return
    if not arguments:
        findings.error(span, "E706", "SYSTEM: the command is empty; write a program and its arguments")
        return
    program = arguments[0]
    if any(True for _ in uses(program)):
        what = f"the program {program!r} holds a macro"
        findings.error(span, "E706", f"SYSTEM: {what}; write the program out, macros are for its arguments")
    elif not program.startswith("/"):
        remedy = _instead_of(program)
        findings.error(span, "E706", f"SYSTEM: {program!r} is not an absolute path{remedy}")
    elif not is_allowed(arguments, world.allow):
        what = f"SYSTEM may not run {program}; to allow it, write under [system] in gateway.toml:"
        findings.error(span, "E707", f"{what} allow = [{', '.join(_entries(program, world))}]")


def _instead_of(program: str) -> str:
    """What to write instead of a name that is no path."""
    if program.upper() in VERBS:
        return "; it is a command of scripts: give it a line of its own (reactions start local ones with $: $LCOPY)"
    name = program.partition("=")[0]
    near = nearest(name, ("SuccessCodes",)).replace("Codes", "Codes=") if "=" in program else ""
    return near or f"; write one: /usr/bin/{program}"


def _entries(program: str, world: World) -> Iterator[str]:
    for entry in world.allow:
        yield json.dumps(entry[0]) if len(entry) == 1 else json.dumps(list(entry))
    yield json.dumps(program)
