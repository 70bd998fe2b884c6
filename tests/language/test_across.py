"""Findings about several scripts: overlapping sources, loops, one name for two."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.language.check import check_all
from gateway.language.overlap import Area, Overlap, areas_overlap, tokens_overlap
from gateway.language.parse import Parsed, parse_action
from gateway.language.pattern import compile_pattern
from gateway.language.world import EndpointFacts, World

POLLED = "@schedule on file polling continuously\n"


def script(name: str, *commands: str, endpoint: str | None = "acme", polled: bool = True) -> Parsed:
    head = (f"@endpoint {endpoint}\n" if endpoint else "") + (POLLED if polled else "")
    parsed = parse_action(head + "\n".join(commands), f"{name}.act")
    assert not parsed.has_errors
    return parsed


def codes(world: World, *scripts: Parsed) -> list[str]:
    return [f"{each.span.file}:{each.code}" for each in check_all(scripts, world)]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("*.csv", "*.xml", Overlap.NO),
        ("*.csv", "a*", Overlap.YES),
        ("a.csv", "*.csv", Overlap.YES),
        ("a.csv", "b.csv", Overlap.NO),
        ("a?c", "abc", Overlap.YES),
        ("a?c", "abbc", Overlap.NO),
        ("", "x", Overlap.YES),
        ("a%date%", "a2026", Overlap.YES),
        ("a%date%", "b2026", Overlap.NO),
        ("[a.*]", "abc", Overlap.YES),
        ("[a.*]", "bcd", Overlap.NO),
        ("[a.*]", "b*", Overlap.MAYBE),
        ("[a.*]", "[a.*]", Overlap.YES),
    ],
)
def test_tokens_overlap_when_a_name_could_match_both(one: str, other: str, expected: Overlap) -> None:
    assert tokens_overlap(one, other) == expected == tokens_overlap(other, one)


@given(st.text("ab*?", min_size=1, max_size=5), st.text("ab*?", min_size=1, max_size=5))
def test_overlap_agrees_with_a_search_over_all_short_names(one: str, other: str) -> None:
    first, second = compile_pattern(one), compile_pattern(other)
    found = any(first.matches(name) and second.matches(name) for name in _names(7))
    assert (tokens_overlap(one, other) is Overlap.YES) == found


def _names(longest: int) -> list[str]:
    made, last = [""], [""]
    for _ in range(longest):
        last = [name + char for name in last for char in "ab"]
        made += last
    return made


def test_a_tree_overlaps_with_the_folders_below_it() -> None:
    tree = Area(("/", "g"), "*.csv", recurse=True)
    assert areas_overlap(tree, Area(("/", "g", "in"), "a.csv")) is Overlap.YES
    assert areas_overlap(tree, Area(("/", "h", "in"), "a.csv")) is Overlap.NO
    assert areas_overlap(Area(("/", "g"), "*.csv"), Area(("/", "g", "in"), "a.csv")) is Overlap.NO


def test_a_plain_name_with_the_folders_below_means_that_file_or_that_folder_alone() -> None:
    tree = Area(("/",), "tree", recurse=True)
    assert areas_overlap(tree, Area(("/", "zips"), "*")) is Overlap.NO
    assert areas_overlap(tree, Area(("/", "zips"), "tree")) is Overlap.NO
    assert areas_overlap(tree, Area(("/",), "tr*")) is Overlap.YES
    assert areas_overlap(tree, Area(("/", "tree", "in"), "a.csv")) is Overlap.YES


def test_two_actions_that_remove_the_same_files_are_an_error_and_one_action_may(world: World) -> None:
    one, other = script("a", "PUT -DEL *.csv"), script("b", "LCOPY -DEL %outbox%/a.csv out/")
    assert codes(world, one, other) == ["b.act:E801"]
    assert codes(world, script("a", "PUT -DEL *.csv", "PUT -DEL a.csv")) == []
    assert codes(world, one, script("b", "PUT a.csv x/", polled=False)) == []
    assert codes(world, one, script("b", "PUT -DEL *.csv", endpoint="books")) == []


def test_two_gets_that_remove_the_same_remote_files_are_an_error(world: World) -> None:
    one = script("a", "GET -DEL out/*.csv a/", polled=False)
    assert codes(world, one, script("b", "GET -DEL out/*.csv b/", polled=False)) == ["b.act:E801"]
    assert codes(world, one, script("b", "GET -DEL out/*.csv b/", endpoint="books", polled=False)) == []


def test_members_of_a_group_that_share_an_outbox_remove_each_others_files() -> None:
    facts = EndpointFacts(scheme="sftp", outbox="/g/shared", inbox="/g/in")
    world = World(endpoints={"a": facts, "b": facts}, groups={"both": ("a", "b")})
    found = check_all([script("x", "PUT -DEL *", endpoint="both")], world)
    assert [each.code for each in found] == ["E801"]
    assert "x@a" in found[0].message
    assert "x@b" in found[0].message


def test_a_disabled_action_takes_nothing(world: World) -> None:
    disabled = parse_action("@endpoint acme\n@enabled no\nPUT -DEL *.csv\n", "b.act")
    assert codes(world, script("a", "PUT -DEL *.csv"), disabled) == []


def test_a_chain_is_no_loop(world: World) -> None:
    first = script("a", "LCOPY -DEL in/* %outbox%/")
    assert codes(world, first, script("b", "PUT -DEL *")) == []


def test_a_copy_into_its_own_polled_folder_is_a_loop(world: World) -> None:
    assert codes(world, script("a", "LCOPY -DEL %inbox%/* %inbox%/")) == ["a.act:E803"]
    assert codes(world, script("a", "LCOPY -DEL %inbox%/*.csv %inbox%/done/")) == []
    assert codes(world, script("a", "LCOPY -DEL -REC %inbox%/ %inbox%/done/")) == ["a.act:E803"]
    assert codes(world, script("a", "LCOPY -DEL %inbox%/*.csv %inbox%/%sourcefilebase%.bak")) == []
    assert codes(world, script("a", "LCOPY -DEL %inbox%/*.csv %inbox%/%sourcefilebase%_1.csv")) == ["a.act:E803"]


def test_a_put_to_a_folder_of_this_machine_can_close_a_loop(world: World) -> None:
    sends = script("a", "PUT -DEL * back/", endpoint="disk")
    returns = script("b", "LCOPY -DEL /mnt/disk/back/* /g/disk/outbox/", endpoint=None)
    assert codes(world, sends, returns) == ["a.act:E803"]
    assert codes(world, script("a", "PUT -DEL * back/"), returns) == []


def test_a_reaction_that_moves_a_file_to_where_its_check_looks_is_a_loop(world: World) -> None:
    text = POLLED + "@on_check_met $LCOPY -DEL %file% in/{}\nCHECK -FIL in/* Age=>1D\n"
    assert codes(world, parse_action(text.format("old/"), "a.act")) == []
    assert codes(world, parse_action(text.format("%sourcefile%"), "a.act")) == ["a.act:E803"]


def test_two_actions_that_write_one_name_are_told(world: World) -> None:
    one = script("a", "PUT a.csv in/x.csv", polled=False)
    assert codes(world, one, script("b", "PUT b.csv in/x.csv", polled=False)) == ["b.act:W802"]
    assert codes(world, one, script("b", "PUT -APE b.csv in/x.csv", polled=False)) == []
    assert codes(world, one, script("b", "PUT b.csv in/%date%.csv", polled=False)) == []


def test_a_thousand_actions_are_compared_in_a_second(world: World) -> None:
    many = [script(f"a{number}", f"PUT -DEL folder{number}/*.csv in/{number}/") for number in range(1000)]
    start = time.process_time()
    assert codes(world, *many) == []
    assert time.process_time() - start < 3
