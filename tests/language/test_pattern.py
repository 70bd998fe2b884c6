"""Patterns and paths: what matches, what splits, what is refused because it could take for ever."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.language.parse import parse_action
from gateway.language.pattern import (
    compile_pattern,
    ends_as_folder,
    is_literal,
    is_temporary,
    split_path,
    split_source,
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a/b/*.csv", ("a", "b", "*.csv")),
        (r"C:\Dir\*.csv", ("C:/", "Dir", "*.csv")),
        ("/in//x/", ("/", "in", "x")),
        (r"\in\x", ("/", "in", "x")),
        ("./a/../b", ("a", "..", "b")),
        ("[a/b c].csv", ("[a/b c].csv",)),
        (r"x/[a\]/b]/y", ("x", r"[a\]/b]", "y")),
        ("x/[[/]+]", ("x", "[[/]+]")),
        ("report[1].csv", ("report[1].csv",)),
        ("report[1/2].csv", ("report[1", "2].csv")),
        ("", ()),
    ],
)
def test_a_path_is_cut_at_both_separators_but_not_inside_a_regex(text: str, parts: tuple[str, ...]) -> None:
    assert split_path(text) == parts


def test_a_bracket_that_does_not_close_is_refused_only_where_a_part_begins() -> None:
    with pytest.raises(ValueError, match="does not end"):
        split_path("in/[ab.csv")
    assert split_path("in/x[ab.csv") == ("in", "x[ab.csv")


def test_the_last_part_of_a_source_is_its_pattern_and_a_folder_means_everything_in_it() -> None:
    assert split_source("out/*.csv") == (("out",), "*.csv")
    assert split_source("out/") == (("out",), "")
    assert split_source("out") == ((), "out")
    assert [text for text in ("a/", "a\\", ".", "..") if not ends_as_folder(text)] == []
    assert compile_pattern("").matches("anything at all")


@pytest.mark.parametrize(
    ("token", "yes", "no"),
    [
        ("*", ["a", "a.b", ""], []),
        ("*.csv", ["a.csv", ".csv"], ["a.csv.x", "a.CSV", "acsv"]),
        ("a?c", ["abc", "a.c", "aüc"], ["ac", "abbc"]),
        ("*a*b*c", ["abc", "xaybzc", "aabbcc"], ["acb", "abcd"]),
        ("a*a", ["aa", "aba"], ["a", "ab"]),
        ("report[1].csv", ["report[1].csv"], ["report1.csv"]),
        (r"[ab.*\.edi]", ["ab.edi", "abc.edi"], ["xab.edi", "ab.edi.x", "abedi"]),
        ("[[a-z]+ [0-9]]", ["abc 1"], ["abc1", "ABC 1"]),
        ("a.c+", ["a.c+"], ["abc+", "a.cc"]),
        ("new\nline*", ["new\nline.txt"], ["new line.txt"]),
    ],
)
def test_a_token_matches_whole_names(token: str, yes: list[str], no: list[str]) -> None:
    pattern = compile_pattern(token)
    assert [name for name in yes if not pattern.matches(name)] == []
    assert [name for name in no if pattern.matches(name)] == []


def test_case_counts_unless_the_endpoint_says_otherwise() -> None:
    for token in ("A.csv", "A*.csv", "[A.*]"):
        assert not compile_pattern(token).matches("a.csv")
        assert compile_pattern(token, ignore_case=True).matches("a.csv")


@pytest.mark.parametrize(
    "name", [".hidden", "a.part", "a.PARTIAL", "a.filepart", "a.tmp", "a.writing", "a.inprogress", "a.crdownload", "a~"]
)
def test_temporary_names_are_taken_by_their_full_name_only(name: str) -> None:
    assert is_temporary(name)
    assert not compile_pattern("*").takes(name)
    assert not compile_pattern("[.*]").takes(name)
    assert compile_pattern(name).takes(name)


def test_an_ordinary_name_is_not_temporary() -> None:
    assert [name for name in ("a.csv", "part", "a.part.csv", "tmp", "~x", "a.parts") if is_temporary(name)] == []


def test_a_macros_value_is_never_globbed_nor_split() -> None:
    pattern = compile_pattern("%date%*.csv", values={"date": "2*6/[x]"})
    assert pattern.matches("2*6/[x]1.csv")
    assert not pattern.matches("2026/[x]1.csv")
    regex = compile_pattern("[%date%.*]", values={"date": ".+"})
    assert regex.matches(".+x")
    assert not regex.matches("abc")
    assert compile_pattern("%date%.csv", values={"date": "*"}).matches("*.csv")
    assert not compile_pattern("%date%.csv", values={"date": "*"}).matches("a.csv")


@pytest.mark.parametrize(
    ("token", "remedy"),
    [
        (r"[\p{L}+]", r"[^\W\d_]"),
        (r"[\p{Lu}.*]", "[A-Z]"),
        (r"[\p{Alpha}]", "[A-Za-z]"),
        (r"[\p{IsGreek}]", "a class of characters"),
        (r"[\Qa.b\E]", "a backslash in front"),
        ("[[a-z&&[^bc]]]", "(?![bc])[a-z]"),
        (r"[a\z]", "leave it out"),
        (r"[a\h]", r"[ \t]"),
        ("[(?<n>a)]", "(?P<name>"),
        (r"[\x{41}]", r"\x41"),
        (r"[[a-z[0-9]]+\.csv]", "write [a-z0-9]"),
        (r"[[[:alpha:]]+]", r"such as \["),
        ("[[a||b]x]", r"such as \|"),
        ("[[--a]x]", r"such as \-"),
    ],
)
def test_java_spellings_are_refused_with_the_python_one(token: str, remedy: str) -> None:
    with pytest.raises(ValueError, match="Java") as caught:
        compile_pattern(token)
    assert remedy in str(caught.value)


@pytest.mark.parametrize(
    "token",
    [
        "[(a*)*]",
        "[(a+)+b]",
        "[(?:a*b*)*]",
        "[(a|b*)+]",
        "[((a+))*]",
        "[(a|aa)+]",
        "[(a{1,2})*]",
        "[(a?b?)*]",
        "[(x+x+)+y]",
        "[(ab|a|b)*c]",
        r"[(\d\d|\w\w)*x]",
        "[(a{1,99}){1,99}]",
        r"[(\w?_)*]",
        r"[(\w{1,20}_){1,20}]",
        "[(?=(a+)+b)a]",
        "[(?>(a+)+b)]",
        "[((a|aa)+b)*+]",
        r"[(\w+\.?){1,9}x]",
        "[((a|aa){1,9}){9}x]",
        "[(.*_){9}x]",
    ],
)
def test_a_regex_that_could_take_for_ever_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="for ever"):
        compile_pattern(token)


@pytest.mark.parametrize(
    "token",
    [
        r"[(\d{1,3}\.)+csv]",
        "[(ab|cd)*]",
        "[(?:a|b)+]",
        "[a+b+]",
        "[(?>a+)+]",
        "[(a{2})+]",
        r"[(\w\d?-)*x]",
        "[(foo|fab|bar)+]",
        r"[(\d{1,20}_){1,20}]",
        "[([A-Z][a-z]?)+]",
        "[(?i)(a|A)+b]",
        r"[\d+_\d+_\d+_\d+_\d+_\d+_\d+]",
        r"[.*_.*_.*_.*_.*\.csv]",
        r"[(?P<a>x)?(?(a)b|c)+]",
        r"[(?:.*\.)?(csv|txt)\b]",
        r"[\d?\d?\d?\d?\d?\d?\d?\.csv]",
        r"[(_[a-z]+)?(_[a-z]+)?(_[a-z]+)?(_[a-z]+)?(_[a-z]+)?(_[a-z]+)?(_[a-z]+)?\.csv]",
        r"[\w{1,3}_?\w{1,3}_?\w{1,3}_?\w{1,3}\.csv]",
        r"[([A-Z0-9]{2,4}-?){3,10}\.csv]",
        r"[(\d\d?){1,10}]",
        "[(ORDERS|ORDER)+x]",
        r"[[^][]+\.csv]",
    ],
)
def test_a_regex_that_repeats_harmlessly_is_allowed(token: str) -> None:
    assert not compile_pattern(token).matches("none of these")


def test_a_regex_that_is_too_deep_is_refused() -> None:
    with pytest.raises(ValueError, match="too deep a regular expression; write a simpler one"):
        compile_pattern(f"[{'(' * 400}a+{')' * 400}b]")


def test_many_repeats_in_a_row_that_could_each_take_the_rest_are_refused() -> None:
    with pytest.raises(ValueError, match=r"hours on one name; write \[\^_\]\*_ for"):
        compile_pattern(r"[.*_.*_.*_.*_.*_.*\.csv]")


def test_a_glob_with_many_stars_takes_no_time() -> None:
    pattern = compile_pattern("*a*a*a*a*a*a*a*a*a*b")
    start = time.process_time()
    assert not pattern.matches("a" * 255)
    assert time.process_time() - start < 0.1


def test_a_long_regex_is_judged_in_no_time() -> None:
    start = time.process_time()
    with pytest.raises(ValueError, match="hours on one name"):
        compile_pattern(f"[{'a*' * 3000}]")
    assert time.process_time() - start < 5


@pytest.mark.parametrize("text", ["[", "x/["])
@pytest.mark.parametrize("inner", ["[]", "[^]", "[a", "[a]"])
def test_a_regex_that_never_closes_takes_no_time_to_read(text: str, inner: str) -> None:
    start = time.process_time()
    parsed = parse_action(f"@endpoint acme\nPUT {text}{inner * 1000}", "x.act")
    assert time.process_time() - start < 5
    assert len(parsed.action.commands) == 1


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_globs_match_as_the_plain_definition_says(token: str, name: str) -> None:
    def defined(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return defined(pattern[1:], text) or (bool(text) and defined(pattern, text[1:]))
        return bool(text) and pattern[0] in ("?", text[0]) and defined(pattern[1:], text[1:])

    assert compile_pattern(token).matches(name) == (defined(token, name) if token else True)


def test_only_stars_marks_and_leading_brackets_make_a_pattern() -> None:
    assert [token for token in ("a", "a[1]", "%date%", "", "a]") if not is_literal(token)] == []
    assert [token for token in ("*", "a?", "[a]") if is_literal(token)] == []
