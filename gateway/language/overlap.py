"""Whether two patterns can match the same name, and two sources the same file."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import product

from gateway.language.macros import uses
from gateway.language.pattern import compile_pattern, is_literal


class Overlap(IntEnum):
    """What is known of two patterns; the larger says more."""

    NO = 0
    MAYBE = 1  # a [regex] against a pattern can't be decided
    YES = 2


@dataclass(frozen=True, slots=True)
class Area:
    """The files that a source means: a folder's parts, a file-name token ("" = all), and if folders below count."""

    folder: tuple[str, ...]
    token: str
    recurse: bool = False


def is_fixed(area: Area) -> bool:
    """True if the area is one name, whatever is sent there."""
    parts = (*area.folder, area.token)
    return bool(area.token) and not area.recurse and all(is_literal(part) and "%" not in part for part in parts)


def is_wide(area: Area) -> bool:
    """True if files of more than one folder can lie in the area."""
    return area.recurse or not all(is_literal(part) and "%" not in part for part in area.folder)


def areas_overlap(one: Area, other: Area) -> Overlap:
    """Whether some file can lie in both."""
    return max(_overlap(mine, yours) for mine, yours in product(_readings(one), _readings(other)))


def _readings(area: Area) -> tuple[Area, ...]:
    """A plain name with folders below means the file of that name, or what lies below the folder of that name."""
    if not (area.recurse and area.token and is_literal(area.token) and "%" not in area.token):
        return (area,)
    return replace(area, recurse=False), Area((*area.folder, area.token), "", recurse=True)


def _overlap(one: Area, other: Area) -> Overlap:
    folders = _folders_overlap(one, other)
    return min(folders, tokens_overlap(one.token, other.token)) if folders else folders


def _folders_overlap(one: Area, other: Area) -> Overlap:
    shorter, longer = sorted((one, other), key=lambda area: len(area.folder))
    if len(shorter.folder) != len(longer.folder) and not shorter.recurse:
        return Overlap.NO
    pairs = zip(shorter.folder, longer.folder, strict=False)
    return min((tokens_overlap(here, there) for here, there in pairs), default=Overlap.YES)


def tokens_overlap(one: str, other: str) -> Overlap:
    """Whether some name matches both tokens; a macro may be anything."""
    one, other = plain(one), plain(other)
    if one == other or one == "*" or other == "*":
        return Overlap.YES
    if one.startswith("[") or other.startswith("["):
        return _regex_overlap(one, other)
    return Overlap.YES if _globs_meet(one, other) else Overlap.NO


def plain(token: str) -> str:
    """The token as a glob: macros become `*`; a [regex] stays as it is, unless macros make it unknown."""
    if not token:
        return "*"
    if "%" not in token:
        return token
    made = token
    for use in uses(token):
        made = made.replace(use.text, "*")
    return made


def _regex_overlap(one: str, other: str) -> Overlap:
    regex, name = (one, other) if one.startswith("[") else (other, one)
    if not is_literal(name):
        return Overlap.MAYBE
    try:
        return Overlap.YES if compile_pattern(regex).matches(name) else Overlap.NO
    except ValueError:  # reported where the pattern stands
        return Overlap.NO


def _globs_meet(one: str, other: str) -> bool:
    """Whether the languages of two globs share a word; walks pairs of positions, each once."""

    if not _ends_agree(one, other):
        return False
    seen: set[tuple[int, int]] = set()
    waiting = [(0, 0)]
    while waiting:
        pair = waiting.pop()
        if pair == (len(one), len(other)):
            return True
        if pair not in seen:
            seen.add(pair)
            waiting += _steps(one, other, *pair)
    return False


def _steps(one: str, other: str, i: int, j: int) -> Iterator[tuple[int, int]]:
    """The positions that can follow: a star may end, or take what stands at the other side."""
    here, there = one[i : i + 1], other[j : j + 1]
    if here == "*":
        yield i + 1, j
    if there == "*":
        yield i, j + 1
    if here == "*" and there and there != "*":
        yield i, j + 1
    if there == "*" and here and here != "*":
        yield i + 1, j
    if here and there and "*" not in (here, there) and ("?" in (here, there) or here == there):
        yield i + 1, j + 1


def _ends_agree(one: str, other: str) -> bool:
    """False if the characters in front of the first or behind the last wildcard can't agree: the common case."""
    return _starts_agree(one, other) and _starts_agree(one[::-1], other[::-1])


def _starts_agree(one: str, other: str) -> bool:
    for here, there in zip(one, other, strict=False):
        if "*" in (here, there):
            return True
        if here != there and "?" not in (here, there):
            return False
    return True
