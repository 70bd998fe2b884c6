"""Names that we give fit, are ours alone, and say whose they are."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.transfer.naming import cut, free_names, partial_path, token

NAMES = [
    (".{name}.{id}.part", "in/a.csv", "in/.a.csv.7-1-m.part"),
    (".{name}.{id}.part", "a.csv", ".a.csv.7-1-m.part"),
    (".{name}.{id}.part", "/abs/a.csv", "/abs/.a.csv.7-1-m.part"),
    ("{name}.{id}.tmp", "in/a.csv", "in/a.csv.7-1-m.tmp"),
    ("/upload/{name}.{id}", "in/a.csv", "/upload/a.csv.7-1-m"),
    ("tmp/{name}.{id}", "in/a.csv", "in/tmp/a.csv.7-1-m"),
    ("{id}", "in/a.csv", "in/7-1-m"),
    (".{name}.{id}.part", "in/{id} {name}", "in/.{id} {name}.7-1-m.part"),
]


@pytest.mark.parametrize(("template", "final", "made"), NAMES)
def test_partial_names(template: str, final: str, made: str) -> None:
    assert partial_path(template, final, token("m", 7, 1), 255) == made


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1), st.integers(60, 255))
def test_a_partial_fits_into_the_longest_name_and_keeps_whole_letters(name: str, most: int) -> None:
    made = partial_path(".{name}.{id}.part", f"in/{name}", token("0123abcd", 10**9, 3), most)
    assert len(made.removeprefix("in/").encode()) <= most
    assert "1000000000-3-0123abcd" in made
    assert made.removeprefix("in/.").startswith(cut(name, 10)) or len(name.encode()) < 10


def test_each_start_has_a_name_of_its_own() -> None:
    made = {partial_path(".{name}.{id}.part", "a", token("m", *key), 255) for key in ((1, 1), (1, 2), (11, 2), (1, 12))}
    assert len(made) == 4


@pytest.mark.parametrize(
    ("final", "names"),
    [
        ("in/a.csv", ["in/a.csv", "in/a.1.csv", "in/a.2.csv"]),
        ("a", ["a", "a.1", "a.2"]),
        (".profile", [".profile", ".profile.1", ".profile.2"]),
        ("a.tar.gz", ["a.tar.gz", "a.tar.1.gz", "a.tar.2.gz"]),
        ("v1.2/a", ["v1.2/a", "v1.2/a.1", "v1.2/a.2"]),
    ],
)
def test_free_names(final: str, names: list[str]) -> None:
    assert list(itertools.islice(free_names(final), 3)) == names


def test_a_free_name_is_cut_to_fit() -> None:
    long = "ä" * 125 + ".csv"
    assert [len(name.encode()) <= 255 for name in itertools.islice(free_names(long), 12)] == [True] * 12
