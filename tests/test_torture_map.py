"""The table of failure cases is complete, and what it names exists."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "tests" / "TORTURE.md"
CASES = 80
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
_REASON = re.compile(r"(?:open|does not apply): \S.{20,}")


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    number: int
    what: str
    expected: str
    proofs: tuple[str, ...]

    @property
    def tests(self) -> tuple[tuple[str, str], ...]:
        """(file, function) of each test that it names."""
        return tuple((found[1], found[2]) for proof in self.proofs if (found := _TEST.fullmatch(proof)))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not, or not wholly, proved."""
        return tuple(proof for proof in self.proofs if _REASON.fullmatch(proof))


def cases(text: str) -> list[Case]:
    """The rows of all tables in `text`."""
    rows = [line.strip().strip("|").split(" | ") for line in text.splitlines() if re.match(r"\| \d+ \|", line)]
    return [
        Case(int(number), what, expected, tuple(proof.strip().split("<br>"))) for number, what, expected, proof in rows
    ]


@cache
def functions_in(path: str) -> frozenset[str]:
    """The test functions of a file, in classes, too; nothing is run."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"), path)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds) and node.name.startswith("test_"))


ALL = cases(TABLE.read_text(encoding="utf-8"))


def test_every_case_stands_there_once_and_in_order() -> None:
    assert [case.number for case in ALL] == list(range(1, CASES + 1))


@pytest.mark.parametrize("case", ALL, ids=lambda case: str(case.number))
def test_a_case_has_tests_that_exist_or_a_reason(case: Case) -> None:
    assert case.what.strip(), case.number
    assert case.expected.strip(), case.number
    assert len(case.tests) + len(case.reasons) == len(case.proofs) > 0, case.proofs
    assert [test for test in case.tests if not (ROOT / test[0]).is_file() or test[1] not in functions_in(test[0])] == []
    assert len(set(case.proofs)) == len(case.proofs)


def test_every_test_of_these_cases_is_named_by_one() -> None:
    named = {test for case in ALL for test in case.tests}
    files = [str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "torture").glob("test_*.py")]
    assert [(path, name) for path in files for name in sorted(functions_in(path)) if (path, name) not in named] == []


def test_a_row_with_a_test_that_is_gone_is_found() -> None:
    [case] = cases("| 7 | what | expected | `tests/test_torture_map.py::test_gone` |")
    assert case.tests == (("tests/test_torture_map.py", "test_gone"),)
    with pytest.raises(AssertionError):
        test_a_case_has_tests_that_exist_or_a_reason(case)
