"""Patterns for file names: `*`, `?` and `[regex]`; and paths cut at the separators that lie outside `[regex]`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.language.macros import expand, uses
from gateway.language.regex_rules import checked_regex

_SEPARATORS = "/\\"
_REGEX_PART = re.compile(r"\[(?:\\.|\[\^?+\]?+(?:\\.|[^\]\\])*+\]|[^\[\]\\])*+\]")
_DRIVE = re.compile(r"[A-Za-z]:(?=[/\\])")
_TEMPORARY = (".part", ".partial", ".filepart", ".tmp", ".writing", ".inprogress", ".crdownload", "~")


def split_path(text: str) -> tuple[str, ...]:
    """The parts of a path as written: `/a//[b/c]x` is ("/", "a", "[b/c]", "x").

    `/` and `\\` both separate; a part that starts with `[` runs to its matching `]`.  An absolute path has "/" (or a
    drive such as "C:/") as its first part; `.` parts are left out.  Macros stay as they are: a value never splits.
    Raises ValueError for a `[` without its `]`.
    """
    drive = _DRIVE.match(text)
    position = drive.end() if drive else 0
    parts = [drive[0] + "/"] if drive else ["/"] if text[:1] and text[0] in _SEPARATORS else []
    while position < len(text):
        if text[position] in _SEPARATORS:
            position += 1
            continue
        end = _part_end(text, position)
        if text[position:end] != ".":
            parts.append(text[position:end])
        position = end
    return tuple(parts)


def _part_end(text: str, start: int) -> int:
    position = start
    if text[start] == "[":
        match = _REGEX_PART.match(text, start)
        if match is None:
            raise ValueError(f"{text[start:]!r} opens a [regex] that does not end; close it with ]")
        position = match.end()
    while position < len(text) and text[position] not in _SEPARATORS:
        position += 1
    return position


def ends_as_folder(text: str) -> bool:
    """True if the path says by its end that it is a folder."""
    return text.endswith(("/", "\\")) or text in (".", "..")


def split_source(text: str) -> tuple[tuple[str, ...], str]:
    """The folder's parts and the file-name token of a source; the token is "" where the path ends as a folder."""
    parts = split_path(text)
    if not parts or ends_as_folder(text):
        return parts, ""
    return parts[:-1], parts[-1]


def is_literal(token: str) -> bool:
    """True if the token can only match itself."""
    return not (token.startswith("[") or "*" in token or "?" in token)


def is_temporary(name: str) -> bool:
    """True for hidden names and other programs' temporary names: a pattern never takes them."""
    return name.startswith((".", "~$")) or name.lower().endswith(_TEMPORARY)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One file-name token, ready to match; made by `compile_pattern`."""

    token: str
    is_literal: bool
    ignore_case: bool
    _literal: str
    _regex: re.Pattern[str] | None

    def matches(self, name: str) -> bool:
        """True if `name` is what the token says, temporary or not."""
        if self._regex is not None:
            return self._regex.fullmatch(name) is not None
        return name == self._literal or (self.ignore_case and name.casefold() == self._literal.casefold())

    def takes(self, name: str) -> bool:
        """True if a command may take `name`: it matches, and only a literal takes temporary names."""
        return self.matches(name) and (self.is_literal or not is_temporary(name))

    @property
    def literal(self) -> str | None:
        """The only name that matches, None for a pattern."""
        return self._literal if self.is_literal else None


def compile_pattern(token: str, *, ignore_case: bool = False, values: Mapping[str, str] | None = None) -> Pattern:
    """Make a pattern of one path part; `values` are put in for its macros and match only themselves.

    An empty token means every name (a folder as source).  Raises ValueError with what to write instead.
    """
    known = values or {}
    flags = re.IGNORECASE if ignore_case else 0
    if token.startswith("["):
        text = checked_regex(_regex_text(token))
        return Pattern(token, False, ignore_case, "", re.compile(_regex_with(text, known), flags))
    if token and is_literal(token):
        return Pattern(token, True, ignore_case, expand(token, known) if known else token, None)
    text = _glob_regex(token or "*", known)
    return Pattern(token, False, ignore_case, "", re.compile(text, flags | re.DOTALL))


def _regex_text(token: str) -> str:
    match = _REGEX_PART.match(token)
    if match is None:
        raise ValueError(f"{token!r} opens a [regex] that does not end; close it with ]")
    if match.end() != len(token):
        # Java writes classes inside classes; what then seems to stand behind the end gets Java's message.
        checked_regex(token[1:-1] if token.endswith("]") else match[0][1:-1])
        after = token[match.end() :]
        raise ValueError(f"{after!r} stands behind the [regex]; a [regex] is a whole part of the path: take it inside")
    return match[0][1:-1]


def _pieces(text: str, values: Mapping[str, str]) -> Iterator[tuple[bool, str]]:
    """The text cut into (False, as written) and (True, a macro's value)."""
    position = 0
    for use in uses(text):
        if use.key in values or use.name in values:
            yield False, text[position : use.start]
            yield True, expand(use.text, values)
            position = use.end
    yield False, text[position:]


def _regex_with(text: str, values: Mapping[str, str]) -> str:
    return "".join(re.escape(piece) if is_value else piece for is_value, piece in _pieces(text, values))


def _glob_regex(token: str, values: Mapping[str, str]) -> str:
    """`*` and `?` as a regular expression that takes linear time: each `*` stops at the first place that fits."""
    between = [""]
    for is_value, piece in _pieces(token, values):
        for char in piece:
            if char == "*" and not is_value:
                between.append("")
            else:
                between[-1] += "." if char == "?" and not is_value else re.escape(char)
    if len(between) == 1:
        return between[0]
    first, *middle, last = between
    return first + "".join(f"(?>.*?{each})" for each in middle if each) + ".*" + last
