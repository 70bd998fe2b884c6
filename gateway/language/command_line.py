"""A SYSTEM line split into program and arguments: once, before macros are put in, and never by a shell."""

import re

_WORD = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[^\s"'])+)""")
_QUOTED = re.compile(r""""([^"]*)"|'([^']*)'""")


def split_command_line(text: str) -> tuple[str, ...]:
    """The arguments: blanks separate, quotes group, a backslash is a backslash; macros stay as they are.

    Raises ValueError for a quote that is not closed.
    """
    made, position = [], 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _WORD.match(stripped, position)
        if match is None:
            raise ValueError(f"the quote at {stripped[position:].lstrip()!r} is not closed; close it")
        made.append(_QUOTED.sub(lambda quoted: quoted[1] if quoted[1] is not None else quoted[2], match[1]))
        position = match.end()
    return tuple(made)


def is_allowed(arguments: tuple[str, ...], allow: tuple[tuple[str, ...], ...]) -> bool:
    """True if the program, with the leading arguments that an entry fixes, is one of `allow`."""
    return any(each and arguments[: len(each)] == each for each in allow)
