"""What a [regex] may be: Python's `re`, no Java spellings, nothing that can take exponential time."""

import re
from collections.abc import Iterator
from re import _constants as kinds
from re import _parser as parser
from typing import Any

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

_REMEDY = r"correct it, or write a backslash in front of a sign that means itself, such as \( or \+"


def checked_regex(text: str) -> str:
    """`text` if it may be used as it is.  Raises ValueError with what to write instead."""
    _no_java(text)
    try:
        tree = parser.parse(text)
    except re.error as error:
        raise ValueError(
            f"[{text}] is no regular expression: {error.msg} at character {error.pos or 0}; {_REMEDY}"
        ) from error
    except (RecursionError, OverflowError) as error:
        raise ValueError(f"[{text}] is too deep a regular expression; write a simpler one") from error
    _no_explosion(text, tree)
    return text


def _no_java(text: str) -> None:
    bare = re.sub(r"\\\\", "  ", text)
    for spelling, remedy in _JAVA:
        found = spelling.search(bare)
        if found:
            raise ValueError(f"{found[0]} in [{text}] is Java, patterns here are Python's; {remedy}")


def _no_explosion(text: str, tree: Any) -> None:
    for body in _unbounded(tree):
        if any(True for _ in _unbounded(body)):
            raise ValueError(
                f"[{text}] repeats a repeat, which can take for ever on one name; "
                "write one repeat, such as [ab]* for (a*b*)*"
            )
        if _is_ambiguous(body):
            raise ValueError(
                f"[{text}] repeats what can match in several lengths, which can take for ever on one name; "
                "write one repeat, such as a+ for (a|aa)+"
            )


def _unbounded(tree: Any) -> Iterator[Any]:
    """The bodies of all repeats without an upper bound below `tree` that backtracking can enter."""
    for kind, argument in _nodes(tree):
        if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT) and argument[1] == kinds.MAXREPEAT:
            yield argument[2]


def _nodes(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every node below `tree`; what is atomic is entered once only and therefore left out."""
    for kind, argument in tree:
        yield kind, argument
        for below in _below(kind, argument):
            yield from _nodes(below)


def _below(kind: Any, argument: Any) -> list[Any]:
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT):
        return [argument[2]]
    if kind is kinds.SUBPATTERN:
        return [argument[3]]
    if kind is kinds.BRANCH:
        return list(argument[1])
    if kind is kinds.GROUPREF_EXISTS:
        return [each for each in argument[1:] if each is not None]
    return []


def _is_ambiguous(body: Any) -> bool:
    """True if a repeated body can match the same text in pieces of several lengths."""
    if any(kind is kinds.BRANCH and any(len(each) == 0 for each in argument[1]) for kind, argument in _nodes(body)):
        return True
    return all(_varies(kind, argument) for kind, argument in body)


def _varies(kind: Any, argument: Any) -> bool:
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT):
        return bool(argument[0] != argument[1])
    if kind is kinds.SUBPATTERN:
        return all(_varies(*node) for node in argument[3])
    return False
