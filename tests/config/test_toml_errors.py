"""What is said of a file that is no TOML: the thing by its name, and what to write."""

import tomllib

import pytest

from gateway.config.toml_errors import said_of_toml


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[endpoints.a]\nurl = 'x'\n[endpoints.a]\n", "[endpoints.a] is there already; put all of it in one place"),
        ("[a]\n[[a]]\n", "; "),
        ("a = { b = 1 }\n[a.c]\n", "[a.c] is there already; put all of it in one place"),
        ("a = { b = 1 }\na.c = 2\n", "a was written as a whole already; add what is missing there"),
        ("a = 1\na = 2\n", "this stands here twice; keep one of the two"),
        ("a = { b = 1, b = 2 }\n", "'b' stands twice in one { … }; keep one of the two"),
        ("[endpoints.a\n", "the name of a section is not closed; end it with ]"),
        ("[[endpoints.a]\n", "the name of a section is not closed; end it with ]]"),
        ("root\n", "a name without a value; a line is a [section] or name = value"),
        ("= 1\n", "no name can begin here; a line is a [section] or name = value"),
        ("ä = 1\n", "no name can begin here; "),
        ("a = 1 2\n", "something stands behind the end of a value; begin a new line, or put quotes around all of it"),
        ("a = hello\n", "no value can begin like this; texts stand in quotes, numbers, true and false without"),
        ("a = \n", "no value can begin like this; texts stand in quotes"),
        ("a = 2026-13-01\n", "; "),
        ("a = [1, 2\n", 'a list is not closed; write ["a", "b"]'),
        ("a = { b = 1\n", 'a table is not closed; write { a = "b", c = "d" }'),
        ('a = "b\n', "the quote of a text is not closed on its line; close it behind the text"),
        ("a = 'b\n", "the quote of a text is not closed; close it behind the text"),
        ('a = """b\n', "the quote of a text is not closed; close it behind the text"),
        ('a = "C:\\data"\n', "a backslash means something in \"…\"; write it twice, or the text in '…'"),
        ('a = "\\x"\n', 'a backslash means something in "…"'),
        ("a = 'b\x01'\n", r"can't stand here; delete it, or write it as \uXXXX"),
    ],
)
def test_what_is_no_toml_is_told_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    message = said_of_toml(str(caught.value).rpartition(" (at ")[0])
    assert said in message
    assert "('" not in message, "no value as the reader's own language shows it"


def test_what_is_not_known_is_passed_on_with_a_remedy() -> None:
    assert said_of_toml("Something new").startswith("Something new; ")
