"""Where keys stand in a TOML text: the scanner against texts that tomllib accepts."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.lines import KeyPath, key_spans

TEXT = '''\
# a comment with key = 1 and [a.table]
top = 1
[plain]
a.b = 1 # [not.a.table]
"q.k" = "v = 1"
'lit' = \'\'\'
[not.a.table]
x = 1
\'\'\'
after_literal = true
many = """
a\\"""b = 2
""""
after_basic = 1979-05-27T07:32:00Z
[ spaced . "x y" ]
list = [ # c ]
  1, "a]", [2,
   3], {k = "v", n.m = 2},
]
[[people]]
name = "one"
[[people]]
name = "two"
[people.address]
city = "Wien"
[[people.pets]]
kind = "cat"
[[people.pets]]
kind = "dog"
'''

PLACES: list[tuple[KeyPath, int, int]] = [
    (("top",), 2, 1),
    (("plain",), 3, 2),
    (("plain", "a", "b"), 4, 3),
    (("plain", "q.k"), 5, 1),
    (("plain", "lit"), 6, 1),
    (("plain", "after_literal"), 10, 1),
    (("plain", "many"), 11, 1),
    (("plain", "after_basic"), 14, 1),
    (("spaced", "x y"), 15, 12),
    (("spaced", "x y", "list"), 16, 1),
    (("spaced", "x y", "list", 0), 17, 3),
    (("spaced", "x y", "list", 1), 17, 6),
    (("spaced", "x y", "list", 2, 1), 18, 4),
    (("spaced", "x y", "list", 3, "n", "m"), 18, 20),
    (("people", 0, "name"), 21, 1),
    (("people", 1, "name"), 23, 1),
    (("people", 1, "address", "city"), 25, 1),
    (("people", 1, "pets", 0, "kind"), 27, 1),
    (("people", 1, "pets", 1, "kind"), 29, 1),
]


@pytest.mark.parametrize(("path", "line", "column"), PLACES, ids=lambda value: str(value))
def test_a_key_is_found_where_it_stands(path: KeyPath, line: int, column: int) -> None:
    span = key_spans(TEXT, "f.toml")[path]
    assert (span.file, span.line, span.column) == ("f.toml", line, column)


def _paths(value: object, at: KeyPath = ()) -> set[KeyPath]:
    found: set[KeyPath] = set()
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        found |= {(*at, key)} | _paths(below, (*at, key))
    return found


def test_every_key_of_the_text_has_a_place_and_nothing_else_has() -> None:
    assert set(key_spans(TEXT, "f.toml")) == _paths(tomllib.loads(TEXT))


def test_a_text_without_keys_has_no_places() -> None:
    assert key_spans("# only a comment\n\n", "f.toml") == {}


_names = st.text(st.sampled_from("ab.# =\"[]{}'ä\\,"), min_size=1, max_size=6)
_values = st.one_of(
    st.integers(-5, 5).map(str),
    st.sampled_from(["true", '"x # y"', "'a]}'", '"""\nk = 1\n"""', "[1, [2], {a = 1}] # c", "{ }", "1e5", "[\n\n]"]),
)


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.dictionaries(_names, st.dictionaries(_names, _values, max_size=4), max_size=4))
def test_keys_and_places_agree_for_any_names_and_values(tables: dict[str, dict[str, str]]) -> None:
    lines: list[str] = []
    expected: dict[KeyPath, int] = {}
    for table, keys in tables.items():
        expected[table,] = len("".join(lines).splitlines()) + 1
        lines.append(f"[{_quoted(table)}]\n")
        for key, value in keys.items():
            expected[table, key] = len("".join(lines).splitlines()) + 1
            lines.append(f"  {_quoted(key)} = {value}\n")
    text = "".join(lines)
    spans = key_spans(text, "f")
    assert set(spans) == _paths(tomllib.loads(text))
    assert {path: spans[path].line for path in expected} == expected
