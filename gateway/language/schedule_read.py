"""Runs the grammar over the text of a schedule; loaded when the first schedule is read."""

from functools import cache

from lark import Lark, UnexpectedCharacters, UnexpectedEOF, UnexpectedToken

from gateway.language.grammar import grammar_text
from gateway.language.schedule_build import build
from gateway.language.schedule_errors import unexpected
from gateway.language.schedule_nodes import Schedule


@cache
def _parser() -> Lark:
    return Lark(grammar_text("schedule.lark"), parser="lalr", lexer="contextual", propagate_positions=True)


def read_schedule(text: str) -> Schedule:
    """The schedule that `text` says.  Raises ScheduleError."""
    try:
        tree = _parser().parse(text.replace("–", "-"))  # documents print a hyphen as an en dash
    except UnexpectedToken as exc:
        at = len(text.rstrip()) if exc.token.type == "$END" else exc.token.start_pos or 0
        raise unexpected(text, at, exc.expected) from exc
    except UnexpectedCharacters as exc:
        raise unexpected(text, exc.pos_in_stream or 0, exc.allowed or ()) from exc
    except UnexpectedEOF as exc:
        raise unexpected(text, len(text.rstrip()), exc.expected) from exc
    return build(tree)
