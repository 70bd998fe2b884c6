"""History as a text of any length: read in pages, never held as a whole."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import TextIO

from gateway.core.errors import NeedsOperator
from gateway.ledger import Connection, Ledger
from gateway.ledger.history import Filter, history
from gateway.ledger.overview import RunFilter, parked_deliveries, past_runs
from gateway.ledger.partner_history import ActFilter, acts
from gateway.service.forms import Form, lines, tail
from gateway.service.partner_receipts import PARTNER_COLUMNS, act_receipt
from gateway.service.receipts import DELIVERY_COLUMNS, RUN_COLUMNS, Receipt, run_receipt, whole_receipt

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is exported: the columns, and the receipts page by page, newest first."""

    columns: Sequence[str]
    pages: AsyncIterator[Sequence[Receipt]]


def deliveries_sheet(ledger: Ledger, wanted: Filter, zone: tzinfo) -> Sheet:
    """The deliveries that `wanted` means; its limit counts over all pages."""

    def read(connection: Connection, below: int | None, limit: int) -> Sequence[Receipt]:
        rows = history(connection, replace(wanted, below=below, limit=limit))
        parked = parked_deliveries(connection, [row.id for row in rows])
        return [whole_receipt(row, parked, zone) for row in rows]

    return Sheet(DELIVERY_COLUMNS, _pages(ledger, read, wanted.limit))


def runs_sheet(ledger: Ledger, wanted: RunFilter, zone: tzinfo) -> Sheet:
    """The runs that `wanted` means; likewise."""

    def read(connection: Connection, below: int | None, limit: int) -> Sequence[Receipt]:
        rows = past_runs(connection, replace(wanted, below=below, limit=limit))
        return [run_receipt(row, zone) for row in rows]

    return Sheet(RUN_COLUMNS, _pages(ledger, read, wanted.limit))


def acts_sheet(ledger: Ledger, wanted: ActFilter, zone: tzinfo, *, is_served: bool) -> Sheet:
    """What partners did; likewise."""

    def read(connection: Connection, below: int | None, limit: int) -> Sequence[Receipt]:
        rows = acts(connection, replace(wanted, below=below, limit=limit))
        return [act_receipt(row, zone, is_served=is_served) for row in rows]

    return Sheet(PARTNER_COLUMNS, _pages(ledger, read, wanted.limit))


_Read = Callable[[Connection, int | None, int], Sequence[Receipt]]
"""Asked for the receipts below an id, at most so many."""


def _page(connection: Connection, read: _Read, below: int | None, limit: int) -> Sequence[Receipt]:
    return read(connection, below, limit)


async def _pages(ledger: Ledger, read: _Read, limit: int) -> AsyncIterator[Sequence[Receipt]]:
    """Each page is a reading of its own, so that a long export holds up nothing in the ledger."""
    below: int | None = None
    while limit > 0:
        page = await ledger.read(partial(_page, read=read, below=below, limit=min(PAGE, limit)))
        if not page:
            return
        yield page
        limit -= len(page)
        last = page[-1]["id"]
        assert isinstance(last, int)
        below = last


async def write_sheet(sheet: Sheet, form: Form, to: TextIO) -> int:
    """Write it all; how many receipts that were."""
    count = 0
    async for page in sheet.pages:
        text = "".join(lines(form, page, sheet.columns, first=count == 0))
        await asyncio.to_thread(to.write, text)
        count += len(page)
    if count == 0 and form is Form.CSV:
        to.write("".join(lines(form, (), sheet.columns, first=True)))
    to.write(tail(form, empty=count == 0))
    return count


async def write_file(sheet: Sheet, form: Form, path: Path) -> int:
    """Write it to a file that has its name only once it is whole; how many receipts.  Raises NeedsOperator."""
    partial_path = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # A name that is no UTF-8 stands in CSV with the bytes that it has.
        with partial_path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            count = await write_sheet(sheet, form, file)
            await asyncio.to_thread(_to_disk, file)
        partial_path.replace(path)
    except OSError as problem:
        raise NeedsOperator(f"{path}: can't be written: {problem.strerror}; choose another file") from problem
    finally:
        partial_path.unlink(missing_ok=True)
    return count


def _to_disk(file: TextIO) -> None:
    file.flush()
    os.fsync(file.fileno())
