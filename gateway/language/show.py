"""Nodes back to text: what `gateway fmt` prints, and what jobs and channels show of the commands they make."""

import re

from gateway.language.build_raw import unquoted
from gateway.language.lines import read_line
from gateway.language.nodes import (
    Action,
    Age,
    CheckFiles,
    CheckTransfers,
    Clear,
    Command,
    Header,
    Program,
    Quote,
    Set,
    Text,
    Wait,
)
from gateway.language.pattern import split_path
from gateway.language.tables import BY_NODE, Parameter, Row
from gateway.language.value_text import show_age, show_wait

_BARE = re.compile(r"[^\s\"'#,=\-–—−“”„«»‘’‚][^\s\"',=]*")
_BARE_VALUE = re.compile(r"(?:[^\s\"',]|,(?![A-Za-z])(?=.))+")
_NAMED = re.compile(r"[A-Za-z][A-Za-z0-9_.]*=")
_DEFAULTS = {"success_codes": "0", "wait": "60S"}
_NOTHING: frozenset[str] = frozenset()


def show(action: Action) -> str:
    """The whole script; comments are not part of the tree (`format_text` keeps them)."""
    width = max((len(header.name) for header in action.headers), default=0)
    lines = [show_header(header, width) for header in action.headers]
    if lines and action.commands:
        lines.append("")
    lines += [show_command(command) for command in action.commands]
    return "".join(f"{line}\n" for line in lines)


def show_header(header: Header, width: int = 0) -> str:
    """`@name  value`, the values of a script in one column."""
    return f"@{header.name:<{width}}  {header.value}"


def show_command(command: Command, written: frozenset[str] = _NOTHING) -> str:
    """One line; a parameter that says the default is printed only if its name is in `written`."""
    if isinstance(command, Set):
        return f"SET {command.name}={command.value}" if command.value is not None else f"SET {command.name}"
    if isinstance(command, Clear):
        return f"CLEAR {command.name}"
    if isinstance(command, Wait):
        return f"WAIT {show_wait(command.length)}"
    if isinstance(command, Quote):
        return f"{'SITE' if command.site else 'QUOTE'} {_rest(command.line.value, bare=True)}"
    row = _row(command)
    words = [row.verb, *_options(row, command), *_paths(row, command), *_parameters(row, command, written)]
    if isinstance(command, Program):
        words += _surroundings(command)
        words.append(_rest(command.line.value, bare=False))
    return " ".join(words)


def show_path(value: str) -> str:
    """A path as a token: bare where that is unambiguous, else in quotes.

    Raises ValueError for a text that no token can hold (both kinds of quote, outside a [regex]).
    """
    if _BARE.fullmatch(value) and _brackets_close(value):
        return value
    for quote in ('"', "'"):
        if quote not in value:
            return f"{quote}{value}{quote}"
    if _is_one_word(value):
        return value  # quotes inside a [regex] are characters
    raise ValueError(f"{value!r} holds both kinds of quote; a script can't say such a path, rename the file")


def _brackets_close(value: str) -> bool:
    try:
        split_path(value)
    except ValueError:
        return False
    return True


def _is_one_word(value: str) -> bool:
    pieces = read_line(f"PUT {value}", "", 1).rest
    return len(pieces) == 1 and pieces[0].kind == "WORD" and pieces[0].text == value


def _row(command: Command) -> Row:
    return BY_NODE[type(command)]


def _options(row: Row, command: Command) -> list[str]:
    if isinstance(command, CheckTransfers):
        return ["-TRA", "-IN" if command.incoming else "-OUT"]
    given = [f"-{name}" for name, field in row.options.items() if getattr(command, field)]
    if isinstance(command, CheckFiles) and not command.folders:
        return ["-FIL", *given]
    return given


def _paths(row: Row, command: Command) -> list[str]:
    texts = (getattr(command, name) for name in row.paths)
    return [show_path(text.value) for text in texts if isinstance(text, Text)]


def _parameters(row: Row, command: Command, written: frozenset[str]) -> list[str]:
    shown = ((each, _value(each, command)) for each in row.parameters)
    return [
        f"{each.name}={_quoted(value)}"
        for each, value in shown
        if value and (value != _DEFAULTS.get(each.field) or each.name.lower() in written)
    ]


def _value(parameter: Parameter, command: Command) -> str:
    if isinstance(command, CheckTransfers) and parameter.field == "within":
        return show_age(Age(side=None, length=command.within, unit=command.unit, day=command.day))
    value = getattr(command, parameter.field)
    return parameter.show(value) if value not in (None, ()) else ""


def _quoted(value: str) -> str:
    if _BARE_VALUE.fullmatch(value):
        return value
    return f"'{value}'" if '"' in value else f'"{value}"'


def _surroundings(command: Program) -> list[str]:
    folder = [f"In={_quoted(command.folder.value)}"] if command.folder else []
    return folder + [f"Env.{name}={_quoted(text.value)}" for name, text in command.environment]


def _rest(line: str, *, bare: bool) -> str:
    """The rest of a line so that it reads back as `line`: in quotes, or as it is if `bare` is preferred."""
    as_it_is = unquoted(line) == line and line == line.strip() and not _NAMED.match(line)
    if as_it_is and (bare or '"' in line):
        return line
    quote = "'" if '"' in line else '"'
    return f"{quote}{line}{quote}" if quote not in line else line
