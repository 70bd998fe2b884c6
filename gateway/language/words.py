"""The words of a command: which are paths, which are parameters, and what is wrong with how they are written."""

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from gateway.core.model import Span
from gateway.language.findings import Findings
from gateway.language.lines import Line, Piece
from gateway.language.nearest import nearest
from gateway.language.nodes import Text, Wait
from gateway.language.tables import Parameter, Row

_NAMED = re.compile(r"([A-Za-z][A-Za-z0-9_.]*)=")
COMMA = re.compile(r"=(?:\"[^\"]*\"|'[^']*')|,")  # a comma, or what hides commas: a quoted value
_REGEX_PART = re.compile(r"(?:^|(?<=[/\\]))\[(?:\\.|\[\^?+\]?+(?:\\.|[^\]\\])*+\]|[^\[\]\\])*+\]")
_QUOTE_INSIDE = re.compile(r"[\s\"]")
_HALF = re.compile(r"[^.*?\[\]%]*[^.*?\[\]%/\\]")  # no name that is whole, no pattern, no folder
_PRINTED_QUOTES = "“”„«»‘’‚"


@dataclass(frozen=True, slots=True)
class Given:
    """A parameter as written on the line; `span` is the value's."""

    parameter: Parameter
    value: str
    span: Span


class Words:
    """Reads the tokens behind the options; `broken` says that what was read is not the whole line."""

    def __init__(self, row: Row, line: Line, findings: Findings) -> None:
        self.paths: list[Text] = []
        self.given: list[Given] = []
        self.broken = False
        self._row, self._line, self._findings = row, line, findings
        self._known = _known(",".join(each.name for each in row.parameters))

    def read(self, pieces: tuple[Piece, ...]) -> None:
        """Sort the tokens into `paths` and `given`, reporting what is badly written."""
        before: Piece | None = None
        for index, piece in enumerate(pieces):
            following = pieces[index + 1] if index + 1 < len(pieces) else None
            if self._stops(piece):
                return
            touches = before is not None and before.end == piece.column
            cut = self._touching(before, piece) if before is not None and touches else piece
            if following is not None and following.kind == "UNCLOSED" and following.column == piece.end:
                cut = None  # half of something whose other half is reported next
            if cut is not None:
                self._take(cut, following)
            before = piece

    def _stops(self, piece: Piece) -> bool:
        """Report what makes the rest of the line unreadable."""
        if piece.kind == "UNCLOSED":
            self._broken(piece, "E106", f"the quote {piece.text[0]} is not closed; close it behind the path")
            return True
        if piece.kind != "QUOTED" and piece.text.startswith("#"):
            remedy = "a comment needs a line of its own; put quotes around a path that starts with #"
            self._broken(piece, "E107", f"{piece.text!r} stands behind a command; {remedy}")
            return True
        return False

    def _touching(self, before: Piece, piece: Piece) -> Piece | None:
        """What is left of a token that touches the one before: only a comma in front of a parameter may."""
        if self._known and piece.text.startswith(",") and self._known.match(piece.text, 1):
            return Piece(piece.kind, piece.text[1:], piece.column + 1)
        if before.kind == "QUOTED":
            what = f"{piece.text!r} touches the closing quote; put a blank between, or the quotes around all of it"
        else:
            what = f"a quote opens inside a word at {piece.text!r}; put the quotes around the whole path"
        self._broken(piece, "E108", what)
        return None

    def _take(self, piece: Piece, following: Piece | None) -> None:
        if piece.kind == "QUOTED":
            self._path(Piece("QUOTED", piece.text[1:-1], piece.column), self._line.place(piece))
        elif piece.kind == "OPTION":
            self._late_option(piece)
        else:
            for chunk in self._chunks(self._without_comma(piece, following)):
                self._chunk(chunk)

    def _without_comma(self, piece: Piece, following: Piece | None) -> Piece:
        """A comma at the end separates where a known parameter follows."""
        if piece.text.endswith(",") and following is not None and self._known and self._known.match(following.text):
            return Piece(piece.kind, piece.text[:-1], piece.column)
        return piece

    def _chunks(self, piece: Piece) -> list[Piece]:
        """Cut at the commas that stand in front of a known parameter and outside quotes."""
        if self._known is None:
            return [piece]
        commas = (match.end() for match in COMMA.finditer(piece.text) if match[0] == ",")
        starts = [0, *(after for after in commas if self._known.match(piece.text, after))]
        ends = [start - 1 for start in starts[1:]] + [len(piece.text)]
        cut = zip(starts, ends, strict=True)
        return [Piece(piece.kind, piece.text[start:end], piece.column + start) for start, end in cut if end > start]

    def _chunk(self, piece: Piece) -> None:
        known = self._known.match(piece.text) if self._known else None
        if known is None:
            self._bare_path(piece)
            return
        parameter = self._row.parameter(known[1])
        if parameter is not None:
            self._parameter(parameter, piece, known.end())

    def _parameter(self, parameter: Parameter, piece: Piece, start: int) -> None:
        value, span = piece.text[start:], self._line.between(piece.column + start, piece.end)
        if any(each.parameter is parameter for each in self.given):
            self._error(self._line.place(piece), "E316", f"{parameter.name}= stands here twice; leave one out")
            return
        if value[:1] in ("'", '"'):
            close = value.find(value[0], 1)
            if close < 0:
                self._error(span, "E106", f"the quote {value[0]} is not closed; close it behind the value")
                return
            if close + 1 < len(value):
                touch = self._line.between(span.column + close + 1, piece.end)
                self._error(touch, "E108", f"{value[close + 1 :]!r} touches the closing quote; put a blank between")
                return
            value = value[1:-1]
        self.given.append(Given(parameter, value, span))

    def _bare_path(self, piece: Piece) -> None:
        span = self._line.place(piece)
        if piece.text[0] in _PRINTED_QUOTES:
            self._broken(piece, "E109", f"{piece.text[0]} is a printed quote; write straight ones: \"…\" or '…'")
        elif _QUOTE_INSIDE.search(_REGEX_PART.sub("", piece.text)):
            self._broken(piece, "E108", f"a quote opens inside {piece.text!r}; put the quotes around the whole path")
        else:
            self._path(piece, span)

    def _path(self, piece: Piece, span: Span) -> None:
        if self._is_unknown_parameter(piece):
            self._unknown_parameter(piece, span)
        elif self.given:
            remedy = f"write it in front of {self.given[0].parameter.name}="
            self._error(span, "E315", f"the path {piece.text!r} stands behind a parameter; {remedy}")
            self.broken = True
        elif len(self.paths) >= len(self._row.paths):
            self._one_too_many(piece, span)
        else:
            self.paths.append(Text(piece.text, span))

    def _one_too_many(self, piece: Piece, span: Span) -> None:
        row = self._row
        if row.node is Wait:
            what, remedy = f"{piece.text!r} is too much for WAIT", "write one length, its unit right behind the number"
        else:
            what = f"{piece.text!r} is one path too many for {row.verb}"
            remedy = f"put quotes around a name that holds blanks{self._parted(piece, span)}"
        self._error(span, "E313", f"{what}; {remedy}; expected {row.syntax}")

    def _parted(self, piece: Piece, span: Span) -> str:
        """Two words that look like the halves of one name."""
        words = [*self.paths, Text(piece.text, span)]
        for one, other in pairwise(words):
            are_bare = all(word.span.end_column - word.span.column == len(word.value) for word in (one, other))
            if are_bare and _HALF.fullmatch(one.value) and not other.value.startswith(("/", "\\")):
                return f', such as "{one.value} {other.value}"'
        return ""

    def _is_unknown_parameter(self, piece: Piece) -> bool:
        """`Name=…` where no path is missing any more; a quoted text is always a path."""
        full = bool(self.given) or len(self.paths) >= len(self._row.paths)
        return full and piece.kind != "QUOTED" and _NAMED.match(piece.text) is not None

    def _unknown_parameter(self, piece: Piece, span: Span) -> None:
        row, name = self._row, piece.text.partition("=")[0]
        near = nearest(name, (each.name for each in row.parameters))
        what = f"{name}= is no parameter of {row.verb}{near}; put quotes around a path that holds ="
        self._error(span, "E314", f"{what}; expected {row.syntax}")
        self.broken = True

    def _late_option(self, piece: Piece) -> None:
        name = piece.text[1:].upper()
        if name in self._row.options:
            what = f"-{name} stands behind a path; options come first: {self._row.verb} -{name} …"
        else:
            what = f"{piece.text!r} starts with - and stands behind a path; put quotes around such a name"
        self._error(self._line.place(piece), "E312", what)

    def _broken(self, piece: Piece, code: str, message: str) -> None:
        self.broken = True
        self._error(self._line.place(piece), code, message)

    def _error(self, span: Span, code: str, message: str) -> None:
        self._findings.error(span, code, message)


@cache
def _known(names: str) -> re.Pattern[str] | None:
    """What matches the start of a known parameter; None for a verb without any."""
    return re.compile(rf"({names.replace(',', '|')})=", re.IGNORECASE | re.ASCII) if names else None
