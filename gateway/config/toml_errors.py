"""What the TOML reader found, for people: the thing by its name in the file, and what to write."""

import ast
import re
from collections.abc import Callable

_TUPLE = r"(\(.*\))"
_TEXT = r"(['\"].*['\"])"
_QUOTES = 'texts stand in quotes, numbers, true and false without: name = "text"'
_KEY = "a line is a [section] or name = value, and a name of other signs than letters, digits, _ and - stands in quotes"


def _dotted(found: str) -> str:
    try:
        key = ast.literal_eval(found)
    except (ValueError, SyntaxError):
        return found
    return ".".join(str(part) for part in key)


_SAYS: tuple[tuple[str, Callable[[str], str]], ...] = (
    (rf"Cannot declare {_TUPLE} twice", lambda key: f"[{_dotted(key)}] is there already; put all of it in one place"),
    (
        rf"Cannot redefine namespace {_TUPLE}",
        lambda key: f"{_dotted(key)} is there already; put all of it in one place",
    ),
    (
        rf"Cannot mutate immutable namespace {_TUPLE}",
        lambda key: f"{_dotted(key)} was written as a whole already; add what is missing there, not here",
    ),
    ("Cannot overwrite a value", lambda _: "this stands here twice; keep one of the two"),
    (rf"Duplicate inline table key {_TEXT}", lambda key: f"{key} stands twice in one {{ … }}; keep one of the two"),
    (r"Expected '(\]\]?)' at the end of .*", lambda end: f"the name of a section is not closed; end it with {end}"),
    ("Expected '=' after a key in a key/value pair", lambda _: f"a name without a value; {_KEY}"),
    ("Invalid initial character for a key part|Invalid statement", lambda _: f"no name can begin here; {_KEY}"),
    (
        "Expected newline or end of document after a statement",
        lambda _: "something stands behind the end of a value; begin a new line, or put quotes around all of it",
    ),
    ("Invalid value", lambda _: f"no value can begin like this; {_QUOTES}"),
    ("Invalid date or datetime", lambda _: f"there is no such day or time; {_QUOTES}"),
    ("Unclosed array", lambda _: 'a list is not closed; write ["a", "b"]'),
    ("Unclosed inline table", lambda _: 'a table is not closed; write { a = "b", c = "d" }'),
    (r"Unterminated string|Expected \"'+\"", lambda _: "the quote of a text is not closed; close it behind the text"),
    (
        r"Unescaped '\\\\?' in a string|Invalid hex value|Escaped character is not a Unicode scalar value",
        lambda _: r"a backslash means something in \"…\"; write it twice, or the text in '…'".replace(r"\"", '"'),
    ),
    (
        rf"(?:Illegal|Found invalid) character {_TEXT}",
        lambda sign: (
            "the quote of a text is not closed on its line; close it behind the text"
            if sign in (r"'\n'", r"'\r'")
            else f"the sign {sign} can't stand here; delete it, or write it as \\uXXXX"
        ),
    ),
)


def said_of_toml(message: str) -> str:
    """The reader's words, which come without a remedy, as ours; what is not known here stays as it is."""
    for pattern, say in _SAYS:
        found = re.fullmatch(pattern, message)
        if found is not None:
            return say(found[1] if found.lastindex else "")
    return f"{message}; {_QUOTES}"
