"""What a regular expression can cost: one that could take for ever on an unlucky name is refused.

A match that fails tries every way to cut the name into the pieces of its repeats.  Side by side the ways of each repeat
multiply; inside a repeat those of its body do so with each round.  What they come to at most is estimated, as a
logarithm, by which characters each part can begin with: a repeat that can't take what stands behind it ends in one way.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import log
from re import _constants as kinds
from typing import Any

from gateway.language.regex_starts import CHARACTERS, REPEATS, Node, Starts

_LONGEST = 255  # a name in bytes
_SPAN = 100  # ends of one repeat: there are 255, but those side by side share them, and five come to 255**5 / 5!
_MOST = 5 * log(1 + _SPAN) + 0.1  # seconds on the worst name; one repeat more takes minutes, two take hours
_MOST_IN_ROUNDS = log(1e8)  # seconds, too: there the estimate is near

NESTED = "repeats a repeat, which can take for ever on one name; write one repeat, such as [ab]* for (a*b*)*"
ROUNDS = (
    "repeats what can match in several lengths, which can take for ever on one name; "
    "write one repeat, such as a+ for (a|aa)+"
)
ROW = (
    "holds too many repeats that can each take what stands behind them, which can take hours on one name; "
    "write [^_]*_ for .*_, or a pattern without brackets, such as *_*_*.csv"
)


def explosion(tree: Any) -> str | None:
    """What of `tree` could take for ever, and what to write instead; None for what is judged in time."""
    for body in _endless(tree):
        if any(True for _ in _endless(body)):
            return NESTED
    cost = _Cost()
    if cost.of(tree, frozenset()) > _MOST or cost.rounds > _MOST_IN_ROUNDS:
        return ROUNDS if cost.rounds > _MOST_IN_ROUNDS else ROW
    return next((why for each in _nodes(tree) for apart in _apart(*each) if (why := explosion(apart))), None)


class _Cost:
    """Ways to match, as logarithms.  `rounds`: the most that a repeat has because of what it repeats."""

    def __init__(self) -> None:
        self._starts = Starts()
        self.rounds = 0.0

    def of(self, tree: Any, behind: frozenset[str]) -> float:
        """Of parts that follow each other, before one that begins with `behind`."""
        total = 0.0
        for kind, argument in reversed(list(tree)):
            total += self._node(kind, argument, behind)
            some, empty = self._starts.of_node(kind, argument, tree.state)
            behind = some | behind if empty else some
        return total

    def _node(self, kind: Any, argument: Any, behind: frozenset[str]) -> float:
        if kind in REPEATS:
            least, most, body = argument
            return self._repeat(least, most, body, behind)
        if kind is kinds.BRANCH:
            most = max(self.of(each, behind) for each in argument[1])
            return most + (log(len(argument[1])) if self._overlap(argument[1], behind) else 0.0)
        return max((self.of(each, behind) for each in _below(kind, argument)), default=0.0)

    def _repeat(self, least: int, most: int, body: Any, behind: frozenset[str]) -> float:
        again, _ = self._starts.of(body)
        rounds = min(most, _LONGEST // max(1, body.getwidth()[0]))
        each = self.of(body, again | behind if rounds > 1 else behind)
        inside = rounds * each if each else 0.0
        if rounds > 1:
            self.rounds = max(self.rounds, inside)
        ends = min(rounds - least, _SPAN) if again & behind else 0
        return inside + (log(1 + ends) if ends > 0 else 0.0)

    def _overlap(self, branches: Sequence[Any], behind: frozenset[str]) -> bool:
        """True if two of them could match the same text, as far as each is plain."""
        starts = [list(self._plain(each, behind)) for each in branches]
        return any(
            all(mine & yours for mine, yours in zip(one, other, strict=False)) for one, other in combinations(starts, 2)
        )

    def _plain(self, tree: Any, behind: frozenset[str]) -> Iterator[frozenset[str]]:
        """The characters of one place after the other, as far as there is one way to match them."""
        for place, (kind, argument) in enumerate(tree):
            if kind not in CHARACTERS:
                some, empty = self._starts.of(tree[place:])
                yield some | behind if empty else some
                return
            yield self._starts.of_node(kind, argument, tree.state)[0]
        yield behind


def _endless(tree: Any) -> Iterator[Any]:
    """The bodies of all repeats without an upper bound below `tree` that backtracking can enter."""
    for kind, argument in _nodes(tree):
        if kind in REPEATS and argument[1] == kinds.MAXREPEAT:
            yield argument[2]


def _nodes(tree: Any) -> Iterator[Node]:
    """Every node below `tree`; not those of what is matched apart, once and for good."""
    for kind, argument in tree:
        yield kind, argument
        for below in _below(kind, argument):
            yield from _nodes(below)


def _below(kind: Any, argument: Any) -> list[Any]:
    if kind in REPEATS:
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
