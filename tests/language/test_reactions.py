"""Reactions: chains, quotes, spans, and what may not be one."""

import pytest

from gateway.core.errors import Refused
from gateway.core.model import Span
from gateway.language.nodes import LocalCopy, System
from gateway.language.reactions import Joiner, parse_reaction

SPAN = Span("x.act", 4, 16, 90)


def test_a_plain_line_is_a_system_line() -> None:
    made = parse_reaction("/usr/bin/tell %error%", SPAN)
    assert [step.command for step in made.steps] == [
        parse_reaction("SYSTEM /usr/bin/tell %error%", SPAN).steps[0].command
    ]
    assert not made.uses_file_macro


def test_ampersands_chain_and_the_joiner_says_when() -> None:
    made = parse_reaction('$LCOPY -DEL %file% old/ && /bin/a "b & c" & /bin/d', SPAN)
    assert [step.joiner for step in made.steps] == [None, Joiner.AFTER_SUCCESS, Joiner.ALWAYS]
    assert isinstance(made.steps[0].command, LocalCopy)
    assert [step.command.line.value for step in made.steps[1:] if isinstance(step.command, System)] == [
        '/bin/a "b & c"',
        "/bin/d",
    ]
    assert made.uses_file_macro


def test_an_ampersand_inside_a_word_is_a_character() -> None:
    made = parse_reaction("/bin/a http://x/?a=1&b=2 c&&d", SPAN)
    assert len(made.steps) == 1


def test_places_point_into_the_header_line() -> None:
    made = parse_reaction("/bin/a & $LCOPY %file% old/", SPAN)
    copy = made.steps[1].command
    assert isinstance(copy, LocalCopy)
    assert (copy.span.line, copy.span.column) == (4, 16 + 10)
    assert copy.source.span.column == 16 + 16


@pytest.mark.parametrize(
    "text", ["$PUT a", "$GET a", "$CHECK -FIL * Age=>1D", "$RSYSTEM ls", "$CD x", "$SET retries=1"]
)
def test_only_local_commands_can_be_reactions(text: str) -> None:
    with pytest.raises(Refused, match=r"x\.act:4:16: error E212"):
        parse_reaction(text, SPAN)


@pytest.mark.parametrize("text", ["/bin/a &", "& /bin/a", "/bin/a && && /bin/b", "$", "$LCOPY a"])
def test_a_reaction_that_misses_something_is_refused(text: str) -> None:
    with pytest.raises(Refused, match=r"x\.act:4:\d+: error"):
        parse_reaction(text, SPAN)
