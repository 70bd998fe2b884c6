"""Receipts as text: CSV (RFC 4180, UTF-8, a line of names first), one JSON array, or JSON lines."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from gateway.service.receipts import Cell, Receipt


class Form(StrEnum):
    """How receipts are written; also the ending of a file's name."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"


def csv_head(columns: Sequence[str]) -> str:
    """The line of names."""
    return _csv(columns)


def csv_line(one: Receipt, columns: Sequence[str]) -> str:
    """One receipt; several notes are lines of one cell."""
    return _csv([_cell(one[column]) for column in columns])


def json_line(one: Receipt, columns: Sequence[str]) -> str:
    """One receipt as an object, without a line's end.

    Bytes of a name that are no UTF-8 become lone surrogates, as JSON writes them: reading gives the name back.
    """
    text = json.dumps({column: one[column] for column in columns}, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def lines(form: Form, receipts: Iterable[Receipt], columns: Sequence[str], *, first: bool) -> Iterator[str]:
    """The text of some receipts; `first`: they begin the text."""
    if form is Form.CSV:
        if first:
            yield csv_head(columns)
        yield from (csv_line(one, columns) for one in receipts)
    elif form is Form.JSONL:
        yield from (f"{json_line(one, columns)}\n" for one in receipts)
    else:
        for one in receipts:
            yield f"{'[' if first else ','}\n{json_line(one, columns)}"
            first = False


def tail(form: Form, *, empty: bool) -> str:
    """What ends the text."""
    return ("[]\n" if empty else "\n]\n") if form is Form.JSON else ""


def _cell(value: Cell) -> str | int | None:
    return value if value is None or isinstance(value, str | int) else "\n".join(value)


def _csv(cells: Sequence[str | int | None]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
