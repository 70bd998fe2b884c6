"""How verbs print: a table on a terminal, plain lines elsewhere, one JSON array with --json (DESIGN §8)."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import TextIOWrapper
from typing import Annotated, TextIO

import typer

from gateway.cli.folded_table import NOTHING, print_folded
from gateway.core.units import show_duration

JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]

_ALIGNED = 40
"""Plain lines are aligned up to here: one long name would push all other rows aside."""

Value = str | int | float | bool | None | Sequence["Value"] | Mapping[str, "Value"]
Row = Mapping[str, Value]


def print_json(value: object) -> None:
    """One JSON document; letters as they are, bytes of a name that are no UTF-8 as JSON's lone surrogates."""
    text = json.dumps(value, ensure_ascii=False, indent=None if not sys.stdout.isatty() else 2)
    typer.echo(text.encode("utf-8", "backslashreplace"))


@contextmanager
def standard_output() -> Iterator[TextIO]:
    """Standard output for a text of any length: UTF-8, names that are no UTF-8 with the bytes that they have."""
    sys.stdout.flush()
    out = TextIOWrapper(sys.stdout.buffer, encoding="utf-8", errors="surrogateescape", newline="")
    try:
        yield out
        out.flush()
    finally:
        out.detach()


def print_rows(rows: Sequence[Row], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """`columns` of `rows` for people, everything for --json; `empty` says what it means that there are none."""
    if as_json:
        print_json(list(rows))
    elif not rows:
        typer.echo(empty)
    else:
        print_table(columns, [[row.get(column) for column in columns] for row in rows])


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> None:
    """Folded to the width of a terminal; elsewhere a line for each row."""
    if sys.stdout.isatty():
        heads = [column.replace("_", " ") for column in columns]
        print_folded(heads, [[show_value(value) for value in row] for row in rows])
    else:
        _print_plain(columns, rows)


def _print_plain(columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> None:
    cells = [list(columns), *([show_value(value) for value in row] for row in rows)]
    widths = [min(_ALIGNED, max(len(line[at]) for line in cells)) for at in range(len(columns))]
    for line in cells:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def show_value(value: Value) -> str:
    """A cell for people; control characters made visible, so that a file name can't rewrite the screen."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else str(value)
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def show_files(count: int) -> str:
    """`1 file`, `3 files`."""
    return "1 file" if count == 1 else f"{count} files"


def show_time(value: datetime | None) -> str | None:
    """ISO 8601 with offset, in the machine's zone, to the second."""
    return value.astimezone().isoformat(timespec="seconds") if value else None


def show_span(value: timedelta | None) -> str | None:
    """A duration for people, to the second."""
    return show_duration(timedelta(seconds=round(value.total_seconds()))) if value is not None else None
