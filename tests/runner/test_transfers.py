"""PUT, GET and LCOPY with their options, through the whole engine."""

from dataclasses import dataclass

import pytest

from gateway.runner.due import Outcome
from tests.runner.harness import Stage, tree, write


@dataclass(frozen=True)
class Case:
    """Files by `folder/name`, a script, and what stands there afterwards; None: gone or never made."""

    says: str
    script: str
    given: dict[str, str]
    then: dict[str, str | None]
    outcome: Outcome = Outcome.DONE
    error: str = ""


CASES = [
    Case("put_keeps_the_source", "PUT a.csv", {"outbox/a.csv": "1"}, {"far/a.csv": "1", "outbox/a.csv": "1"}),
    Case("put_del_removes_it", "PUT -DEL *.csv", {"outbox/a.csv": "1"}, {"far/a.csv": "1", "outbox/a.csv": None}),
    Case("put_replaces_by_default", "PUT -DEL a", {"outbox/a": "new", "far/a": "old"}, {"far/a": "new"}),
    Case("get_replaces_by_default", "GET a", {"inbox/a": "old", "far/a": "new"}, {"inbox/a": "new"}),
    Case("lcopy_replaces_by_default", "LCOPY a b", {"inbox/a": "new", "outbox/b": "old"}, {"outbox/b": "new"}),
    Case(
        "get_del_never_replaces_other_content",
        "GET -DEL a",
        {"inbox/a": "old", "far/a": "new"},
        {"inbox/a": "old", "far/a": "new"},
        Outcome.FAILED,
        "another file stands there",
    ),
    Case(
        "get_del_takes_equal_content_as_delivered",
        "GET -DEL a",
        {"inbox/a": "same", "far/a": "same"},
        {"inbox/a": "same", "far/a": None},
    ),
    Case(
        "lcopy_del_never_replaces_other_content",
        "LCOPY -DEL a a",
        {"inbox/a": "new", "outbox/a": "old"},
        {"inbox/a": "new", "outbox/a": "old"},
        Outcome.FAILED,
    ),
    Case("lcopy_del_moves", "LCOPY -DEL a b", {"inbox/a": "1"}, {"inbox/a": None, "outbox/b": "1"}),
    Case(
        "uni_makes_the_name_free",
        "PUT -UNI a.csv",
        {"outbox/a.csv": "new", "far/a.csv": "old", "far/a.1.csv": "older"},
        {"far/a.csv": "old", "far/a.1.csv": "older", "far/a.2.csv": "new"},
    ),
    Case("get_uni", "GET -UNI a", {"inbox/a": "old", "far/a": "new"}, {"inbox/a": "old", "inbox/a.1": "new"}),
    Case("ape_appends", "PUT -APE a", {"outbox/a": "new", "far/a": "old"}, {"far/a": "oldnew"}),
    Case("ape_makes", "PUT -APE a", {"outbox/a": "new"}, {"far/a": "new"}),
    Case(
        "ape_puts_several_behind_each_other_in_order",
        "PUT -APE * all.txt",
        {"outbox/b": "2", "outbox/a": "1", "outbox/c": "3"},
        {"far/all.txt": "123"},
    ),
    Case(
        "exists_fail_fails",
        "@exists fail\nPUT a",
        {"outbox/a": "new", "far/a": "old"},
        {"far/a": "old"},
        Outcome.FAILED,
        "another file stands there",
    ),
    Case(
        "exists_hold_holds",
        "@exists hold\nPUT a",
        {"outbox/a": "new", "far/a": "old"},
        {"far/a": "old"},
        Outcome.FAILED,
    ),
    Case("exists_unique", "@exists unique\nPUT a", {"outbox/a": "new", "far/a": "old"}, {"far/a.1": "new"}),
    Case("exists_replace", "@exists replace\nGET -DEL a", {"inbox/a": "old", "far/a": "new"}, {"inbox/a": "new"}),
    Case(
        "set_exists_holds_for_what_follows",
        "PUT a\nSET exists=unique\nPUT b",
        {"outbox/a": "new", "far/a": "old", "outbox/b": "new", "far/b": "old"},
        {"far/a": "new", "far/b": "old", "far/b.1": "new"},
    ),
    Case(
        "rec_keeps_relative_paths_and_makes_folders",
        "PUT -REC tree deep/er/",
        {"outbox/tree/a": "1", "outbox/tree/x/y/b": "2", "outbox/tree/.hidden": "3"},
        {"far/deep/er/a": "1", "far/deep/er/x/y/b": "2", "far/deep/er/.hidden": None},
    ),
    Case(
        "a_folder_means_its_files_without_its_tree",
        "PUT tree",
        {"outbox/tree/a": "1", "outbox/tree/x/b": "2"},
        {"far/a": "1", "far/b": None, "far/x/b": None},
    ),
    Case("get_rec", "GET -REC tree/ got/", {"far/tree/a": "1", "far/tree/x/b": "2"}, {"inbox/got/x/b": "2"}),
    Case("lcopy_rec", "LCOPY -REC -DEL tree/ got/", {"inbox/tree/x/b": "2"}, {"outbox/got/x/b": "2"}),
    Case(
        "rec_with_a_pattern_takes_matching_files_of_the_tree",
        "PUT -REC *.csv in/",
        {"outbox/a.csv": "1", "outbox/b.txt": "2", "outbox/x/c.csv": "3"},
        {"far/in/a.csv": "1", "far/in/x/c.csv": "3", "far/in/b.txt": None},
    ),
    Case("a_missing_local_folder_is_made", "GET a new/er/", {"far/a": "1"}, {"inbox/new/er/a": "1"}),
    Case(
        "a_missing_remote_folder_is_refused",
        "PUT a in/",
        {"outbox/a": "1"},
        {"far/in/a": None},
        Outcome.FAILED,
        "there is no folder",
    ),
    Case(
        "a_missing_remote_folder_in_front_of_a_name_is_refused",
        "PUT a in/b",
        {"outbox/a": "1"},
        {"far/in/b": None},
        Outcome.FAILED,
        "missing",
    ),
    Case("a_destination_that_is_a_folder", "PUT a in", {"outbox/a": "1", "far/in/old": ""}, {"far/in/a": "1"}),
    Case("a_destination_that_is_a_name", "PUT a b", {"outbox/a": "1"}, {"far/b": "1", "far/a": None}),
    Case(
        "several_files_to_one_name_are_refused_before_the_first_byte",
        "PUT both one.csv",
        {"outbox/both/a.csv": "1", "outbox/both/b.csv": "2"},
        {"far/one.csv": None},
        Outcome.FAILED,
        "would both be sent as one.csv (2 files in all)",
    ),
    Case(
        "two_sources_with_one_target_name_are_refused_before_the_first_byte",
        "PUT -REC tree %sourcefilebase%.x",
        {"outbox/tree/a.1": "1", "outbox/tree/a.2": "2", "outbox/tree/b.1": "3"},
        {"far/a.x": None, "far/b.x": None},
        Outcome.FAILED,
        "would both be sent as",
    ),
    Case(
        "a_literal_name_that_is_missing_fails",
        "PUT a.csv",
        {},
        {},
        Outcome.FAILED,
        "is not there",
    ),
    Case("a_remote_literal_that_is_missing_fails", "GET a.csv", {}, {}, Outcome.FAILED, "a.csv"),
    Case("a_pattern_without_a_match_is_nothing", "PUT *.csv\nGET *.csv\nLCOPY *.csv /x/", {}, {}, Outcome.NOTHING),
    Case(
        "temporary_names_are_never_matched_by_a_pattern",
        "PUT *",
        {"outbox/a.part": "1", "outbox/.b": "2", "outbox/c.tmp": "3", "outbox/d": "4"},
        {"far/d": "4", "far/a.part": None, "far/.b": None, "far/c.tmp": None},
    ),
    Case("a_literal_temporary_name_is_sent", "PUT a.part", {"outbox/a.part": "1"}, {"far/a.part": "1"}),
    Case("cd_moves_where_remote_paths_start", "CD in\nPUT a", {"outbox/a": "1", "far/in/x": ""}, {"far/in/a": "1"}),
    Case(
        "macros_of_the_source_name",
        "PUT *.csv %sourcefilebase%-%host%.%sourcefileext%",
        {"outbox/a.b.csv": "1"},
        {"far/a.b-far.csv": "1"},
    ),
    Case(
        "a_name_that_looks_like_a_macro_is_only_a_name",
        "PUT * got-%sourcefile%",
        {"outbox/%date% %index%.csv": "1"},
        {"far/got-%date% %index%.csv": "1"},
    ),
    Case(
        "a_name_that_looks_like_a_pattern_or_an_option_is_only_a_name",
        "PUT -DEL * %sourcefile%",
        {"outbox/a*b?.csv": "1", "outbox/-DEL": "2", "outbox/[x].csv": "3", "outbox/'q\" .csv": "4"},
        {"far/a*b?.csv": "1", "far/-DEL": "2", "far/[x].csv": "3", "far/'q\" .csv": "4"},
    ),
    Case(
        "a_name_with_a_backslash_stays_one_name",
        "PUT * in/%sourcefile%",
        {"outbox/a\\b.csv": "1", "far/in/x": ""},
        {"far/in/a\\b.csv": "1"},
    ),
    Case(
        "quotes_hold_blanks",
        'PUT "a b.csv" "in it/"',
        {"outbox/a b.csv": "1", "far/in it/x": ""},
        {"far/in it/a b.csv": "1"},
    ),
    Case(
        "a_regex_part",
        r"PUT [a\d+\.csv]",
        {"outbox/a12.csv": "1", "outbox/ab.csv": "2"},
        {"far/a12.csv": "1", "far/ab.csv": None},
    ),
    Case(
        "limit_takes_the_first_after_sort",
        "@limit 2\n@sort name\nPUT *",
        {"outbox/c": "", "outbox/a": "1", "outbox/b": "2"},
        {"far/a": "1", "far/b": "2", "far/c": None},
    ),
    Case("empty_files_are_sent", "PUT *", {"outbox/a": ""}, {"far/a": ""}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
async def test_a_transfer(act: Stage, case: Case) -> None:
    for path, content in case.given.items():
        write(act.root / path, content)
    result = await act.run(case.script)
    there = {path: content for folder in ("outbox", "inbox", "far") for path, content in _below(act, folder).items()}
    assert {path: there.get(path) for path in case.then} == case.then, result
    assert result.outcome is case.outcome, result
    assert case.error in (result.error or "")
    assert not [
        path
        for path in there
        if path.endswith((".part", ".claim", ".old")) and path not in case.given and path not in case.then
    ]


def _below(act: Stage, folder: str) -> dict[str, str]:
    return {f"{folder}/{path}": content for path, content in tree(act.root / folder).items()}


@pytest.mark.parametrize(("line", "side"), [("PUT", "outbox"), ("GET", "far"), ("LCOPY", "inbox")])
@pytest.mark.parametrize("now", [False, True])
async def test_rec_says_what_it_leaves_out(act: Stage, line: str, side: str, now: bool) -> None:
    for name in ("tree/a", "tree/.hidden", "tree/x/b.tmp", "tree/x/c", "tree/.git/d"):
        write(act.root / side / name)
    (act.root / side / "tree/x/link").symlink_to("c")
    result = await act.run(f"@stability none\n@stable_for 0s\n{line} -REC tree/ got/", now=now)
    assert result.files == 2
    said = "command 1: hidden or temporary, or no regular file, and so not taken: "
    assert [note for note in result.notes if said in note] == [f"{said}.git, .hidden, x/b.tmp, x/link"]
