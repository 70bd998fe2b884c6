"""Where the grammar files are: inside an installed package, or in `grammar/` beside it in a checkout."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lark import Lark

PACKAGE = Path(__file__).parent
CHECKOUT = PACKAGE.parent.parent / "grammar"


def grammar_text(name: str, places: tuple[Path, ...] = (PACKAGE, CHECKOUT)) -> str:
    """The text of the grammar file `name`; the first of `places` that holds it wins."""
    for place in places:
        path = place / name
        if path.is_file():
            return path.read_text(encoding="utf-8")
    looked = " and ".join(str(place) for place in places)
    raise FileNotFoundError(f"grammar file {name} is missing; looked in {looked}; install the package again")


@cache
def line_parser() -> "Lark":
    """The parser of one line of an action; made at first use, because Lark costs 50 ms to import."""
    from lark import Lark

    return Lark(grammar_text("action.lark"), parser="lalr", lexer="contextual", maybe_placeholders=False)
