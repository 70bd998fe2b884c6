"""Macros: each must be known and have a meaning where it stands."""

from collections.abc import Iterator

from gateway.core.model import Span
from gateway.language.findings import Findings, piece
from gateway.language.macros import MACROS, Use, Where, almost_uses, uses
from gateway.language.nearest import nearest
from gateway.language.nodes import Command, LocalReplace, Program, Set, Text, Transfer
from gateway.language.parse import Parsed
from gateway.language.tables import BY_NODE
from gateway.language.world import World

_OF_ENDPOINT = ("host", "endpoint", "mailbox")
_TARGETS = ("target", "response", "local")


def macro_rules(parsed: Parsed, world: World, findings: Findings) -> None:
    """Every macro of the script's commands and of `@done_file`; reactions are checked by their own rules."""
    bound = parsed.settings.endpoint is not None
    for command in parsed.action.commands:
        for where, text in texts(command):
            if "%" in text.value:
                check_macros(text.value, inner(text), where, world, bound, findings)
    header = parsed.action.header("done_file")
    if header is not None:
        check_macros(header.value, header.value_span, Where.TARGET, world, bound, findings)


def texts(command: Command) -> Iterator[tuple[Where, Text]]:
    """The texts of a command that may hold macros, each with what it is."""
    if isinstance(command, Program):
        yield Where.PROGRAM, command.line
        yield from ((Where.PROGRAM, text) for text in (command.folder, *dict(command.environment).values()) if text)
    if isinstance(command, Set) and command.value is not None and command.name.lower() == "done_file":
        yield Where.TARGET, command.value
    if isinstance(command, LocalReplace):
        yield Where.PATH, command.path
        return
    for name in BY_NODE[type(command)].paths:
        text = getattr(command, name, None)
        if isinstance(text, Text):
            yield Where.TARGET if isinstance(command, Transfer) and name in _TARGETS else Where.PATH, text


def inner(text: Text) -> Span:
    """Where the text itself stands, without its quotes."""
    span = text.span
    quoted = span.end_column - span.column == len(text.value) + 2
    return Span(span.file, span.line, span.column + quoted, span.end_column - quoted)


def check_macros(text: str, span: Span, where: Where, world: World, bound: bool, findings: Findings) -> None:
    """Report the macros of `text` that are unknown or have no meaning in `where`."""
    for use in uses(text):
        problem = _problem(use, where, world, bound)
        if problem is not None:
            findings.error(piece(span, use.start, len(use.text)), *problem)
    for match in almost_uses(text):
        findings.error(piece(span, match.start(), len(match[0])), "E403", _almost(match[0], match[1]))


def _almost(text: str, name: str) -> str:
    joined = "".join(char for char in text if char.isalnum() or char == "_")
    if joined in MACROS:
        return f"{text} is not a macro; write %{joined}%"
    macro = MACROS[name]
    if macro.shifts:
        return f"{text} is not a macro: a shift is a number and d, h or m; write it as in %{name}-1d%, or %{name}%"
    if macro.pads:
        return f"{text} is not a macro: a width is a number; write it as in %{name}:4%, or %{name}%"
    return f"{text} is not a macro; write %{name}%"


def _problem(use: Use, where: Where, world: World, bound: bool) -> tuple[str, str] | None:
    macro = MACROS.get(use.name)
    if macro is None:
        return None if use.name in world.macros and not use.shift and not use.width else _unknown(use, world)
    if where not in macro.where:
        places = ", ".join(sorted(macro.where))
        return "E402", f"{use.text} has no meaning in {where}; it has one in {places}"
    if use.shift and not macro.shifts:
        return "E403", f"{use.text} cannot be shifted; only %date-1d% and %time-1h% can: write %{use.name}%"
    if use.width and not macro.pads:
        return "E403", f"{use.text} cannot be padded; only %index:4% can: write %{use.name}%"
    if use.name in _OF_ENDPOINT and not bound:
        return "E404", f"{use.text} needs an endpoint; write a header @endpoint, or leave the macro out"
    return None


def _unknown(use: Use, world: World) -> tuple[str, str]:
    if use.name in world.macros:
        return (
            "E403",
            f"{use.text} is a macro of the configuration: it is neither shifted nor padded; write %{use.name}%",
        )
    near = nearest(use.name, (*MACROS, *world.macros))
    near = f", did you mean %{near.removeprefix(', did you mean ')}%" if near else ""
    return "E401", f"{use.text} is not a macro{near}; add it to [macros], or write ? for a percent sign in a pattern"
