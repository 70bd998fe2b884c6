"""Where each key of a TOML text stands: TOML parsers give values without places, messages need places.

Reads text that `tomllib` has already accepted, so it has to find keys, not errors.
"""

import re
import tomllib
from collections.abc import Mapping

from gateway.core.model import Span

KeyPath = tuple[str | int, ...]
"""From the top to a key: names of tables and keys, numbers of array elements."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_INDENT = re.compile(r"[ \t]*")
_KEY_PART = re.compile(r"(?P<part>\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*")
_STRING = re.compile(
    r"\"\"\"(?:[^\\]|\\.)*?\"{3,5}(?!\")|'''.*?'{3,5}(?!')|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'", re.DOTALL
)
_BARE = re.compile(r"[^,\]}#\n]+")


def key_spans(text: str, file: str) -> Mapping[KeyPath, Span]:
    """The place of every table, key and array element of `text`; a table stands where it is first named."""
    return _Scanner(text, file).scan()


class _Scanner:
    """Walks the text once, from key to key."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._at = 0
        self._line = 1
        self._line_start = 0
        self._counted_to = 0
        self._spans: dict[KeyPath, Span] = {}
        self._array_sizes: dict[KeyPath, int] = {}

    def scan(self) -> Mapping[KeyPath, Span]:
        table: KeyPath = ()
        while self._skip_blank():
            table = self._header() if self._text[self._at] == "[" else self._pair(table)
        return self._spans

    def _skip_blank(self) -> bool:
        self._take(_BLANK)
        return self._at < len(self._text)

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise ValueError(f"{self._file}: unexpected text at character {self._at}")
        self._at = match.end()
        return match[match.lastgroup or 0]

    def _accept(self, mark: str) -> bool:
        if self._text.startswith(mark, self._at):
            self._at += len(mark)
            return True
        return False

    def _header(self) -> KeyPath:
        is_array = self._accept("[[")
        if not is_array:
            self._accept("[")
        self._take(_INDENT)
        start = self._at
        path = self._dotted_key(())
        if is_array:
            number = self._array_sizes.get(path, 0)
            self._array_sizes[path] = number + 1
            self._note(path, start)
            path = (*path, number)
        self._note(path, start)
        self._accept("]]" if is_array else "]")
        return path

    def _pair(self, table: KeyPath) -> KeyPath:
        start = self._at
        path = self._dotted_key(table)
        self._note(path, start)
        self._accept("=")
        self._value(path)
        return table

    def _dotted_key(self, table: KeyPath) -> KeyPath:
        """Reads `a."b c".d` behind `table`; a name that is an array of tables means its last element."""
        path = table
        while True:
            self._take(_INDENT)
            start = self._at
            path = (*path, _unquoted(self._take(_KEY_PART)))
            self._note(path, start)
            if not self._accept("."):
                return path
            if path in self._array_sizes:
                path = (*path, self._array_sizes[path] - 1)

    def _value(self, path: KeyPath) -> None:
        self._skip_blank()
        if self._accept("["):
            self._array(path)
        elif self._accept("{"):
            self._inline_table(path)
        elif self._text[self._at] in "\"'":
            self._take(_STRING)
        else:
            self._take(_BARE)

    def _array(self, path: KeyPath) -> None:
        number = 0
        while self._skip_blank() and not self._accept("]"):
            self._note((*path, number), self._at)
            self._value((*path, number))
            number += 1
            self._skip_blank()
            self._accept(",")

    def _inline_table(self, path: KeyPath) -> None:
        while self._skip_blank() and not self._accept("}"):
            self._pair(path)
            self._skip_blank()
            self._accept(",")

    def _note(self, path: KeyPath, start: int) -> None:
        """Remember the first place of `path`; called with rising `start`, so lines are counted only once."""
        if path in self._spans:
            return
        self._count_lines(start)
        column = start - self._line_start + 1
        self._spans[path] = Span(self._file, self._line, column, column + max(1, self._at - start))

    def _count_lines(self, to: int) -> None:
        if to > self._counted_to:
            self._line += self._text.count("\n", self._counted_to, to)
            self._counted_to = to
        self._line_start = self._text.rfind("\n", 0, to) + 1


def _unquoted(part: str) -> str:
    return next(iter(tomllib.loads(f"{part} = 0")))
