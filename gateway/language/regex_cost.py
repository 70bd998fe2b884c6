"""What a regular expression can cost: one that could take for ever on an unlucky name is refused.

A match that fails tries every way to cut the name into the pieces of its repeats.  Inside a repeat the ways multiply
with each round, so there no two may be possible at one place; side by side they only add a power for each.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from re import _compiler as compiler  # type: ignore[attr-defined]
from re import _constants as kinds
from re import _parser as parser
from typing import Any

_REPEATS = (kinds.MAX_REPEAT, kinds.MIN_REPEAT)
_CHARACTERS = (kinds.LITERAL, kinds.NOT_LITERAL, kinds.IN, kinds.ANY)
_NO_WIDTH = (kinds.AT, kinds.ASSERT, kinds.ASSERT_NOT)
_SAMPLE = frozenset(map(chr, range(32, 127))) | {"\n", "é", "漢"}
_MANY = 10  # so many rounds are as bad as any number
_ROW = 5  # loose repeats side by side: five take seconds on the worst name of 255 characters, six take an hour

Node = tuple[Any, Any]


def no_explosion(text: str, tree: Any) -> None:
    """Raises ValueError with what to write instead if `tree`, read from `text`, could take for ever."""
    for body in _repeated(tree, kinds.MAXREPEAT):
        if any(True for _ in _repeated(body, kinds.MAXREPEAT)):
            raise ValueError(
                f"[{text}] repeats a repeat, which can take for ever on one name; "
                "write one repeat, such as [ab]* for (a*b*)*"
            )
    for body in _repeated(tree, _MANY):
        if _is_ambiguous(body):
            raise ValueError(
                f"[{text}] repeats what can match in several lengths, which can take for ever on one name; "
                "write one repeat, such as a+ for (a|aa)+"
            )
    if sum(_loose(list(_row(tree)))) > _ROW:
        raise ValueError(
            f"[{text}] holds more than {_ROW} repeats that can take what stands behind them, which can take hours on "
            "one name; write [^_]*_ for .*_, or a pattern without brackets, such as *_*_*.csv"
        )
    for kind, argument in _nodes(tree):
        for apart in _apart(kind, argument):
            no_explosion(text, apart)


def _repeated(tree: Any, least: int) -> Iterator[Any]:
    """The bodies of all repeats below `tree` that backtracking can enter and that allow `least` rounds or more."""
    for kind, argument in _nodes(tree):
        if kind in _REPEATS and argument[1] >= least:
            yield argument[2]


def _nodes(tree: Any) -> Iterator[Node]:
    """Every node below `tree`; not those of what is matched apart, once and for good."""
    for kind, argument in tree:
        yield kind, argument
        for below in _below(kind, argument):
            yield from _nodes(below)


def _below(kind: Any, argument: Any) -> list[Any]:
    if kind in _REPEATS:
        return [argument[2]]
    if kind is kinds.SUBPATTERN:
        return [argument[3]]
    if kind is kinds.BRANCH:
        return list(argument[1])
    if kind is kinds.GROUPREF_EXISTS:
        return [each for each in argument[1:] if each is not None]
    return []


def _apart(kind: Any, argument: Any) -> list[Any]:
    """What is matched apart: atomic groups, possessive repeats, looks ahead and behind."""
    if kind is kinds.ATOMIC_GROUP:
        return [argument]
    if kind is kinds.POSSESSIVE_REPEAT:
        return [argument[2]]
    return [argument[1]] if kind in (kinds.ASSERT, kinds.ASSERT_NOT) else []


def _is_ambiguous(body: Any) -> bool:
    """True if a repeated body can match the same text in several ways."""
    if any(kind is kinds.BRANCH and _overlap(argument[1]) for kind, argument in _nodes(body)):
        return True
    row = list(_row(body))
    return all(_varies(*node) for node in body) or any(_loose([*row, *row]))


def _overlap(branches: Sequence[Any]) -> bool:
    """True if two of them can begin with the same text, the whole of one or what of it is plain."""
    starts = [list(_plain(each)) for each in branches]
    return any(
        all(mine & yours for mine, yours in zip(one, other, strict=False)) for one, other in combinations(starts, 2)
    )


def _plain(tree: Any) -> Iterator[frozenset[str]]:
    """The characters of one place after the other, as far as there is one way to match them."""
    row = list(_row(tree))
    for place, ((kind, argument), state) in enumerate(row):
        if kind not in _CHARACTERS:
            some, empty = _starts_of(row[place:])
            if not empty:
                yield some
            return
        yield _matched(kind, argument, state)


def _varies(kind: Any, argument: Any) -> bool:
    if kind in _REPEATS:
        return bool(argument[0] != argument[1])
    if kind is kinds.SUBPATTERN:
        return all(_varies(*node) for node in argument[3])
    return False


def _row(tree: Any) -> Iterator[tuple[Node, Any]]:
    """What follows each other in `tree`, groups opened, each with the state it was read with."""
    for kind, argument in tree:
        if kind is kinds.SUBPATTERN:
            yield from _row(argument[3])
        else:
            yield (kind, argument), tree.state


def _loose(row: Sequence[tuple[Node, Any]]) -> Iterator[bool]:
    """For each node from behind: True for a repeat that can also take what stands behind it."""
    behind: frozenset[str] = frozenset()
    for (kind, argument), state in reversed(row):
        some, empty = _start(kind, argument, state)
        yield kind in _REPEATS and argument[0] != argument[1] and bool(some & behind)
        behind = some | behind if empty else some


def _starts(tree: Any) -> tuple[frozenset[str], bool]:
    """The characters that a match can begin with, of those that are tried; and whether it can be empty."""
    return _starts_of([(node, tree.state) for node in tree])


def _starts_of(row: Sequence[tuple[Node, Any]]) -> tuple[frozenset[str], bool]:
    found: frozenset[str] = frozenset()
    for (kind, argument), state in row:
        some, empty = _start(kind, argument, state)
        found |= some
        if not empty:
            return found, False
    return found, True


def _start(kind: Any, argument: Any, state: Any) -> tuple[frozenset[str], bool]:
    if kind in _CHARACTERS:
        return _matched(kind, argument, state), False
    if kind in (*_REPEATS, kinds.POSSESSIVE_REPEAT):
        some, empty = _starts(argument[2])
        return some, empty or argument[0] == 0
    if kind is kinds.SUBPATTERN:
        return _starts(argument[3])
    if kind is kinds.ATOMIC_GROUP:
        return _starts(argument)
    if kind is kinds.BRANCH:
        starts = [_starts(each) for each in argument[1]]
        return frozenset().union(*(some for some, _ in starts)), any(empty for _, empty in starts)
    return (frozenset(), True) if kind in _NO_WIDTH else (_SAMPLE, True)


def _matched(kind: Any, argument: Any, state: Any) -> frozenset[str]:
    one: re.Pattern[str] = compiler.compile(parser.SubPattern(state, [(kind, argument)]))
    sample = _SAMPLE | {chr(argument)} if kind is kinds.LITERAL else _SAMPLE
    return frozenset(char for char in sample if one.fullmatch(char))
