"""Files that get what leaves the history: one a month and kind, appended to, on disk before anything is dropped.

A kill may cut a row that is being written, or come between the file and the ledger: the cut row is taken away before
more is appended, and a row that stands there already is not written twice.
"""

import json
import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.core.errors import NeedsOperator
from gateway.core.folders import sync_folder
from gateway.ledger.retention import BITE
from gateway.service.forms import Form, csv_head, lines
from gateway.service.receipts import Receipt


@dataclass(frozen=True, slots=True)
class _Known:
    """A file as we left or found it: its length, the first line, and the ids of the last rows."""

    size_bytes: int
    head: str
    last: frozenset[int]


class HistoryFiles:
    """Appends receipts to the files of one folder (blocks)."""

    def __init__(self, folder: Path, form: Form) -> None:
        self._folder = folder
        self._form = form
        self._known: dict[Path, _Known] = {}

    def append(self, name: str, columns: Sequence[str], receipts: Sequence[Receipt]) -> Path:
        """Append to `name`, such as deliveries-2026-11; returns once that is on disk.

        Raises NeedsOperator where it can't be written, the file then being as it was.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._path(name, columns)
            with path.open("ab") as file:
                self._append(file, path, columns, receipts)
        except OSError as problem:
            raise NeedsOperator(
                f"{self._folder}: old history can't be exported there ({problem.strerror}), so it is kept in the "
                "ledger; make that folder writable, or correct [gateway] export_history"
            ) from problem
        return path

    def _path(self, name: str, columns: Sequence[str]) -> Path:
        """The file with these columns: one that has others (of another version) is left alone."""
        number = 1
        while True:
            path = self._folder / (f"{name}.{self._form}" if number == 1 else f"{name}.{number}.{self._form}")
            known = self._look(path)
            if known is None or self._form is not Form.CSV or known.head in ("", csv_head(columns)):
                return path
            number += 1

    def _look(self, path: Path) -> _Known | None:
        """What stands in the file; one that is as we left it is not read again."""
        known = self._known.get(path)
        if not path.exists():
            self._known.pop(path, None)
            return None
        if known is None or known.size_bytes != path.stat().st_size:
            known = self._known[path] = _mended(path, self._form)
        return known

    def _append(self, file: BinaryIO, path: Path, columns: Sequence[str], receipts: Sequence[Receipt]) -> None:
        known = self._known.get(path) or _Known(0, "", frozenset())
        new = [one for one in receipts if one["id"] not in known.last]
        text = "".join(lines(self._form, new, columns, first=known.size_bytes == 0))
        try:
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fsync(file.fileno())
            if known.size_bytes == 0:
                sync_folder(self._folder)
        except OSError:
            self._known.pop(path, None)
            os.ftruncate(file.fileno(), known.size_bytes)
            raise
        last = frozenset(found for one in receipts if isinstance(found := one["id"], int))
        self._known[path] = _Known(file.tell(), known.head or csv_head(columns), last)


def _mended(path: Path, form: Form) -> _Known:
    """Read the file once, and take away a row that a kill has cut."""
    head, end = "", 0
    last: deque[bytes] = deque(maxlen=BITE)
    with path.open("rb+") as file:
        for row in _rows(file, form):
            if end == 0:
                head = row.decode("utf-8", "surrogateescape")
            last.append(row)
            end += len(row)
        file.truncate(end)
    return _Known(end, head, frozenset(found for row in last if (found := _id_of(row, form)) is not None))


def _rows(file: BinaryIO, form: Form) -> Iterator[bytes]:
    """The whole rows; in CSV one ends where its quotes are closed."""
    row = b""
    for line in file:
        row += line
        if line.endswith(b"\n") and (form is not Form.CSV or row.count(b'"') % 2 == 0):
            yield row
            row = b""


def _id_of(row: bytes, form: Form) -> int | None:
    try:
        found = row.partition(b",")[0] if form is Form.CSV else json.loads(row)["id"]
        return int(found)
    except (ValueError, KeyError, TypeError):
        return None  # the line of names, or something that is not ours
