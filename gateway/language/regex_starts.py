"""What the parts of a parsed regular expression can begin with, tried on a sample of characters."""

import re
from collections.abc import Iterable
from re import _compiler as compiler  # type: ignore[attr-defined]
from re import _constants as kinds
from re import _parser as parser
from typing import Any

REPEATS = (kinds.MAX_REPEAT, kinds.MIN_REPEAT)
CHARACTERS = (kinds.LITERAL, kinds.NOT_LITERAL, kinds.IN, kinds.ANY)
_NO_WIDTH = (kinds.AT, kinds.ASSERT, kinds.ASSERT_NOT)
_SAMPLE = frozenset(map(chr, range(32, 127))) | {"\n", "é", "漢"}

Node = tuple[Any, Any]
Start = tuple[frozenset[str], bool]
"""The characters that a match can begin with, of those that are tried; and whether it can be empty."""


class Starts:
    """Of one expression; each part is looked at once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Start]] = {}  # the part, too, lest another one gets its identity

    def of(self, tree: Any) -> Start:
        """Of parts that follow each other."""
        if id(tree) not in self._known:
            self._known[id(tree)] = tree, self._of_row(tree)
        return self._known[id(tree)][1]

    def _of_row(self, tree: Any) -> Start:
        found: frozenset[str] = frozenset()
        for kind, argument in tree:
            some, empty = self.of_node(kind, argument, tree.state)
            found |= some
            if not empty:
                return found, False
        return found, True

    def of_node(self, kind: Any, argument: Any, state: Any) -> Start:
        """Of one part, which was read with `state`."""
        if kind in CHARACTERS:
            return _matched(kind, argument, state), False
        if kind in (*REPEATS, kinds.POSSESSIVE_REPEAT):
            some, empty = self.of(argument[2])
            return some, empty or argument[0] == 0
        if kind is kinds.SUBPATTERN:
            return self.of(argument[3])
        if kind is kinds.ATOMIC_GROUP:
            return self.of(argument)
        if kind is kinds.BRANCH:
            return _any_of(self.of(each) for each in argument[1])
        return (frozenset(), True) if kind in _NO_WIDTH else (_SAMPLE, True)


def _any_of(starts: Iterable[Start]) -> Start:
    found = list(starts)
    return frozenset().union(*(some for some, _ in found)), any(empty for _, empty in found)


def _matched(kind: Any, argument: Any, state: Any) -> frozenset[str]:
    one: re.Pattern[str] = compiler.compile(parser.SubPattern(state, [(kind, argument)]))
    sample = _SAMPLE | {chr(argument)} if kind is kinds.LITERAL else _SAMPLE
    return frozenset(char for char in sample if one.fullmatch(char))
