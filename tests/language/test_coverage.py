"""Nothing of the language is without an example: each row of each table stands in the corpus and in SPEC.md."""

import re
from pathlib import Path

import pytest

from gateway.language.headers import HEADERS
from gateway.language.macros import MACROS
from gateway.language.properties import OURS, THEIRS
from gateway.language.tables import FOREIGN_VERBS, ROWS, Row

ROOT = Path(__file__).parents[2]
SPEC = (ROOT / "grammar" / "SPEC.md").read_text(encoding="utf-8")
VALID = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "grammar/corpus/valid").glob("*.act")))
INVALID = "\n".join(
    path.read_text(encoding="utf-8", errors="replace")
    for path in sorted((ROOT / "grammar/corpus/invalid").glob("*.act"))
)
EXPECTED = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "grammar/corpus/invalid").glob("*.expect"))
)
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("test_*.py")))
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "gateway/language").glob("*.py")))
CODES = sorted(set(re.findall(r'"([EW]\d{3})"', SOURCE)))


def lines_of(row: Row, text: str) -> list[str]:
    return re.findall(rf"(?mi)^\s*{re.escape(row.verb)}(?=\s|$).*$", text)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.verb}_{row.node.__name__}")
def test_a_verb_with_all_its_options_and_parameters_is_in_the_corpus_and_the_spec(row: Row) -> None:
    lines = "\n".join(lines_of(row, VALID))
    assert lines, row.verb
    assert [name for name in row.options if f"-{name}" not in lines] == []
    assert [each.name for each in row.parameters if f"{each.name.lower()}=" not in lines.lower()] == []
    assert f"`{row.verb}" in SPEC
    assert [name for name in row.options if f"-{name}" not in SPEC] == []
    assert [each.name for each in row.parameters if each.name not in SPEC] == []


@pytest.mark.parametrize("row", [row for row in ROWS if row.foreign], ids=lambda row: f"{row.verb}_{row.node.__name__}")
def test_every_option_of_the_family_that_is_missing_here_is_refused_by_an_example(row: Row) -> None:
    lines = "\n".join(lines_of(row, INVALID))
    assert [name for name in row.foreign if not re.search(rf"-{name}\b", lines)] == []


def test_every_verb_of_the_family_that_is_missing_here_is_refused_with_a_message_of_its_own() -> None:
    needed = {"PWD", "ATTR", "CONNECT", "DISCONNECT", "CONFIRM", "SCRIPT"}
    assert needed <= set(FOREIGN_VERBS)
    assert [verb for verb in sorted(FOREIGN_VERBS) if f"{verb} is not a command here" not in EXPECTED] == []


def test_every_finding_says_what_to_write_instead() -> None:
    lines = [line for line in EXPECTED.splitlines() if line]
    assert [line for line in lines if not re.search("; |, did you mean ", line)] == []


@pytest.mark.parametrize("name", HEADERS)
def test_every_header_is_in_the_corpus_and_the_spec(name: str) -> None:
    assert re.search(rf"(?m)^@{name}\s", VALID)
    assert f"`{name}`" in SPEC or f"`@{name}`" in SPEC


@pytest.mark.parametrize("name", [each.name for each in (*OURS, *THEIRS)])
def test_every_property_is_set_in_the_corpus_and_named_in_the_spec(name: str) -> None:
    assert f"SET {name}=" in VALID
    assert f"`{name}`" in SPEC


@pytest.mark.parametrize("name", MACROS)
def test_every_macro_is_in_the_corpus_and_the_spec(name: str) -> None:
    assert f"%{name}%" in VALID
    assert f"`%{name}%`" in SPEC


@pytest.mark.parametrize("code", CODES)
def test_every_finding_is_expected_by_some_example_and_explained_in_the_spec(code: str) -> None:
    assert f" {code} " in EXPECTED
    assert f"| {code} |" in SPEC


def test_the_spec_explains_no_finding_that_is_gone() -> None:
    assert sorted(set(re.findall(r"\| ([EW]\d{3}) \|", SPEC))) == CODES


def test_every_rule_of_polling_is_named_by_an_example_or_a_test() -> None:
    """The rules of polling, each by words that stand in a corpus file behind "Rule:" or in the name of a test."""
    rules = {
        "runs only for PUT, PUT+GET, LCOPY, CHECK": "test_rule_an_action_runs_by_polling_only_for_put_putget_lcopy_or",
        "the first command decides": "test_rule_the_first_command_found_decides_between_autosend_and_autocheck",
        "autocheck contains only the CHECK": "Rule: CHECK comes first and drives; an autocheck action should",
        "one must use -DEL": "test_rule_at_least_one_of_the_commands_must_use_del",
        "first of PUT and LCOPY drives": "test_rule_between_put_and_lcopy_the_first_kind_drives",
        "one autosend command is recommended": "Rule: One autosend command an action is recommended",
        "stability before sending": "Rule: Every PUT, PUT+GET and LCOPY source of a polled action is checked",
        "CHECK -FIL or -DIR": "test_rule_a_polled_check_is_check_fil_or_check_dir",
        "Age >nn, 0 to 99": "test_rule_a_polled_check_has_an_age_of_greater_than_0_to_99",
        "no Count": "test_rule_a_polled_check_may_not_specify_count",
        "reported again, so clean up": "Rule: What is reported and not handled is reported again",
        "examples 1 and 2": "test_rule_examples_1_and_2_can_be_polled",
    }
    assert [rule for rule, words in rules.items() if words not in TESTS + INVALID] == []
