"""One line of an action as tokens with places; what they mean is not asked here."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from gateway.core.model import Span
from gateway.language.grammar import line_parser

if TYPE_CHECKING:
    from lark import Token, Tree


class Shape(StrEnum):
    """The four kinds of line, named as the grammar names its rules."""

    HEADER = "header"
    SETTING = "setting"
    RAW = "raw"
    COMMAND = "command"


class Piece(NamedTuple):
    """One token: its kind as the grammar names it, its text as written (quotes included), its columns from 1."""

    kind: str
    text: str
    column: int

    @property
    def end(self) -> int:
        """One past its last column."""
        return self.column + len(self.text)


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is neither blank nor a comment; `first` is the header's name or the verb, as written."""

    shape: Shape
    first: Piece
    rest: tuple[Piece, ...]
    span: Span

    def place(self, piece: Piece) -> Span:
        """Where `piece` stands in the file."""
        return self.between(piece.column, piece.end)

    def between(self, column: int, end: int) -> Span:
        """The columns from `column` up to `end` of this line."""
        return Span(self.span.file, self.span.line, column, max(end, column + 1))


def read_line(text: str, file: str, number: int, shift: int = 0) -> Line:
    """Cut one line into tokens; `shift` is added to the columns where `text` is a piece of a longer line."""
    tree = line_parser().parse(text)
    pieces = [Piece(token.type, token.value, (token.column or 1) + shift) for token in _tokens(tree)]
    end = shift + len(text.rstrip()) + 1
    span = Span(file, number, pieces[0].column, max(end, pieces[0].end))
    return Line(Shape(str(tree.data)), pieces[0], tuple(pieces[1:]), span)


def _tokens(tree: "Tree[Token]") -> "list[Token]":
    """The children of a rule; this grammar has no rules inside rules."""
    return tree.children  # type: ignore[return-value]
