"""Which files of a source a destination does not want: hidden and temporary names, and what its profile says.

A pattern without `/` is matched against every name on the way to a file, one with `/` against the path from the source
on; `/` at the end means folders only, `**` any number of folders.  The last pattern that matches decides, `!` before it
takes the file after all.  What lies in a folder that is left out is left out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.language.pattern import Pattern, compile_pattern, is_temporary, split_path

_ANY_FOLDERS = "**"


@dataclass(frozen=True, slots=True)
class _Rule:
    """One pattern; `parts` are of the whole path if it is anchored, else of the name alone."""

    takes: bool
    folders_only: bool
    anchored: bool
    parts: tuple[Pattern | None, ...]

    def says(self, relative: str, name: str, is_folder: bool) -> bool:
        """True if the pattern is about this file or folder."""
        if self.folders_only and not is_folder:
            return False
        if not self.anchored:
            only = self.parts[0]
            return only is not None and only.matches(name)
        return _fits(self.parts, relative.split("/"))


def _fits(parts: Sequence[Pattern | None], names: Sequence[str]) -> bool:
    """`parts` fit `names`, None standing for any number of folders: each time the first place that fits is enough."""
    at, star, mark = 0, -1, 0
    number = 0
    while number < len(names):
        part = parts[at] if at < len(parts) else None
        if part is not None and part.matches(names[number]):
            at, number = at + 1, number + 1
        elif at < len(parts) and part is None:
            star, mark = at, number
            at += 1
        elif star >= 0:
            mark += 1
            at, number = star + 1, mark
        else:
            return False
    return all(part is None for part in parts[at:])


def _rule(text: str) -> _Rule:
    takes, bare = text.startswith("!"), text.removeprefix("!")
    folders_only = bare.endswith("/")
    words = [word for word in split_path(bare) if word != "/"]
    if not words:
        raise ValueError(f"{text!r} names nothing; write a name, a pattern such as *.tmp, or a path such as old/*.csv")
    anchored = len(words) > 1 or bare.startswith("/")
    return _Rule(takes, folders_only, anchored, tuple(None if w == _ANY_FOLDERS else compile_pattern(w) for w in words))


class Ignore:
    """The rules of one destination."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """Raises ValueError for a pattern that can't be, saying what to write instead."""
        self.patterns = tuple(patterns)
        self._rules = tuple(_rule(text) for text in self.patterns)
        self._folders: dict[str, bool] = {"": False}

    def leaves_out(self, relative: str, name: str, is_folder: bool) -> bool:
        """True if this file or folder is not wanted, as far as its own name and path say."""
        for rule in reversed(self._rules):
            if rule.says(relative, name, is_folder):
                return not rule.takes
        return is_temporary(name)

    def __call__(self, relative: str) -> bool:
        """True for the path of a file, or of a folder with `/` at its end, that is not wanted or lies in such a one."""
        bare = relative.removesuffix("/")
        above, _, name = bare.rpartition("/")
        return self._folder(above) or self.leaves_out(bare, name, bare != relative)

    def _folder(self, relative: str) -> bool:
        known = self._folders.get(relative)
        if known is None:
            known = self._folders[relative] = self(relative + "/")
        return known
