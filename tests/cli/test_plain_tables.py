"""Tables where nobody watches: aligned, but one long name pushes no other row aside.  On a terminal nothing is cut."""

import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from gateway.cli.history import COLUMNS, RUN_COLUMNS
from gateway.cli.output import Value, print_table


def test_a_column_is_aligned_up_to_40_characters_and_a_longer_cell_pushes_only_its_own_row(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(("id", "file", "state"), [[1, "x" * 200, "done"], [2, "short", "failed"]])
    head, long, short = capsys.readouterr().out.splitlines()
    assert long == f"1   {'x' * 200}  done"
    assert short == f"2   {'short':<40}  failed"
    assert head.index("state") == short.index("failed")


_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
DELIVERY = (7, "2026-11-22 07:49:21", "orders", "acme", "orders-2026-11.csv", "orders-2026-11.csv", "286.1 MiB", "done")
JOB = ("prices", "ready", "sftp://books/prices", 3, "every day at 06:15", "2026-11-23T06:15:00+01:00", "finished")
TABLES: dict[str, tuple[tuple[str, ...], tuple[Value, ...]]] = {
    "history": (COLUMNS, (*DELIVERY, "size", None)),
    "runs": (RUN_COLUMNS, (7, "2026-11-22 07:49:21", "orders", "schedule", "nothing", 0, 0, "0 B", "0.1 s", "x" * 100)),
    "jobs": (("job", "state", "source", "destinations", "schedule", "next_at", "last_state"), JOB),
}


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("name", TABLES)
def test_on_a_terminal_cells_are_folded_and_never_cut(
    name: str, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    columns, row = TABLES[name]
    print_table(columns, [row])
    out = _ESCAPES.sub("", capsys.readouterr().out)
    wanted = "".join(str(one) for one in row if one is not None)
    assert Counter(wanted.replace(" ", "")) <= Counter(out), out
    assert max(map(len, out.splitlines())) <= width


def test_on_a_terminal_numbers_and_words_stay_whole_while_longer_cells_can_give_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_table(("id", "file", "state"), [(1234567, "x" * 50, "delete_failed")])
    out = capsys.readouterr().out
    assert "1234567" in out
    assert "delete_failed" in out


Shown = Callable[[int, Sequence[str], Sequence[Sequence[Value]]], list[str]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shown:
    """The lines of a table on a terminal of some width."""

    def show(width: int, columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        print_table(columns, rows)
        return [line.rstrip() for line in _ESCAPES.sub("", capsys.readouterr().out).splitlines()]

    return show


def test_columns_that_say_nothing_go_where_a_table_is_too_wide_and_dates_stay_whole(shown: Shown) -> None:
    head, first, second = shown(80, COLUMNS, [(*DELIVERY, "size", None)] * 2)[:3]
    assert "error" not in head
    assert first.split()[:3] == ["7", "2026-11-22", "orders"]
    assert second.split()[0] == "07:49:21"
    long = (*DELIVERY[:5], f"books/20261122/{DELIVERY[5]}", *DELIVERY[6:], "size", None)
    _, first, *_ = shown(104, COLUMNS, [long])
    assert "2026-11-22 07:49:21" in first
    assert "error" in shown(200, COLUMNS, [(*DELIVERY, "size", None)])[0]


def test_a_sentence_that_has_no_room_goes_below_its_row(shown: Shown) -> None:
    error = "the host key has changed; if that is meant, pin the new one: gateway trust acme --replace"
    lines = shown(80, COLUMNS, [(*DELIVERY, "size", None), (*DELIVERY, "size", error)])
    assert "error" not in lines[0]
    assert (lines[-2], lines[-1]) == (
        "  error: the host key has changed; if that is meant, pin the new one: gateway",
        "  trust acme --replace",
    )
    assert sum("error" in line for line in lines) == 1


def test_on_a_terminal_too_narrow_for_columns_each_row_is_a_list(shown: Shown) -> None:
    lines = shown(50, COLUMNS, [(*DELIVERY, "size", None), (*DELIVERY, "size", "x" * 30)])
    assert lines[:3] == ["id        7", "when      2026-11-22 07:49:21", "action    orders"]
    assert lines.count("") == 1
    assert lines[-1] == f"error: {'x' * 30}"
