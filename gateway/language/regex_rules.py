"""What a [regex] may be: Python's `re`, no Java spellings, nothing that can take for ever."""

import re
from re import _parser as parser

from gateway.language.regex_cost import explosion

_JAVA = (
    (re.compile(r"\\[pP](?:\{L(?:etter)?\}|L)"), r"write [^\W\d_] for any letter"),
    (re.compile(r"\\[pP]\{(?:Lu|Upper|javaUpperCase)\}"), "write [A-Z] for a capital letter"),
    (re.compile(r"\\[pP]\{(?:Ll|Lower|javaLowerCase)\}"), "write [a-z] for a small letter"),
    (re.compile(r"\\[pP]\{(?:Alpha)\}"), "write [A-Za-z]"),
    (re.compile(r"\\[pP]\{(?:Digit|Nd|N)\}"), r"write \d"),
    (re.compile(r"\\[pP]\{(?:Alnum)\}"), "write [A-Za-z0-9]"),
    (re.compile(r"\\[pP]\{(?:Punct)\}"), r"write [^\w\s]"),
    (re.compile(r"\\[pP]\{(?:Space|Blank)\}"), r"write \s"),
    (re.compile(r"\\[pP](?:\{|[A-Z])"), r"write a class of characters, such as [A-Za-z] or \w"),
    (re.compile(r"\\Q"), r"write a backslash in front of each special character, such as \. and \+"),
    (re.compile(r"\\E"), r"write a backslash in front of each special character, such as \. and \+"),
    (re.compile(r"\\z"), "leave it out: the whole name is matched anyway"),
    (re.compile(r"\\h"), r"write [ \t]"),
    (re.compile(r"\\R"), "leave it out: a name has no line ends"),
    (re.compile(r"\\x\{"), r"write \x41 or \u0041"),
    (re.compile(r"\(\?<(?![=!])"), "write (?P<name>…)"),
    (re.compile(r"&&"), "write (?![bc])[a-z] for [a-z&&[^bc]]"),
)

_CLASS = re.compile(r"\\.|\[\^?(\]?(?:\\.|[^\]\\])*)\]", re.DOTALL)
_INNER = re.compile(r"\\.|\[|--|~~|\|\|", re.DOTALL)

_REMEDY = r"correct it, or write a backslash in front of a sign that means itself, such as \( or \+"


def checked_regex(text: str) -> str:
    """`text` if it may be used as it is.  Raises ValueError with what to write instead."""
    if not text:
        raise ValueError("[] matches no name; write what a name looks like between the brackets, or * for every name")
    _no_java(text)
    try:
        why = explosion(parser.parse(text))
    except re.error as error:
        raise ValueError(
            f"[{text}] is no regular expression: {error.msg} at character {error.pos or 0}; {_REMEDY}"
        ) from error
    except (RecursionError, OverflowError) as error:
        raise ValueError(f"[{text}] is too deep a regular expression; write a simpler one") from error
    if why is not None:
        raise ValueError(f"[{text}] {why}")
    return text


def _inner(chars: str) -> str | None:
    """What Java takes for a class within a class, and Python, too, some day; a [ at the end begins none."""
    for found in _INNER.finditer(chars):
        is_last = 0 < found.start() == len(chars) - 1
        if found[0][0] != "\\" and not is_last:
            return found[0]
    return None


def _no_java(text: str) -> None:
    bare = re.sub(r"\\\\", "  ", text)
    for spelling, remedy in _JAVA:
        found = spelling.search(bare)
        if found:
            raise ValueError(f"{found[0]} in [{text}] is Java, patterns here are Python's; {remedy}")
    for found in _CLASS.finditer(bare):
        inner = _inner(found[1] or "")
        if inner is not None:
            raise ValueError(
                f"{inner} in the class {found[0]} of [{text}] is Java; write [a-z0-9] for [a-z[0-9]], "
                f"and a backslash in front of what means itself, such as \\{inner[0]}"
            )
